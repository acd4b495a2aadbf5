"""What controllers of pods share (`pkg/controller/{controller_utils,controller_ref_manager}.go`).

No expectations as upstream keeps them: an informer is never behind its own controller. A write wakes the informer's task before the
worker's next `await` returns, and a worker yields between two keys, so `reconcile` starts from a cache that has all it wrote before.
"""

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..client import Client
from ..clock import Clock, now, parse
from ..component_helpers import condition, is_pod_ready
from ..deep_copy import deep_copy
from ..events import EventRecorder
from ..informer import Informer, controller_of, key_of

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def elapsed(clock: Clock, since: str) -> float:
    """Cluster seconds since a timestamp of the API."""
    return max((now() - parse(since)).total_seconds(), 0) * clock.speed


def settle(clock: Clock, size: int, cost: float = 100e-6) -> float:
    """Cluster seconds to wait for more changes before looking at `size` objects again. A reconcile takes time in proportion to them, up to
    `cost` real seconds each, so many changes must share one: nothing to notice for small sets, at most two seconds for thousands."""
    return min(size * cost * (1 + size / 1000), 2.0) * clock.speed


class Family:
    """An index of an informer: objects by the controller that owns them, and those no controller owns."""

    def __init__(self, informer: Informer):
        self._owned: dict[str, dict[tuple, dict]] = defaultdict(dict)
        self._orphans: dict[str, dict[tuple, dict]] = defaultdict(dict)
        informer.on_change(self._on_change)

    def of(self, uid: str) -> list[dict]:
        return list(self._owned.get(uid, {}).values())

    def count(self, uid: str) -> int:
        return len(self._owned.get(uid, ()))

    def orphans(self, namespace: str) -> list[dict]:
        return list(self._orphans.get(namespace, {}).values())

    def _on_change(self, old: dict | None, new: dict | None) -> None:
        if old is not None:
            self._drop(old)
        if new is not None:
            owner = controller_of(new)
            group = self._owned[owner["uid"]] if owner else self._orphans[new["metadata"]["namespace"]]
            group[key_of(new)] = new

    def _drop(self, obj: dict) -> None:
        owner = controller_of(obj)
        groups, name = (self._owned, owner["uid"]) if owner else (self._orphans, obj["metadata"]["namespace"])
        if group := groups.get(name):
            group.pop(key_of(obj), None)
            if not group:
                del groups[name]


def controller_ref(owner: dict) -> dict:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def claim(
    client: Client, resource: str, owner: dict, selector: list[selectors.Requirement] | None, family: Family,
    keep: Callable[[dict], bool] = lambda obj: True,
) -> list[dict]:
    """The owner's objects: those it owns and selects. Matching orphans are adopted, owned ones that match no more are released.

    `keep` is an extra condition an orphan must meet. `resource` is that of the objects.
    """
    meta = owner["metadata"]
    mine = []
    for obj in family.of(meta["uid"]):
        if selectors.matches(selector, obj["metadata"].get("labels")):
            mine.append(obj)
        elif "deletionTimestamp" not in meta:
            _release(client, resource, obj, meta["uid"])
    if "deletionTimestamp" in meta:
        return mine
    for obj in family.orphans(meta["namespace"]):
        if "deletionTimestamp" in obj["metadata"] or not selectors.matches(selector, obj["metadata"].get("labels")) or not keep(obj):
            continue
        if adopted := _adopt(client, resource, obj, owner):
            mine.append(adopted)
    return mine


def _release(client: Client, resource: str, obj: dict, uid: str) -> None:
    meta = obj["metadata"]
    left = [r for r in meta["ownerReferences"] if r["uid"] != uid]
    patch = {"metadata": {"uid": meta["uid"], "ownerReferences": left or None}}
    ignore_gone(client.patch, resource, meta["namespace"], meta["name"], patch)


def _adopt(client: Client, resource: str, obj: dict, owner: dict) -> dict | None:
    meta = obj["metadata"]
    patch = {"metadata": {"uid": meta["uid"], "ownerReferences": [*meta.get("ownerReferences", ()), controller_ref(owner)]}}
    return ignore_gone(client.patch, resource, meta["namespace"], meta["name"], patch)


def ignore_gone(write: Callable, *args, **kwargs):
    """The write's answer, or None when its object is gone or is another by now."""
    try:
        return write(*args, **kwargs)
    except ApiError as error:
        if error.code == 404 or (error.code == 409 and "UID" in error.message):
            return None
        raise


def pod_from_template(template: dict, owner: dict, name: str = "") -> dict:
    """`name` empty: generated from the owner's name."""
    meta, source = owner["metadata"], template.get("metadata") or {}
    metadata: dict = {"namespace": meta["namespace"], "ownerReferences": [controller_ref(owner)]}
    metadata |= {"name": name} if name else {"generateName": meta["name"] + "-"}
    for field in ("labels", "annotations", "finalizers"):
        if source.get(field):
            metadata[field] = deep_copy(source[field])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deep_copy(template["spec"])}


class PodControl:
    """Creates and deletes pods in a controller's name, and says so in events about the owner."""

    def __init__(self, client: Client, events: EventRecorder):
        self._client, self._events = client, events

    def create(self, owner: dict, pod: dict) -> dict:
        """Raises ApiError. Nothing is said when the namespace is on its way out."""
        try:
            created = self._client.create("pods", pod)
        except ApiError as error:
            if not is_namespace_terminating(error):
                self._events.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
            raise
        self._events.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
        return created

    def delete(self, owner: dict, pod: dict) -> None:
        meta = pod["metadata"]
        try:
            self._client.delete("pods", meta["namespace"], meta["name"])
        except ApiError as error:
            if error.code == 404:
                return
            self._events.event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
            raise
        self._events.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {meta['name']}")


def is_namespace_terminating(error: ApiError) -> bool:
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes", ()))


async def slow_start(count: int, work: Callable[[int], Awaitable[None] | None]) -> tuple[int, ApiError | None]:
    """Call `work(i)` in batches of 1, 2, 4 …, ending after a batch with a failure. (how many succeeded, first error)"""
    done, batch = 0, 1
    while done < count:
        error = None
        batch = min(batch, count - done)
        for i in range(done, done + batch):
            try:
                work(i)
            except ApiError as failed:
                error = error or failed
                batch -= 1
        done += batch
        if error:
            return done, error
        batch *= 2
        await asyncio.sleep(0)
    return done, None


def is_pod_available(pod: dict, min_ready_seconds: int, clock: Clock) -> bool:
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return False
    return not min_ready_seconds or elapsed(clock, ready["lastTransitionTime"]) >= min_ready_seconds


_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def pods_to_delete(pods: list[dict], count: int, related: list[dict]) -> list[dict]:
    """The `count` pods that are missed least (ActivePodsWithRanks); `related` are all pods of the owner's owner, so that
    nodes with many of them lose some first."""
    if count >= len(pods):
        return list(pods)
    on_node = Counter(p["spec"].get("nodeName", "") for p in related)
    instant = now()

    def worth(pod: dict) -> tuple:
        ready = condition(pod, "Ready")
        is_ready = ready is not None and ready["status"] == "True"
        status = pod.get("status") or {}
        return (
            bool(pod["spec"].get("nodeName")),
            _PHASES.get(status.get("phase", "Unknown"), 1),
            is_ready,
            deletion_cost(pod),
            -on_node[pod["spec"].get("nodeName", "")],
            _log_age(ready["lastTransitionTime"], instant) if is_ready else 0,
            -max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0),
            _log_age(pod["metadata"]["creationTimestamp"], instant),
            pod["metadata"]["uid"],
        )

    return sorted(pods, key=worth)[:count]


def _log_age(since: str, instant) -> int:
    """Ages are compared by order of magnitude (gate LogarithmicScaleDown)."""
    return int(math.log2(max((instant - parse(since)).total_seconds(), 1)))


def deletion_cost(pod: dict) -> int:
    try:
        return int((pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def count_ready(pods: list[dict]) -> int:
    return sum(map(is_pod_ready, pods))


def resolve_percent(value: int | str, total: int, up: bool) -> int:
    """An IntOrString of `total`, rounded up or down (`pkg/util/intstr`)."""
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * total
    return -(-part // 100) if up else part // 100

"""PodDisruptionBudgets: how many pods may go just now (`pkg/controller/disruption/disruption.go`). The eviction API reads the answer."""


from ..apiserver import selectors
from ..clock import now, parse
from ..component import Controller
from ..component_helpers import is_pod_ready, is_pod_terminal, with_condition
from ..deep_copy import deep_copy
from ..events import EventRecorder
from ..informer import controller_of, key_of
from .utils import elapsed, ignore_gone, resolve_percent

RESOURCE = "poddisruptionbudgets.policy"
DELETION_TIMEOUT = 120.0
"""Seconds an evicted pod counts as gone although it is still there."""
SCALES = {
    "ReplicaSet": "replicasets.apps",
    "ReplicationController": "replicationcontrollers",
    "StatefulSet": "statefulsets.apps",
    "Deployment": "deployments.apps",
}


class DisruptionController(Controller):
    name = "disruption-controller"

    def setup(self) -> None:
        self.events = EventRecorder(self.client, "controllermanager")
        self.budgets, self.pods = self.informers[RESOURCE], self.informers["pods"]
        self.budgets.on_change(lambda old, new: new and self.queue.add(key_of(new)))
        self.pods.on_change(self._on_pod)
        for resource in SCALES.values():
            self.informers[resource].on_change(self._on_owner)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        found = [p for p in (old, new) if p]
        for budget in self.budgets.list(found[0]["metadata"]["namespace"]):
            if any(selectors.matches(_selector(budget), p["metadata"].get("labels")) for p in found):
                self.queue.add(key_of(budget))

    def _on_owner(self, old: dict | None, new: dict | None) -> None:
        if old and new and old["spec"].get("replicas") != new["spec"].get("replicas"):
            for budget in self.budgets.list(new["metadata"]["namespace"]):
                self.queue.add(key_of(budget))

    async def reconcile(self, key: tuple[str, str]) -> None:
        budget = self.budgets.get(*key)
        if budget is None:
            return
        selector = _selector(budget)
        pods = [p for p in self.pods.list(key[0]) if selectors.matches(selector, p["metadata"].get("labels")) and not is_pod_terminal(p)]
        if not pods:
            self.events.event(budget, "Normal", "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget, pods)
        except LookupError as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self.events.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            return self._write(budget, {**(budget.get("status") or {}), "disruptionsAllowed": 0}, "SyncFailed", str(error))
        disrupted = self._disrupted(budget, pods)
        healthy = sum(is_pod_ready(p) and "deletionTimestamp" not in p["metadata"] and p["metadata"]["name"] not in disrupted for p in pods)
        allowed = max(healthy - desired, 0) if expected > 0 else 0
        status = {
            **(budget.get("status") or {}),
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
        }
        if disrupted:
            status["disruptedPods"] = disrupted
            oldest = min(elapsed(self.clock, t) for t in disrupted.values())
            self.queue.add_after(key, max(DELETION_TIMEOUT - oldest, 0) + 1)
        else:
            status.pop("disruptedPods", None)
        self._write(budget, status, "SufficientPods" if allowed else "InsufficientPods", "")

    def _write(self, budget: dict, status: dict, reason: str, message: str) -> None:
        generation = budget["metadata"].get("generation", 0)
        condition = {"type": "DisruptionAllowed", "status": "True" if status["disruptionsAllowed"] else "False", "reason": reason,
                     "message": message, "observedGeneration": generation}
        status |= {"observedGeneration": generation, "conditions": with_condition(status.get("conditions") or (), condition)}
        if status != budget.get("status"):
            changed = deep_copy(budget)
            changed["status"] = status
            ignore_gone(self.client.update, RESOURCE, changed, "status")

    def _expected(self, budget: dict, pods: list[dict]) -> tuple[int, int]:
        """(pods there should be, healthy ones needed). Raises LookupError when a pod's owner cannot tell."""
        spec = budget["spec"]
        if spec.get("maxUnavailable") is not None:
            expected = self._scale(pods)
            return expected, max(expected - resolve_percent(spec["maxUnavailable"], expected, up=True), 0)
        minimum = spec.get("minAvailable", 0)
        if isinstance(minimum, int):
            return len(pods), minimum
        expected = self._scale(pods)
        return expected, resolve_percent(minimum, expected, up=True)

    def _scale(self, pods: list[dict]) -> int:
        owners: dict[str, int] = {}
        for pod in pods:
            owner = self._owner_of(pod)
            owners[owner["metadata"]["uid"]] = owner["spec"].get("replicas", 1)
        return sum(owners.values())

    def _owner_of(self, pod: dict) -> dict:
        obj, namespace = pod, pod["metadata"]["namespace"]
        reference = controller_of(pod)
        if reference is None:
            raise LookupError(f'found no controller ref for pod "{pod["metadata"]["name"]}"')
        while reference and reference["kind"] in SCALES:
            found = self.informers[SCALES[reference["kind"]]].get(namespace, reference["name"])
            if not found or found["metadata"]["uid"] != reference["uid"]:
                break
            obj, reference = found, controller_of(found)
        if obj is pod:
            raise LookupError(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        return obj

    def _disrupted(self, budget: dict, pods: list[dict]) -> dict[str, str]:
        """Evicted pods that are not on their way out yet."""
        here = {p["metadata"]["name"] for p in pods if "deletionTimestamp" not in p["metadata"]}
        listed = (budget.get("status") or {}).get("disruptedPods") or {}
        limit = DELETION_TIMEOUT / self.clock.speed
        return {n: t for n, t in listed.items() if n in here and (now() - parse(t)).total_seconds() < limit}


def _selector(budget: dict) -> list[selectors.Requirement] | None:
    return selectors.from_label_selector(budget["spec"].get("selector"))

"""How many replicas a measured use asks for (`pkg/controller/podautoscaler/replica_calculator.go`, `metrics/{client,utilization}.go`)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..apiserver import quantity, selectors
from ..apiserver.errors import ApiError
from ..client import Client
from ..clock import Clock, parse
from ..component_helpers import condition
from ..informer import Informer
from .utils import elapsed

TOLERANCE = 0.1
CPU_INITIALIZATION = 300
"""Seconds after a pod's start in which its CPU use counts only while it is ready."""
INITIAL_READINESS_DELAY = 30
PODS_METRICS = "pods.metrics.k8s.io"


class MetricError(Exception):
    """The use is not known, or means nothing; in upstream's words."""


@dataclass
class Tolerances:
    """How far a ratio may be from 1 without a change."""

    up: float
    down: float

    @classmethod
    def of(cls, behavior: dict | None) -> "Tolerances":
        def tolerance(rules: str) -> float:
            return float(quantity.parse(((behavior or {}).get(rules) or {}).get("tolerance", TOLERANCE)))

        return cls(tolerance("scaleUp"), tolerance("scaleDown"))

    def within(self, ratio: float) -> bool:
        return 1 - self.down <= ratio <= 1 + self.up


@dataclass
class Use:
    """A pod's use in thousandths, `timestamp` when the look was and `window` how many seconds it looked back."""

    value: int
    timestamp: str = ""
    window: float = 0.0


@dataclass
class Groups:
    """Pods by name: those that count, those that are not ready yet, and those whose use is not known."""

    ready: int
    unready: set[str]
    missing: set[str]


class ReplicaCalculator:
    def __init__(self, client: Client, clock: Clock, pods: Informer):
        self._client, self._clock, self._pods = client, clock, pods

    def pods(self, namespace: str, selector: str) -> list[dict]:
        wanted = selectors.parse_labels(selector)
        return [p for p in self._pods.list(namespace) if selectors.matches(wanted, p["metadata"].get("labels"))]

    def resource_replicas(
        self, current: int, target: int, resource: str, tolerances: Tolerances, namespace: str, selector: str, container: str
    ) -> tuple[int, int, int]:
        """(replicas, use in per cent of the requests, use of a pod in thousandths); `target` in per cent. Raises MetricError."""
        used, pods, groups = self._look(resource, namespace, selector, container)
        requests = {p["metadata"]["name"]: _request(p, container, resource) for p in pods}
        if not used:
            raise MetricError("did not receive metrics for targeted pods (pods might be unready)")

        def utilization() -> tuple[float, int, int]:
            known = {name: use.value for name, use in used.items() if name in requests}
            asked = sum(requests[name] for name in known)
            if not asked:
                raise MetricError("no metrics returned matched known pods")
            percent = sum(known.values()) * 100 // asked
            return percent / target, percent, sum(known.values()) // len(known)

        _, percent, raw = utilization()
        whole = {name: request * max(100, target) // 100 for name, request in requests.items()}
        return self._replicas(current, tolerances, used, groups, lambda: utilization()[0], whole), percent, raw

    def raw_resource_replicas(
        self, current: int, target: int, resource: str, tolerances: Tolerances, namespace: str, selector: str, container: str
    ) -> tuple[int, int]:
        """(replicas, use of a pod in thousandths); `target` in thousandths. Raises MetricError."""
        used, pods, groups = self._look(resource, namespace, selector, container)
        if not used:
            raise MetricError("did not receive metrics for targeted pods (pods might be unready)")

        def average() -> int:
            return sum(use.value for use in used.values()) // len(used)

        raw = average()
        whole = {p["metadata"]["name"]: target for p in pods}
        return self._replicas(current, tolerances, used, groups, lambda: average() / target, whole), raw

    def _replicas(self, current: int, tolerances: Tolerances, used: dict[str, Use],
                  groups: Groups, ratio_now: Callable[[], float],
                  whole: dict[str, int]) -> int:
        """`whole` is what a pod whose use is not known is taken to use when the others would have fewer replicas."""
        ratio = ratio_now()
        with_unready = bool(groups.unready) and ratio > 1
        if not with_unready and not groups.missing:
            return current if tolerances.within(ratio) else math.ceil(ratio * groups.ready)
        if ratio != 1:
            used |= {name: Use(whole[name] if ratio < 1 else 0) for name in groups.missing}
        if with_unready:
            used |= {name: Use(0) for name in groups.unready}
        again = ratio_now()
        if tolerances.within(again) or (ratio < 1 < again) or (again < 1 < ratio):
            return current
        replicas = math.ceil(again * len(used))
        return current if (again < 1 and replicas > current) or (again > 1 and replicas < current) else replicas

    def _look(self, resource: str, namespace: str, selector: str, container: str) -> tuple[dict[str, Use], list[dict], Groups]:
        """(use by pod, of pods that count; all pods; their groups)."""
        try:
            used = self._used(resource, namespace, selector, container)
        except MetricError as error:
            raise MetricError(f"unable to get metrics for resource {resource}: {error}") from None
        pods = self.pods(namespace, selector)
        if not pods:
            raise MetricError("no pods returned by selector while calculating replica count")
        groups = Groups(0, set(), set())
        for pod in pods:
            name = pod["metadata"]["name"]
            phase = (pod.get("status") or {}).get("phase")
            if "deletionTimestamp" in pod["metadata"] or phase == "Failed":
                used.pop(name, None)
            elif phase == "Pending" or (name in used and resource == "cpu" and self._is_unready(pod, used[name])):
                groups.unready.add(name)
                used.pop(name, None)
            elif name not in used:
                groups.missing.add(name)
            else:
                groups.ready += 1
        return used, pods, groups

    def _used(self, resource: str, namespace: str, selector: str, container: str) -> dict[str, Use]:
        try:
            metrics = self._client.list(PODS_METRICS, namespace, labels=selector)
        except ApiError as error:
            raise MetricError(f"unable to fetch metrics from resource metrics API: {error.message}") from None
        if not metrics:
            raise MetricError("no metrics returned from resource metrics API")
        used = {}
        for metric in metrics:
            name = metric["metadata"]["name"]
            containers = [c for c in metric["containers"] if not container or c["name"] == container]
            if not containers:
                raise MetricError(f"container {container} not present in metrics for pod {namespace}/{name}")
            if all(resource in c["usage"] for c in containers):
                value = sum(quantity.milli(c["usage"][resource]) for c in containers)
                used[name] = Use(value, metric["timestamp"], float(metric["window"].removesuffix("s")))
        return used

    def _is_unready(self, pod: dict, use: Use) -> bool:
        ready, started = condition(pod, "Ready"), pod["status"].get("startTime")
        if ready is None or not started:
            return True
        if elapsed(self._clock, started) < CPU_INITIALIZATION:
            changed = (parse(use.timestamp) - parse(ready["lastTransitionTime"])).total_seconds() * self._clock.speed
            return ready["status"] == "False" or changed < use.window
        before = (parse(ready["lastTransitionTime"]) - parse(started)).total_seconds() * self._clock.speed
        return ready["status"] == "False" and before < INITIAL_READINESS_DELAY


def _request(pod: dict, container: str, resource: str) -> int:
    """Thousandths; the pod's own request, where it has one, else those of its containers."""
    whole = (pod["spec"].get("resources") or {}).get("requests") or {}
    if not container and resource in whole:
        return quantity.milli(whole[resource])
    sidecars = [c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"]
    total = 0
    for c in [*pod["spec"]["containers"], *sidecars]:
        if container in ("", c["name"]):
            requests = (c.get("resources") or {}).get("requests") or {}
            if resource not in requests:
                raise MetricError(f"missing request for {resource} in container {c['name']} of Pod {pod['metadata']['name']}")
            total += quantity.milli(requests[resource])
    return total

"""HorizontalPodAutoscaler: as many replicas as the measured use asks for (`pkg/controller/podautoscaler/horizontal.go`).

Every 15 s each autoscaler is looked at: the target's scale, the use its metrics tell (replica_calculator.py), what the recent past and the
behavior's policies allow, and the scale again. Recommendations and scalings of the past are kept in memory only, as upstream keeps them.
"""

import math
import time
from collections import defaultdict
from dataclasses import dataclass, field

from ..apiserver import quantity, selectors
from ..apiserver.errors import ApiError
from ..apiserver.resource import Resource
from ..client import Client
from ..clock import Clock, timestamp
from ..component import Controller
from ..component_helpers import with_condition
from ..deep_copy import deep_copy
from ..informer import key_of
from .replica_calculator import MetricError, ReplicaCalculator, Tolerances

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
SYNC = 15
"""Seconds between two looks (--horizontal-pod-autoscaler-sync-period)."""
DOWNSCALE_STABILIZATION = 300
SCALE_UP_FACTOR, SCALE_UP_MINIMUM = 2, 4
FASTER = "the desired replica count is increasing faster than the maximum scale rate"
SLOWER = "the desired replica count is decreasing faster than the maximum scale rate"
TOO_MANY = "the desired replica count is more than the maximum replica count"
TOO_FEW = "the desired replica count is less than the minimum replica count"
RECENT_LOWER = "recent recommendations were lower than current one, applying the lowest recent recommendation"
RECENT_HIGHER = "recent recommendations were higher than current one, applying the highest recent recommendation"
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")


@dataclass
class Past:
    """What was recommended and done for an autoscaler, each with its time in cluster seconds: (time, replicas), (time, change)."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    removed: list[tuple[float, int]] = field(default_factory=list)


class Failed(Exception):
    """The replica count cannot be computed; `condition` is ScalingActive's (reason, message) then."""

    def __init__(self, message: str, condition: tuple[str, str]):
        super().__init__(message)
        self.condition = condition


class HorizontalPodAutoscalerController(Controller):
    name = "horizontal-pod-autoscaler"

    def __init__(self, client: Client, clock: Clock):
        super().__init__(client, clock)
        self._past: dict[tuple[str, str], Past] = defaultdict(Past)
        self._selectors: dict[tuple[str, str], str] = {}

    def setup(self) -> None:
        self._past.clear()
        self._selectors.clear()
        self._calculator = ReplicaCalculator(self.client, self.clock, self.informers["pods"])
        self.informers[AUTOSCALERS].on_change(lambda old, new: self.queue.add_after(key_of(new or old), SYNC if new else 0))

    async def reconcile(self, key: tuple[str, str]) -> None:
        found = self.informers[AUTOSCALERS].get(*key)
        if found is None:
            self._past.pop(key, None)
            self._selectors.pop(key, None)
            return
        self.queue.add_after(key, SYNC)
        Round(self, deep_copy(found), self._past[key]).run()

    def controlling(self, namespace: str, key: tuple[str, str], selector: str) -> list[str]:
        """The autoscalers whose selectors take pods that this one's selector takes."""
        self._selectors[key] = selector
        labels = [p["metadata"].get("labels") for p in self._calculator.pods(namespace, selector)]
        return sorted(
            f"{other[0]}/{other[1]}"
            for other, theirs in self._selectors.items()
            if other[0] == namespace and any(selectors.matches(selectors.parse_labels(theirs), each) for each in labels)
        )


class Round:
    """One look at one autoscaler. `hpa` is a copy whose status is written when something changed."""

    def __init__(self, controller: HorizontalPodAutoscalerController, hpa: dict, past: Past):
        self._client, self._event, self._controller = controller.client, controller.events.event, controller
        self._calculator = controller._calculator
        self._hpa, self._spec, self._past = hpa, hpa["spec"], past
        self._before = deep_copy(hpa.get("status") or {})
        self._conditions: list[dict] = list(self._before.get("conditions") or ())
        self._now = time.monotonic() * controller.clock.speed
        self._behavior = self._spec.get("behavior")
        self._most, self._least = self._spec["maxReplicas"], self._spec.get("minReplicas", 1)

    def run(self) -> None:
        try:
            resource, scale = self._get_scale()
        except ApiError as error:
            self._event(self._hpa, "Warning", "FailedGetScale", error.message)
            why = f"the HPA controller was unable to get the target's current scale: {error.message}"
            self._condition("AbleToScale", False, "FailedGetScale", why)
            return self._write({})
        self._condition("AbleToScale", True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        current = scale["spec"].get("replicas", 0)
        if not self._past.recommendations:
            self._past.recommendations.append((self._now, current))
        metrics: list[dict] = []
        reason = ""
        if current == 0 and self._least != 0:
            desired = 0
            self._condition("ScalingActive", False, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
        elif current > self._most:
            desired, reason = self._most, "Current number of replicas above Spec.MaxReplicas"
        elif current < self._least:
            desired, reason = self._least, "Current number of replicas below Spec.MinReplicas"
        else:
            try:
                wanted, metric = self._from_metrics(scale, metrics)
            except Failed as failure:
                if failure.condition[0]:
                    self._condition("ScalingActive", False, *failure.condition)
                self._write({"currentReplicas": current, "currentMetrics": metrics})
                return self._event(self._hpa, "Warning", "FailedComputeMetricsReplicas", str(failure))
            reason = f"{metric} above target" if wanted > current else "All metrics below target"
            desired = self._with_behavior(current, wanted) if self._behavior else self._without_behavior(current, wanted)
        status = {"currentReplicas": current, "desiredReplicas": desired, "currentMetrics": metrics}
        if desired != current:
            try:
                self._rescale(resource, current, desired, reason)
            except ApiError as error:
                words = f"New size: {desired}; reason: {reason}; error: {error.message}"
                self._event(self._hpa, "Warning", "FailedRescale", words)
                why = f"the HPA controller was unable to update the target scale: {error.message}"
                self._condition("AbleToScale", False, "FailedUpdateScale", why)
                return self._write({"currentReplicas": current, "currentMetrics": metrics})
            status["lastScaleTime"] = timestamp()
        self._write(status)

    # -- the target ----------------------------------------------------------------------------------------

    def _get_scale(self) -> tuple[Resource, dict]:
        target = self._spec["scaleTargetRef"]
        group = target.get("apiVersion", "").rpartition("/")[0]
        resource = next((r for r in self._client.resources() if (r.group, r.kind) == (group, target["kind"])), None)
        if resource is None:
            where = f' in group "{group}"' if group else f' in version "{target.get("apiVersion") or "v1"}"'
            raise ApiError(404, "NotFound", f'no matches for kind "{target["kind"]}"{where}')
        if "scale" not in resource.subresources:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        return resource, self._client.get(resource.name, self._namespace, target["name"], "scale")

    def _rescale(self, resource: Resource, current: int, desired: int, reason: str) -> None:
        name = self._spec["scaleTargetRef"]["name"]
        self._client.patch(resource.name, self._namespace, name, {"spec": {"replicas": desired}}, subresource="scale")
        words = f"the HPA controller was able to update the target scale to {desired}"
        self._condition("AbleToScale", True, "SucceededRescale", words)
        self._event(self._hpa, "Normal", "SuccessfulRescale", f"New size: {desired}; reason: {reason}")
        events = self._past.added if desired > current else self._past.removed
        events.append((self._now, abs(desired - current)))

    # -- what the metrics say (computeReplicasForMetrics) --------------------------------------------------

    def _from_metrics(self, scale: dict, statuses: list[dict]) -> tuple[int, str]:
        """(replicas, the metric that asks for them): the most any metric asks for. Raises Failed."""
        selector = scale["status"].get("selector", "")
        if not selector:
            self._event(self._hpa, "Warning", "SelectorRequired", "selector is required")
            raise Failed("selector is required", ("InvalidSelector", "the HPA target's scale is missing a selector"))
        others = self._controller.controlling(self._namespace, key_of(self._hpa), selector)
        if len(others) > 1:
            words = f"pods by selector {selector} are controlled by multiple HPAs: [{' '.join(others)}]"
            self._event(self._hpa, "Warning", "AmbiguousSelector", words)
            raise Failed(words, ("AmbiguousSelector", words))
        current, best, name, failures = scale["spec"].get("replicas", 0), 0, "", []
        metrics = self._spec.get("metrics") or ()
        for metric in metrics:
            try:
                wanted, metric_name, status = self._from_metric(metric, current, selector)
            except Failed as failure:
                failures.append(failure)
                statuses.append({"type": ""})
                continue
            statuses.append(status)
            if best == 0 or wanted > best:
                best, name = wanted, metric_name
        if len(failures) == len(metrics) or (failures and best < current):
            words = f"invalid metrics ({len(failures)} invalid out of {len(metrics)}), first error is: {failures[0]}"
            raise Failed(words, failures[0].condition)
        words = f"the HPA was able to successfully calculate a replica count from {name}"
        self._condition("ScalingActive", True, "ValidMetricFound", words)
        return best, name

    def _from_metric(self, metric: dict, current: int, selector: str) -> tuple[int, str, dict]:
        """(replicas, the metric's name in messages, its status). Raises Failed."""
        kind = metric["type"]
        source = metric[kind[0].lower() + kind[1:]]
        if kind == "Resource":
            return self._from_resource(metric, source, "", current, selector, f"failed to get {source['name']} resource metric value")
        if kind == "ContainerResource":
            before = f"failed to get {source['container']} container metric value"
            return self._from_resource(metric, source, source["container"], current, selector, before)
        identity = source["metric"]
        name = identity["name"]
        custom = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
        if kind == "Pods":
            error, before = f"unable to get metric {name}: {custom}", "failed to get pods metric value"
        elif kind == "Object":
            described = source["describedObject"]
            error = f"unable to get metric {name}: {described['kind']} on {self._namespace} {described['name']}/{custom}"
            before = "failed to get object metric value"
        else:
            where = f"{self._namespace}/{name}/{_go_selector(identity.get('selector'))}"
            missing = f"the server could not find the requested resource (get {name}.external.metrics.k8s.io)"
            error = f"unable to get external metric {where}: unable to fetch metrics from external metrics API: {missing}"
            before = f"failed to get {name} external metric value"
        raise self._unable(f"FailedGet{kind}Metric", error, before)

    def _from_resource(self, metric: dict, source: dict, container: str, current: int, selector: str, before: str) -> tuple[int, str, dict]:
        name, target, kind = source["name"], source["target"], metric["type"]
        tolerances = Tolerances.of(self._behavior)
        try:
            if average := target.get("averageValue"):
                what = "usage"
                goal = quantity.milli(average)
                wanted, raw = self._calculator.raw_resource_replicas(current, goal, name, tolerances, self._namespace, selector, container)
                shown, value = f"{name} resource", {"averageValue": _milli(raw)}
            else:
                what = "utilization"
                goal = target["averageUtilization"]
                wanted, percent, raw = self._calculator.resource_replicas(
                    current, goal, name, tolerances, self._namespace, selector, container
                )
                shown = f"{name} {'container ' if container else ''}resource utilization (percentage of request)"
                value = {"averageUtilization": percent, "averageValue": _milli(raw)}
        except MetricError as error:
            raise self._unable(f"FailedGet{kind}Metric", f"failed to get {name} {what}: {error}", before) from None
        status = {"name": name, **({"container": container} if container else {}), "current": value}
        return wanted, shown, {"type": kind, kind[0].lower() + kind[1:]: status}

    def _unable(self, reason: str, error: str, before: str) -> Failed:
        self._event(self._hpa, "Warning", reason, error)
        return Failed(f"{before}: {error}", (reason, f"the HPA was unable to compute the replica count: {error}"))

    # -- what is allowed (normalizeDesiredReplicas…) -------------------------------------------------------

    def _without_behavior(self, current: int, wanted: int) -> int:
        stabilized = max([wanted, *self._recent(DOWNSCALE_STABILIZATION)])
        self._remember(wanted)
        self._stabilized(stabilized != wanted, "ScaleDownStabilized", RECENT_HIGHER)
        limit = max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM)
        most, why = (limit, ("ScaleUpLimit", FASTER)) if self._most > limit else (self._most, ("TooManyReplicas", TOO_MANY))
        if stabilized < self._least:
            return self._limited(self._least, "TooFewReplicas", TOO_FEW)
        if stabilized > most:
            return self._limited(most, *why)
        return self._unlimited(stabilized)

    def _with_behavior(self, current: int, wanted: int) -> int:
        up, down = self._behavior["scaleUp"], self._behavior["scaleDown"]
        window = down.get("stabilizationWindowSeconds")
        lowest = min([wanted, *self._recent(up.get("stabilizationWindowSeconds") or 0)])
        highest = max([wanted, *self._recent(DOWNSCALE_STABILIZATION if window is None else window)])
        stabilized = min(max(current, lowest), highest)
        self._remember(wanted)
        rising = wanted >= current
        reason = ("ScaleUpStabilized", RECENT_LOWER) if rising else ("ScaleDownStabilized", RECENT_HIGHER)
        self._stabilized(stabilized != wanted, *reason)
        if stabilized > current:
            limit = max(self._up_limit(current, up), current)
            most, why = (limit, ("ScaleUpLimit", FASTER)) if self._most > limit else (self._most, ("TooManyReplicas", TOO_MANY))
            if stabilized > most:
                return self._limited(most, *why)
        elif stabilized < current:
            limit = min(self._down_limit(current, down), current)
            least, why = (limit, ("ScaleDownLimit", SLOWER)) if self._least < limit else (self._least, ("TooFewReplicas", TOO_FEW))
            if stabilized < least:
                return self._limited(least, *why)
        return self._unlimited(stabilized)

    def _up_limit(self, current: int, rules: dict) -> int:
        if rules.get("selectPolicy") == "Disabled":
            return current
        limits = [
            start + p["value"] if p["type"] == "Pods" else math.ceil(start * (1 + p["value"] / 100))
            for p in rules["policies"]
            for start in [self._at_start_of_period(current, p["periodSeconds"])]
        ]
        return min(limits) if rules.get("selectPolicy") == "Min" else max(limits)

    def _down_limit(self, current: int, rules: dict) -> int:
        if rules.get("selectPolicy") == "Disabled":
            return current
        limits = [
            start - p["value"] if p["type"] == "Pods" else int(start * (1 - p["value"] / 100))
            for p in rules["policies"]
            for start in [self._at_start_of_period(current, p["periodSeconds"])]
        ]
        return max(limits) if rules.get("selectPolicy") == "Min" else min(limits)

    def _at_start_of_period(self, current: int, seconds: int) -> int:
        def changed(events: list[tuple[float, int]]) -> int:
            return sum(change for at, change in events if at > self._now - seconds)

        return current - changed(self._past.added) + changed(self._past.removed)

    def _recent(self, seconds: int) -> list[int]:
        return [replicas for at, replicas in self._past.recommendations if at > self._now - seconds]

    def _remember(self, wanted: int) -> None:
        """The longest window there can be is an hour, of recommendations as of scalings."""
        for events in (self._past.recommendations, self._past.added, self._past.removed):
            events[:] = [event for event in events if event[0] > self._now - 3600]
        self._past.recommendations.append((self._now, wanted))

    # -- the status ----------------------------------------------------------------------------------------

    def _stabilized(self, held: bool, reason: str, message: str) -> None:
        calm = ("ReadyForNewScale", "recommended size matches current size")
        self._condition("AbleToScale", True, *((reason, message) if held else calm))

    def _limited(self, replicas: int, reason: str, message: str) -> int:
        self._condition("ScalingLimited", True, reason, message)
        return replicas

    def _unlimited(self, replicas: int) -> int:
        self._condition("ScalingLimited", False, *WITHIN)
        return replicas

    def _condition(self, type_: str, true: bool, reason: str, message: str) -> None:
        new = {"type": type_, "status": str(true), "reason": reason, "message": message}
        self._conditions = with_condition(self._conditions, new)

    def _write(self, changes: dict) -> None:
        status = {**self._before, **changes, "conditions": self._conditions}
        status.setdefault("desiredReplicas", 0)
        if not status.get("currentMetrics"):
            status["currentMetrics"] = None
        if status != self._before:
            self._client.update(AUTOSCALERS, {**self._hpa, "status": status}, "status")

    @property
    def _namespace(self) -> str:
        return self._hpa["metadata"]["namespace"]


def _milli(value: int) -> str:
    return quantity.format(quantity.parse(value) * quantity.MILLI)


def _go_selector(selector: dict | None) -> str:
    """A *metav1.LabelSelector as Go's %+v shows it."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"

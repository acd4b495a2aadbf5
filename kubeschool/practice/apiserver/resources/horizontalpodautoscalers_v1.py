"""HorizontalPodAutoscaler of autoscaling/v1: CPU only; what it cannot say travels in annotations
(`pkg/apis/autoscaling/v1/conversion.go`)."""

import orjson

from ..errors import FieldError
from ..resource import STATUS, Resource
from .horizontalpodautoscalers import HorizontalPodAutoscaler as V2

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_SPEC = (("metrics", "metrics"), ("behavior", "behavior"))
_STATUS = (("currentMetrics", "current-metrics"), ("conditions", "conditions"))
_V2 = V2()


class HorizontalPodAutoscaler(Resource):
    group, kind, plural = "autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
    short_names, categories = ("hpa",), ("all",)
    has_generation = True
    converts = True
    subresources = STATUS
    initial_status = {"currentReplicas": 0, "desiredReplicas": 0}
    columns = V2.columns

    def default(self, obj: dict) -> None:
        obj.setdefault("spec", {}).setdefault("minReplicas", 1)
        v2 = self.to_storage(obj)
        _V2.default(v2)
        defaulted = self.from_storage(v2)
        metadata = defaulted.pop("metadata")
        obj["metadata"].clear()
        obj["metadata"].update(metadata)
        obj.update(defaulted)

    def validate(self, obj: dict) -> list[FieldError]:
        return _V2.validate(self.to_storage(obj))

    def row(self, obj: dict) -> list:
        return _V2.row(self.to_storage(obj))

    def from_storage(self, obj: dict) -> dict:
        spec, status, annotations = (
            dict(obj.get("spec") or {}),
            dict(obj.get("status") or {}),
            dict(obj["metadata"].get("annotations") or {}),
        )
        cpu, spec["metrics"] = _without_cpu(spec.get("metrics") or [])
        current, status["currentMetrics"] = _without_cpu(status.get("currentMetrics") or [])
        if cpu:
            spec["targetCPUUtilizationPercentage"] = cpu["target"]["averageUtilization"]
        if current and "averageUtilization" in current["current"]:
            status["currentCPUUtilizationPercentage"] = current["current"]["averageUtilization"]
        for part, fields in ((spec, _SPEC), (status, _STATUS)):
            for field, name in fields:
                if value := part.pop(field, None):
                    annotations[_PREFIX + name] = orjson.dumps(value).decode()
        status.setdefault("currentReplicas", 0)
        return _with(obj, "autoscaling/v1", annotations, spec, status)

    def to_storage(self, obj: dict) -> dict:
        spec, status, annotations = (
            dict(obj.get("spec") or {}),
            dict(obj.get("status") or {}),
            dict(obj["metadata"].get("annotations") or {}),
        )
        for part, fields in ((spec, _SPEC), (status, _STATUS)):
            for field, name in fields:
                if text := annotations.pop(_PREFIX + name, None):
                    part[field] = orjson.loads(text)
        cpu = spec.pop("targetCPUUtilizationPercentage", None)
        if cpu is not None:
            metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": cpu}}
            spec["metrics"] = [{"type": "Resource", "resource": metric}, *(spec.get("metrics") or [])]
        current = status.pop("currentCPUUtilizationPercentage", None)
        if current is not None:
            metric = {"name": "cpu", "current": {"averageUtilization": current}}
            status["currentMetrics"] = [{"type": "Resource", "resource": metric}, *(status.get("currentMetrics") or [])]
        status.setdefault("currentMetrics", None)
        return _with(obj, "autoscaling/v2", annotations, spec, status)


def _without_cpu(metrics: list[dict]) -> tuple[dict | None, list[dict]]:
    """(the CPU utilisation v1 has a field for, the other metrics)."""
    for i, metric in enumerate(metrics):
        source = metric.get("resource") or {}
        measured = source.get("target") or source.get("current") or {}
        if metric.get("type") == "Resource" and source.get("name") == "cpu" and "averageUtilization" in measured:
            return source, metrics[:i] + metrics[i + 1 :]
    return None, metrics


def _with(obj: dict, api_version: str, annotations: dict, spec: dict, status: dict) -> dict:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "annotations"} | ({"annotations": annotations} if annotations else {})
    return {"kind": "HorizontalPodAutoscaler", "apiVersion": api_version, "metadata": metadata, "spec": spec, "status": status}

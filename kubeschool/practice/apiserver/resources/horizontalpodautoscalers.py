"""HorizontalPodAutoscaler of autoscaling/v2, the form that is stored.

Sources: `pkg/apis/autoscaling/v2/defaults.go`, `pkg/apis/autoscaling/validation/validation.go`, printers.go printHorizontalPodAutoscaler.
"""

from ..errors import FieldError, forbidden_field, invalid_value, required
from ..names import validate_path_segment
from ..printers import AGE, NAME, integer, since
from ..quantity import canonical
from ..resource import STATUS, Column, Resource
from ..validation import invalid_each, validate_enum

DEFAULT_METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
_SOURCES = {"ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods", "Resource": "resource"}
_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_SCALE_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


class HorizontalPodAutoscaler(Resource):
    group, version, kind, plural = "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
    short_names, categories = ("hpa",), ("all",)
    model = "V2HorizontalPodAutoscaler"
    has_generation = True
    subresources = STATUS
    initial_status = {"desiredReplicas": 0, "currentMetrics": None}
    columns = (NAME, Column("Reference"), Column("Targets"), Column("MinPods"), Column("MaxPods"), integer("Replicas"), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("minReplicas", 1)
        if not spec.get("metrics"):
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": dict(DEFAULT_METRIC["resource"]["target"])}}]
        if behavior := spec.get("behavior"):
            for field, rules in (("scaleUp", _SCALE_UP), ("scaleDown", _SCALE_DOWN)):
                behavior[field] = {**rules, **(behavior.get(field) or {})}

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        low, high, found = spec.get("minReplicas", 1), spec.get("maxReplicas", 0), []
        if low < 1:
            found.append(invalid_value("spec.minReplicas", low, "must be greater than or equal to 1"))
        if high < 1:
            found.append(invalid_value("spec.maxReplicas", high, "must be greater than 0"))
        if high < low:
            found.append(invalid_value("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
        for field in ("kind", "name"):
            value, at = (spec.get("scaleTargetRef") or {}).get(field), f"spec.scaleTargetRef.{field}"
            found += invalid_each(at, value, validate_path_segment(value)) if value else [required(at)]
        for i, metric in enumerate(spec.get("metrics") or []):
            found += _validate_metric(metric, f"spec.metrics[{i}]")
        if low == 0 and not any(m.get("type") in ("Object", "External") for m in spec.get("metrics") or []):
            detail = "must specify at least one Object or External metric to support scaling to zero replicas"
            found.append(forbidden_field("spec.metrics", detail))
        for field, rules in (spec.get("behavior") or {}).items():
            found += _validate_rules(rules, f"spec.behavior.{field}")
        return found

    def row(self, obj: dict) -> list:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
        reference = spec.get("scaleTargetRef") or {}
        low = spec.get("minReplicas")
        return [
            meta["name"],
            f"{reference.get('kind', '')}/{reference.get('name', '')}",
            _targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
            str(low) if low is not None else "<unset>",
            str(spec.get("maxReplicas", 0)),
            status.get("currentReplicas", 0),
            since(meta.get("creationTimestamp")),
        ]


# -- validation -------------------------------------------------------------------------------------------


def _validate_metric(metric: dict, path: str) -> list[FieldError]:
    type_ = metric.get("type")
    found = (
        validate_enum(type_, f"{path}.type", list(_SOURCES)) if type_ else [required(f"{path}.type", "must specify a metric source type")]
    )
    if type_ not in _SOURCES:
        return found
    source, at = metric.get(_SOURCES[type_]), f"{path}.{_SOURCES[type_]}"
    if source is None:
        return [*found, required(at, "must populate information for the given metric source")]
    for other in set(_SOURCES.values()) - {_SOURCES[type_]}:
        if metric.get(other) is not None:
            found.append(forbidden_field(f"{path}.{other}", "must populate the given metric source only"))
    if type_ in ("Resource", "ContainerResource") and not source.get("name"):
        found.append(required(f"{at}.name", "must specify a resource name"))
    if type_ == "ContainerResource" and not source.get("container"):
        found.append(required(f"{at}.container", "must specify a container"))
    return found + _validate_target(source.get("target") or {}, f"{at}.target", type_)


def _validate_target(target: dict, path: str, type_: str) -> list[FieldError]:
    if not target.get("type"):
        return [required(f"{path}.type", "must specify a metric target type")]
    found = validate_enum(target["type"], f"{path}.type", ["Utilization", "Value", "AverageValue"])
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        found.append(invalid_value(f"{path}.averageUtilization", utilization, "must be greater than 0"))
    if type_ in ("Resource", "ContainerResource"):
        if utilization is None and target.get("averageValue") is None:
            found.append(required(f"{path}.averageUtilization", "must set either a target raw value or a target utilization"))
        if utilization is not None and target.get("averageValue") is not None:
            found.append(forbidden_field(f"{path}.averageValue", "may not set both a target raw value and a target utilization"))
    return found


def _validate_rules(rules: dict | None, path: str) -> list[FieldError]:
    found, rules = [], rules or {}
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        found.append(invalid_value(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero"))
    if window is not None and window > 3600:
        found.append(invalid_value(f"{path}.stabilizationWindowSeconds", window, "must be less than or equal to 3600"))
    found += validate_enum(rules.get("selectPolicy"), f"{path}.selectPolicy", ["Disabled", "Max", "Min"], needed=False)
    if not rules.get("policies"):
        found.append(required(f"{path}.policies", "must specify at least one Policy"))
    for i, policy in enumerate(rules.get("policies") or []):
        at = f"{path}.policies[{i}]"
        found += validate_enum(policy.get("type"), f"{at}.type", ["Percent", "Pods"])
        for field in ("value", "periodSeconds"):
            if policy.get(field, 0) <= 0:
                found.append(invalid_value(f"{at}.{field}", policy.get(field, 0), "must be greater than zero"))
        if policy.get("periodSeconds", 0) > 1800:
            found.append(invalid_value(f"{at}.periodSeconds", policy["periodSeconds"], "must be less than or equal to 1800"))
    return found


# -- table ------------------------------------------------------------------------------------------------


def _targets(metrics: list[dict], current: list[dict]) -> str:
    """`cpu: 12%/50%, memory: <unknown>/100Mi`, at most two."""
    if not metrics:
        return "<none>"
    cells = [_target(m, current[i] if i < len(current) else {}) for i, m in enumerate(metrics)]
    more = f" + {len(cells) - 2} more..." if len(cells) > 2 else ""
    return ", ".join(cells[:2]) + more


def _target(metric: dict, status: dict) -> str:
    key = _SOURCES.get(metric.get("type", ""))
    if not key:
        return "<unknown type>"
    source = metric[key]
    target, now = source.get("target") or {}, (status.get(key) or {}).get("current") or {}
    name = f"{source['name']}: " if key in ("resource", "containerResource") else ""
    if key in ("resource", "containerResource") and target.get("averageValue") is None:
        value = now.get("averageUtilization")
        shown = "<unknown>" if value is None else f"{value}%"
        wanted = target.get("averageUtilization")
        return f"{name}{shown}/{'<auto>' if wanted is None else f'{wanted}%'}"
    field = "averageValue" if target.get("averageValue") is not None else "value"
    shown = canonical(now[field]) if now.get(field) is not None else "<unknown>"
    average = " (avg)" if field == "averageValue" and key in ("external", "object") else ""
    return f"{name}{shown}/{canonical(target.get(field) or '0')}{average}"

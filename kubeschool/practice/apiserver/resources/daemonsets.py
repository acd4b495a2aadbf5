"""DaemonSet (`pkg/apis/apps/v1/defaults.go`, `pkg/apis/apps/validation/validation.go` ValidateDaemonSet)."""

from ..errors import FieldError, invalid_value, not_supported, required
from ..podspec import default_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_label_selector, format_labels, integer, since
from ..resource import STATUS, Column, Resource
from ..validation import validate_immutable, validate_int_or_percent, validate_non_negative, validate_not_more_than_100_percent
from .deployments import validate_selector_of, validate_template_of
from .pods import pod_warnings

_COUNTS = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class DaemonSet(Resource):
    group, kind, plural = "apps", "DaemonSet", "daemonsets"
    short_names, categories = ("ds",), ("all",)
    has_generation = True
    subresources = STATUS
    initial_status = {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}
    columns = (
        NAME,
        *map(integer, ("Desired", "Current", "Ready", "Up-to-date", "Available")),
        Column("Node Selector"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        strategy = spec.setdefault("updateStrategy", {})
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)
        default_template(spec.setdefault("template", {}))

    def prepare_for_create(self, obj: dict) -> None:
        super().prepare_for_create(obj)
        obj["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_update(obj, old)
        generation = int((old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, 1))
        changed = obj["spec"]["template"] != old["spec"]["template"]
        obj["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = str(generation + changed)

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = validate_selector_of(spec, "daemonset")
        found += validate_template_of(spec)
        found += validate_non_negative(spec, "minReadySeconds", "spec") + _validate_strategy(spec["updateStrategy"])
        return found + validate_non_negative(spec, "revisionHistoryLimit", "spec")

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj["spec"].get("selector"), old["spec"].get("selector"), "spec.selector")

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["template"]["spec"], path="spec.template.spec")

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        return [
            obj["metadata"]["name"],
            *(status.get(count, 0) for count in _COUNTS),
            format_labels(spec["template"]["spec"].get("nodeSelector")),
            since(obj["metadata"].get("creationTimestamp")),
            *container_cells(spec["template"]),
            format_label_selector(spec.get("selector")),
        ]


def _validate_strategy(strategy: dict) -> list[FieldError]:
    path = "spec.updateStrategy"
    if strategy["type"] == "OnDelete":
        return []
    if strategy["type"] != "RollingUpdate":
        return [not_supported(path, {"Type": strategy["type"], "RollingUpdate": None}, ["RollingUpdate", "OnDelete"])]
    rolling, path = strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if rolling is None:
        return [required(path)]
    found = []
    for field in ("maxUnavailable", "maxSurge"):
        found += validate_int_or_percent(rolling[field], f"{path}.{field}")
        found += validate_not_more_than_100_percent(rolling[field], f"{path}.{field}")
    unavailable, surge = (rolling[f] not in (0, "0%") for f in ("maxUnavailable", "maxSurge"))
    if unavailable and surge:
        found.append(invalid_value(f"{path}.maxSurge", rolling["maxSurge"], "may not be set when maxUnavailable is non-zero"))
    elif not unavailable and not surge:
        found.append(required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return found

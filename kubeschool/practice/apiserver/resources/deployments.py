"""Deployment (`pkg/apis/apps/v1/defaults.go`, `pkg/apis/apps/validation/validation.go` ValidateDeployment)."""

from ..errors import FieldError, forbidden_field, invalid_value, not_supported, required
from ..podspec import default_template, validate_controlled_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_label_selector, since
from ..resource import SCALE, STATUS, Column, Resource
from ..scale import Scalable
from ..validation import (
    validate_immutable,
    validate_int_or_percent,
    validate_label_selector,
    validate_non_negative,
    validate_not_more_than_100_percent,
)
from .pods import pod_warnings


class Deployment(Scalable, Resource):
    group, kind, plural = "apps", "Deployment", "deployments"
    short_names, categories = ("deploy",), ("all",)
    has_generation = True
    subresources = STATUS | SCALE
    columns = (NAME, Column("Ready"), Column("Up-to-date"), Column("Available"), AGE, CONTAINERS, IMAGES, SELECTOR)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {})
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        default_template(spec.setdefault("template", {}))

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = validate_non_negative(spec, "replicas", "spec") + validate_selector_of(spec)
        found += validate_template_of(spec)
        found += _validate_strategy(spec["strategy"], "spec.strategy")
        for field in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
            found += validate_non_negative(spec, field, "spec")
        deadline = spec["progressDeadlineSeconds"]
        if deadline <= (spec.get("minReadySeconds") or 0):
            found.append(invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj["spec"].get("selector"), old["spec"].get("selector"), "spec.selector")

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["template"]["spec"], path="spec.template.spec")

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        return [
            obj["metadata"]["name"],
            f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
            status.get("updatedReplicas", 0),
            status.get("availableReplicas", 0),
            since(obj["metadata"].get("creationTimestamp")),
            *container_cells(spec["template"]),
            format_label_selector(spec.get("selector")),
        ]


def validate_selector_of(spec: dict, kind: str = "deployment") -> list[FieldError]:
    """spec.selector of a workload in apps/v1: there, valid, not empty."""
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")]
    found = validate_label_selector(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(invalid_value("spec.selector", selector, f"empty selector is invalid for {kind}"))
    return found


def validate_template_of(spec: dict) -> list[FieldError]:
    """spec.template, whose labels the selector must match; with a broken selector only that is said."""
    if spec.get("selector") is not None and validate_label_selector(spec["selector"], ""):
        return [invalid_value("spec.selector", spec["selector"], "invalid label selector")]
    return validate_controlled_template(spec["template"], spec.get("selector"), "spec.template")


def _validate_strategy(strategy: dict, path: str) -> list[FieldError]:
    if strategy["type"] == "Recreate":
        if strategy.get("rollingUpdate") is not None:
            return [forbidden_field(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")]
        return []
    if strategy["type"] != "RollingUpdate":
        return [not_supported(path, {"Type": strategy["type"], "RollingUpdate": None}, ["Recreate", "RollingUpdate"])]
    rolling, path = strategy["rollingUpdate"], f"{path}.rollingUpdate"
    found = validate_int_or_percent(rolling["maxUnavailable"], f"{path}.maxUnavailable")
    found += validate_int_or_percent(rolling["maxSurge"], f"{path}.maxSurge")
    if rolling["maxUnavailable"] in (0, "0%") and rolling["maxSurge"] in (0, "0%"):
        found.append(invalid_value(f"{path}.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0"))
    return found + validate_not_more_than_100_percent(rolling["maxUnavailable"], f"{path}.maxUnavailable")

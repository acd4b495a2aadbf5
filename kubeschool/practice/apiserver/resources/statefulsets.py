"""StatefulSet (`pkg/apis/apps/v1/defaults.go`, `pkg/apis/apps/validation/validation.go` ValidateStatefulSet)."""

from ..errors import FieldError, forbidden_field, invalid_value
from ..podspec import default_template, validate_controlled_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, container_cells, since
from ..resource import SCALE, STATUS, Column, Resource
from ..scale import Scalable
from ..validation import validate_enum, validate_non_negative
from .deployments import validate_selector_of
from .persistentvolumeclaims import default_claim_spec
from .pods import pod_warnings

_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


class StatefulSet(Scalable, Resource):
    group, kind, plural = "apps", "StatefulSet", "statefulsets"
    short_names, categories = ("sts",), ("all",)
    has_generation = True
    subresources = STATUS | SCALE
    initial_status = {"replicas": 0, "availableReplicas": 0}
    columns = (NAME, Column("Ready"), AGE, CONTAINERS, IMAGES)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
        strategy = spec.setdefault("updateStrategy", {})
        strategy["type"] = strategy.get("type") or "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            strategy["rollingUpdate"].setdefault("partition", 0)
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        for event in ("whenDeleted", "whenScaled"):
            retention[event] = retention.get(event) or "Retain"
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        default_template(spec.setdefault("template", {}))
        for claim in spec.get("volumeClaimTemplates") or []:
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("apiVersion", "v1")
            default_claim_spec(claim.setdefault("spec", {}))
            claim.setdefault("status", {}).setdefault("phase", "Pending")

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = []
        if spec["podManagementPolicy"] not in ("OrderedReady", "Parallel"):
            detail = "must be 'OrderedReady' or 'Parallel'"
            found.append(invalid_value("spec.podManagementPolicy", spec["podManagementPolicy"], detail))
        strategy = spec["updateStrategy"]
        if strategy["type"] == "OnDelete":
            if strategy.get("rollingUpdate") is not None:
                detail = "only allowed for updateStrategy 'RollingUpdate'"
                found.append(invalid_value("spec.updateStrategy.rollingUpdate", strategy["rollingUpdate"], detail))
        elif strategy["type"] == "RollingUpdate":
            found += validate_non_negative(strategy["rollingUpdate"], "partition", "spec.updateStrategy.rollingUpdate")
        else:
            value = {"Type": strategy["type"], "RollingUpdate": None}
            found.append(invalid_value("spec.updateStrategy", value, "must be 'RollingUpdate' or 'OnDelete'"))
        for event, policy in spec["persistentVolumeClaimRetentionPolicy"].items():
            found += validate_enum(policy, f"spec.persistentVolumeClaimRetentionPolicy.{event}", ["Retain", "Delete"])
        for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
            found += validate_non_negative(spec, field, "spec")
        if spec.get("ordinals"):
            found += validate_non_negative(spec["ordinals"], "start", "spec.ordinals")
        found += validate_selector_of(spec, "statefulset")
        return found + validate_controlled_template(spec["template"], spec.get("selector"), "spec.template", volumes=_claims(spec))

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        if any(obj["spec"].get(k) != old["spec"].get(k) for k in {*obj["spec"], *old["spec"]} - set(_MUTABLE)):
            fields = "', '".join(_MUTABLE[:-1])
            detail = f"updates to statefulset spec for fields other than '{fields}' and '{_MUTABLE[-1]}' are forbidden"
            found.append(forbidden_field("spec", detail))
        return found

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["template"]["spec"], path="spec.template.spec")

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        return [
            obj["metadata"]["name"],
            f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
            since(obj["metadata"].get("creationTimestamp")),
            *container_cells(spec["template"]),
        ]


def _claims(spec: dict) -> set[str]:
    return {(c.get("metadata") or {}).get("name", "") for c in spec.get("volumeClaimTemplates") or []}

"""ResourceQuota (`pkg/apis/core/validation/validation.go` ValidateResourceQuota, printers.go printResourceQuota)."""

from ..errors import FieldError, invalid_value
from ..names import validate_label_key
from ..printers import AGE, NAME, since
from ..quantity import canonical, parse
from ..resource import STATUS, Column, Resource
from ..validation import invalid_each, validate_immutable, validate_quantities

_SCOPES = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
]
_STANDARD = (
    "cpu",
    "memory",
    "ephemeral-storage",
    "storage",
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
)
_COUNTED = frozenset(_STANDARD) - {"cpu", "memory", "ephemeral-storage", "storage"}


class ResourceQuota(Resource):
    kind, plural = "ResourceQuota", "resourcequotas"
    short_names = ("quota",)
    subresources = STATUS
    columns = (NAME, Column("Request"), Column("Limit"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj.get("spec") or {}
        found = []
        for name in spec.get("hard") or {}:
            at = f"spec.hard[{name}]"
            errors = invalid_each(at, name, validate_label_key(name))
            if not errors and "/" not in name and not name.startswith(("requests.", "limits.", "hugepages-")) and name not in _STANDARD:
                errors = [
                    invalid_value(at, name, "must be a standard resource type or fully qualified"),
                    invalid_value(at, name, "must be a standard resource for quota"),
                ]
            found += errors
        found += validate_quantities(spec.get("hard"), "spec.hard")
        for name, value in (spec.get("hard") or {}).items():
            if (name in _COUNTED or name.startswith("count/")) and parse(value) % 1:
                found.append(invalid_value(f"spec.hard[{name}]", canonical(value), "must be an integer"))
        scopes = spec.get("scopes") or []
        found += [invalid_value("spec.scopes", scopes, "unsupported scope") for s in scopes if s not in _SCOPES]
        for pair in ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}):
            if pair <= set(scopes):
                found.append(invalid_value("spec.scopes", scopes, "conflicting scopes"))
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        return found + validate_immutable(sorted(obj["spec"].get("scopes") or []), sorted(old["spec"].get("scopes") or []), "spec.scopes")

    def row(self, obj: dict) -> list:
        status = obj.get("status") or {}
        used, hard = status.get("used") or {}, status.get("hard") or {}
        cells: dict[bool, list[str]] = {False: [], True: []}
        for name in sorted(hard):
            cells[name.startswith("limits.")].append(f"{name}: {canonical(used.get(name, '0'))}/{canonical(hard[name])}")
        return [obj["metadata"]["name"], ", ".join(cells[False]), ", ".join(cells[True]), since(obj["metadata"].get("creationTimestamp"))]

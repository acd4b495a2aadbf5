"""PersistentVolumeClaim (`pkg/apis/core/validation/validation.go` ValidatePersistentVolumeClaim…, printers.go)."""

from ..errors import FieldError, forbidden_field, invalid_value, not_supported, required
from ..godiff import spec_diff
from ..names import validate_dns_subdomain
from ..printers import AGE, NAME, access_modes, since
from ..quantity import canonical, parse
from ..resource import STATUS, Column, Resource
from ..validation import invalid_each, validate_enum, validate_label_selector

ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class PersistentVolumeClaim(Resource):
    kind, plural = "PersistentVolumeClaim", "persistentvolumeclaims"
    short_names = ("pvc",)
    subresources = STATUS
    initial_status = {"phase": "Pending"}
    returns_deleted = True
    columns = (
        NAME,
        *map(Column, ("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass")),
        AGE,
        Column("VolumeMode", priority=1),
    )

    def default(self, obj: dict) -> None:
        default_claim_spec(obj.setdefault("spec", {}))
        obj.setdefault("status", {}).setdefault("phase", "Pending")

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_claim_spec(obj["spec"], "spec")

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found, new, was = self.validate(obj), dict(obj["spec"]), dict(old["spec"])
        if not was.get("volumeName"):
            was.pop("volumeName", None)
            new.pop("volumeName", None)
        if not was.get("storageClassName"):
            was.pop("storageClassName", None)
            new.pop("storageClassName", None)
        size, old_size = ((s.get("resources") or {}).get("requests", {}).get("storage", "0") for s in (new, was))
        if old.get("status", {}).get("phase") == "Bound":
            if parse(size) < parse(old_size):
                found.append(forbidden_field("spec.resources.requests.storage", "field can not be less than previous value"))
            new["resources"] = was.get("resources")
        new["volumeAttributesClassName"] = was.get("volumeAttributesClassName")
        was.setdefault("volumeAttributesClassName", None)
        if new != was:
            detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"
            found.append(forbidden_field("spec", detail + spec_diff("core/v1.PersistentVolumeClaimSpec", was, new)))
        return found

    def row(self, obj: dict) -> list:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
        phase = "Terminating" if meta.get("deletionTimestamp") else status.get("phase", "")
        bound = bool(spec.get("volumeName"))
        return [
            meta["name"],
            phase,
            spec.get("volumeName", ""),
            canonical((status.get("capacity") or {}).get("storage", "0")) if bound else "",
            access_modes(status.get("accessModes")) if bound else "",
            (meta.get("annotations") or {}).get(CLASS_ANNOTATION) or spec.get("storageClassName") or "",
            spec.get("volumeAttributesClassName") or "<unset>",
            since(meta.get("creationTimestamp")),
            spec.get("volumeMode") or "<unset>",
        ]


def default_claim_spec(spec: dict) -> None:
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    for field in ("dataSource", "dataSourceRef"):
        if spec.get(field) is None:
            spec.pop(field, None)


def validate_claim_spec(spec: dict, path: str) -> list[FieldError]:
    modes = spec.get("accessModes") or []
    found = [] if modes else [required(f"{path}.accessModes", "at least 1 access mode is required")]
    found += validate_label_selector(spec.get("selector"), f"{path}.selector")
    found += validate_access_modes(modes, f"{path}.accessModes")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        found.append(required(f"{path}.resources[storage]"))
    elif parse(storage) <= 0:
        found.append(invalid_value(f"{path}.resources[storage]", str(storage), "must be greater than zero"))
    if spec.get("storageClassName"):
        found += invalid_each(f"{path}.storageClassName", spec["storageClassName"], validate_dns_subdomain(spec["storageClassName"]))
    return found + validate_enum(spec.get("volumeMode"), f"{path}.volumeMode", ["Block", "Filesystem"])


def validate_access_modes(modes: list[str], path: str) -> list[FieldError]:
    found = [not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        found.append(forbidden_field(path, "may not use ReadWriteOncePod with other access modes"))
    return found

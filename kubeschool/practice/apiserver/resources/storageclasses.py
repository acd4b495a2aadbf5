"""StorageClass (`pkg/apis/storage/v1/defaults.go`, `pkg/apis/storage/validation/validation.go`)."""

from ..errors import FieldError, forbidden_field, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_enum, validate_immutable

_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


class StorageClass(Resource):
    group, kind, plural = "storage.k8s.io", "StorageClass", "storageclasses"
    short_names = ("sc",)
    namespaced = False
    returns_deleted = True
    columns = (
        NAME,
        Column("Provisioner"),
        Column("ReclaimPolicy"),
        Column("VolumeBindingMode"),
        Column("AllowVolumeExpansion"),
        AGE,
    )

    def default(self, obj: dict) -> None:
        obj["reclaimPolicy"] = obj.get("reclaimPolicy") or "Delete"
        obj["volumeBindingMode"] = obj.get("volumeBindingMode") or "Immediate"

    def validate(self, obj: dict) -> list[FieldError]:
        found = [] if obj.get("provisioner") else [required("provisioner")]
        found += [required("parameters", "field name must be non-empty") for key in obj.get("parameters") or {} if not key]
        found += validate_enum(obj["reclaimPolicy"], "reclaimPolicy", ["Delete", "Retain"])
        return found + validate_enum(obj["volumeBindingMode"], "volumeBindingMode", ["Immediate", "WaitForFirstConsumer"])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        for field in ("parameters", "provisioner", "reclaimPolicy"):
            if (obj.get(field) or None) != (old.get(field) or None):
                found.append(forbidden_field(field, f"updates to {field} are forbidden."))
        return found + validate_immutable(obj["volumeBindingMode"], old.get("volumeBindingMode"), "volumeBindingMode")

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        default = any((meta.get("annotations") or {}).get(a) == "true" for a in _DEFAULT)
        return [
            f"{meta['name']} (default)" if default else meta["name"],
            obj["provisioner"],
            obj.get("reclaimPolicy", "Delete"),
            obj.get("volumeBindingMode") or "<unset>",
            str(bool(obj.get("allowVolumeExpansion"))).lower(),
            since(meta.get("creationTimestamp")),
        ]

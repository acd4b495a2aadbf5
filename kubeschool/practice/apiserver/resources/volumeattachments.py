"""VolumeAttachment (`pkg/apis/storage/validation/validation.go`)."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import STATUS, Column, Resource
from ..validation import validate_immutable


class VolumeAttachment(Resource):
    group, kind, plural = "storage.k8s.io", "VolumeAttachment", "volumeattachments"
    allow_unconditional_update = False
    namespaced = False
    returns_deleted = True
    subresources = STATUS
    initial_status = {"attached": False}
    columns = (NAME, Column("Attacher", format="name"), Column("PV"), Column("Node"), Column("Attached", type="boolean"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj.get("spec") or {}
        return [required(f"spec.{field}") for field in ("attacher", "source", "nodeName") if not spec.get(field)]

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj["spec"], old["spec"], "spec")

    def row(self, obj: dict) -> list:
        meta, spec = obj["metadata"], obj["spec"]
        attached = bool((obj.get("status") or {}).get("attached"))
        volume = (spec.get("source") or {}).get("persistentVolumeName", "")
        return [meta["name"], spec["attacher"], volume, spec["nodeName"], attached, since(meta.get("creationTimestamp"))]

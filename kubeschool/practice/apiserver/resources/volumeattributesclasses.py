"""VolumeAttributesClass (`pkg/apis/storage/validation/validation.go`)."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_immutable


class VolumeAttributesClass(Resource):
    group, kind, plural = "storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses"
    short_names = ("vac",)
    namespaced = False
    returns_deleted = True
    columns = (NAME, Column("DriverName"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        found = [] if obj.get("driverName") else [required("driverName")]
        return found + ([] if obj.get("parameters") else [required("parameters", "must contain at least one key/value pair")])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return [e for f in ("driverName", "parameters") for e in validate_immutable(obj.get(f), old.get(f), f)]

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj["driverName"], since(obj["metadata"].get("creationTimestamp"))]

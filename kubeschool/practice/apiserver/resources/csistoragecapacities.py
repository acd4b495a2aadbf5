"""CSIStorageCapacity: how much a storage class can still give somewhere."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_immutable


class CSIStorageCapacity(Resource):
    group, kind, plural = "storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities"
    allow_unconditional_update = False
    columns = (NAME, Column("StorageClassName"), Column("Capacity"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        return [] if obj.get("storageClassName") else [required("storageClassName")]

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return [e for f in ("nodeTopology", "storageClassName") for e in validate_immutable(obj.get(f), old.get(f), f)]

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        return [meta["name"], obj["storageClassName"], obj.get("capacity") or "<unset>", since(meta.get("creationTimestamp"))]

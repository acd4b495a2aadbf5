"""CSINode: the storage drivers a node has."""

from ..printers import AGE, NAME, integer, since
from ..resource import Resource


class CSINode(Resource):
    group, kind, plural = "storage.k8s.io", "CSINode", "csinodes"
    allow_unconditional_update = False
    namespaced = False
    returns_deleted = True
    columns = (NAME, integer("Drivers"), AGE)

    def row(self, obj: dict) -> list:
        drivers = (obj.get("spec") or {}).get("drivers") or []
        return [obj["metadata"]["name"], len(drivers), since(obj["metadata"].get("creationTimestamp"))]

"""ControllerRevision: a past template of a StatefulSet or DaemonSet (`pkg/apis/apps/validation/validation.go`)."""

from ..errors import FieldError
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_immutable, validate_non_negative


class ControllerRevision(Resource):
    group, kind, plural = "apps", "ControllerRevision", "controllerrevisions"
    columns = (NAME, Column("Controller"), Column("Revision"), AGE)

    def default(self, obj: dict) -> None:
        obj.setdefault("revision", 0)

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_non_negative(obj, "revision", "metadata")

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj.get("data"), old.get("data"), "data")

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        owner = next((r for r in meta.get("ownerReferences") or [] if r.get("controller")), None)
        return [meta["name"], _qualified(owner) if owner else "<none>", obj.get("revision", 0), since(meta.get("creationTimestamp"))]


def _qualified(owner: dict) -> str:
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"

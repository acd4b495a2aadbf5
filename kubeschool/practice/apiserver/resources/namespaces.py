"""Namespace, whose deletion waits for its content (`pkg/registry/core/namespace`)."""

from ...clock import timestamp
from ..errors import FieldError
from ..names import validate_dns_label
from ..printers import AGE, NAME, since
from ..resource import Column, Resource, Subresource
from ..validation import validate_finalizer_name


class Namespace(Resource):
    kind, plural = "Namespace", "namespaces"
    short_names = ("ns",)
    namespaced = False
    verbs = ("create", "delete", "get", "list", "patch", "update", "watch")
    subresources = {"finalize": Subresource(("update",)), "status": Subresource()}
    initial_status = {"phase": "Active"}
    columns = (NAME, Column("Status"), AGE)
    returns_deleted = True

    def default(self, obj: dict) -> None:
        name = obj["metadata"].get("name")
        if name:
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
        status = obj["status"] = obj.get("status") or {}
        status["phase"] = status.get("phase") or "Active"

    def prepare_for_create(self, obj: dict) -> None:
        super().prepare_for_create(obj)
        spec = obj["spec"] = obj.get("spec") or {}
        finalizers = spec.setdefault("finalizers", [])
        if "kubernetes" not in finalizers:
            finalizers.append("kubernetes")

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_update(obj, old)
        obj["spec"] = {**obj.get("spec", {}), "finalizers": old["spec"].get("finalizers", [])}

    def prepare_for_finalize_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_update(obj, old)
        obj.setdefault("spec", {})

    def prepare_for_delete(self, obj: dict) -> None:
        obj["metadata"].setdefault("deletionTimestamp", timestamp())
        obj["metadata"].pop("deletionGracePeriodSeconds", None)
        obj["status"]["phase"] = "Terminating"

    def deletable(self, obj: dict) -> bool:
        return not obj.get("spec", {}).get("finalizers")

    def validate_name(self, name: str) -> list[str]:
        return validate_dns_label(name)

    def validate(self, obj: dict) -> list[FieldError]:
        return [e for f in obj.get("spec", {}).get("finalizers") or [] for e in validate_finalizer_name(f, "spec.finalizers")]

    def fields(self, obj: dict) -> dict[str, str]:
        return {"status.phase": obj.get("status", {}).get("phase", "")}

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj.get("status", {}).get("phase", ""), since(obj["metadata"].get("creationTimestamp"))]

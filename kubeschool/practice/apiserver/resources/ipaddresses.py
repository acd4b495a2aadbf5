"""IPAddress: one per cluster IP in use."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_immutable, validate_ip


class IPAddress(Resource):
    group, kind, plural = "networking.k8s.io", "IPAddress", "ipaddresses"
    short_names = ("ip",)
    namespaced = False
    has_generation = True
    columns = (NAME, Column("ParentRef"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        ref = (obj.get("spec") or {}).get("parentRef")
        found = validate_ip(obj["metadata"].get("name", ""), "metadata.name")
        if not ref:
            return [*found, required("spec.parentRef")]
        return found + [required(f"spec.parentRef.{field}") for field in ("resource", "name") if not ref.get(field)]

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return validate_immutable(obj["spec"].get("parentRef"), old["spec"].get("parentRef"), "spec.parentRef")

    def row(self, obj: dict) -> list:
        ref, meta = (obj.get("spec") or {}).get("parentRef") or {}, obj["metadata"]
        resource = f"{ref.get('resource', '')}.{ref['group']}" if ref.get("group") else ref.get("resource", "")
        parent = "/".join(p for p in (resource, ref.get("namespace"), ref.get("name")) if p)
        return [meta["name"], parent, since(meta.get("creationTimestamp"))]

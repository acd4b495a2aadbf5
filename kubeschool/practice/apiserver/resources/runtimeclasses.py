"""RuntimeClass (`pkg/apis/node/validation/validation.go`)."""

from ..errors import FieldError
from ..names import validate_dns_label
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import invalid_each, validate_immutable


class RuntimeClass(Resource):
    group, kind, plural = "node.k8s.io", "RuntimeClass", "runtimeclasses"
    allow_unconditional_update = False
    namespaced = False
    columns = (NAME, Column("Handler"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        return invalid_each("handler", obj.get("handler", ""), validate_dns_label(obj.get("handler", "")))

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj.get("handler"), old.get("handler"), "handler")

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj.get("handler", ""), since(obj["metadata"].get("creationTimestamp"))]

"""APIService: which group-version is served by whom (`kube-aggregator/pkg/apis/apiregistration`)."""

from ..errors import FieldError, invalid_value
from ..names import validate_path_segment
from ..printers import AGE, NAME, since
from ..resource import STATUS, Column, Resource


class APIService(Resource):
    group, kind, plural = "apiregistration.k8s.io", "APIService", "apiservices"
    allow_unconditional_update = False
    categories = ("api-extensions",)
    namespaced = False
    subresources = STATUS
    columns = (NAME, Column("Service"), Column("Available"), AGE)

    def validate_name(self, name: str) -> list[str]:
        return validate_path_segment(name)

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj.get("spec") or {}
        wanted = f"{spec.get('version', '')}.{spec.get('group', '')}"
        if (name := obj["metadata"].get("name", "")) == wanted:
            return []
        return [invalid_value("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"')]

    def row(self, obj: dict) -> list:
        spec, meta = obj.get("spec") or {}, obj["metadata"]
        service = spec.get("service")
        condition = next((c for c in (obj.get("status") or {}).get("conditions") or [] if c["type"] == "Available"), {})
        available = condition.get("status", "Unknown")
        if available != "True" and condition.get("reason"):
            available += f" ({condition['reason']})"
        where = f"{service['namespace']}/{service['name']}" if service else "Local"
        return [meta["name"], where, available, since(meta.get("creationTimestamp"))]

"""ComponentStatus, deprecated but still asked for with `kubectl get cs` (`pkg/registry/core/componentstatus`)."""

from ..printers import NAME
from ..resource import Column, Resource

PORTS = {"scheduler": 10259, "controller-manager": 10257}
"""Where the API server asks a component for its health."""


class ComponentStatus(Resource):
    kind, plural = "ComponentStatus", "componentstatuses"
    short_names = ("cs",)
    namespaced = False
    stored = False
    verbs = ("get", "list")
    columns = (NAME, Column("Status"), Column("Message"), Column("Error"))

    def made(self, registry) -> list[dict]:
        """One for etcd and each component, asked now."""
        return [_status("etcd-0", True), *(_status(name, running()) for name, running in sorted(registry.healthy.items()))]

    def read_warnings(self) -> list[str]:
        return ["v1 ComponentStatus is deprecated in v1.19+"]

    def row(self, obj: dict) -> list:
        condition = next((c for c in obj.get("conditions") or [] if c["type"] == "Healthy"), {})
        state = {"True": "Healthy", "False": "Unhealthy"}.get(condition.get("status", ""), "Unknown")
        return [obj["metadata"]["name"], state, condition.get("message", ""), condition.get("error", "")]


def _status(name: str, healthy: bool) -> dict:
    refused = f'Get "https://127.0.0.1:{PORTS.get(name)}/healthz": dial tcp 127.0.0.1:{PORTS.get(name)}: connect: connection refused'
    condition = {"type": "Healthy", "status": str(healthy), "message": "ok" if healthy else refused}
    return {"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name}, "conditions": [condition]}

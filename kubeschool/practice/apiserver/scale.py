"""The scale subresource of replicated kinds: autoscaling/v1 Scale (`pkg/registry/apps/deployment/storage/storage.go` ScaleREST)."""


from ..deep_copy import deep_copy
from . import errors
from .printers import format_label_selector
from .validation import NON_NEGATIVE


class Scalable:
    """Mixed into a Resource whose objects have spec.replicas, spec.selector and status.replicas."""

    def label_selector(self, obj: dict) -> dict:
        return obj["spec"].get("selector") or {}

    def get_scale(self, registry, request) -> dict:
        try:
            return self._scale(registry.get(request))
        except errors.ApiError as error:
            if error.code != 404:
                raise
            raise errors.not_found(f"{self.plural}/scale.{self.group or 'autoscaling'}", request.name) from None

    def update_scale(self, registry, request, body: dict) -> dict:
        replicas = (body.get("spec") or {}).get("replicas") or 0
        if replicas < 0:
            raise errors.invalid("Scale.autoscaling", request.name, [errors.invalid_value("spec.replicas", replicas, NON_NEGATIVE)])
        obj = deep_copy(registry.get(request))
        obj["spec"]["replicas"] = replicas
        if version := (body.get("metadata") or {}).get("resourceVersion"):
            obj["metadata"]["resourceVersion"] = version
        return self._scale(registry.update(request, obj))

    def _scale(self, obj: dict) -> dict:
        metadata = {k: v for k, v in obj["metadata"].items() if k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
        text = format_label_selector(self.label_selector(obj))
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": metadata,
            "spec": {"replicas": obj["spec"]["replicas"]} if obj["spec"].get("replicas") else {},
            "status": {"replicas": obj.get("status", {}).get("replicas", 0), **({"selector": text} if text != "<none>" else {})},
        }

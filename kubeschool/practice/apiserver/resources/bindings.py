"""Binding, the older way to give a pod its node: POST …/bindings does what pods/<name>/binding does."""

from dataclasses import replace

from ..resource import Resource


class Binding(Resource):
    kind, plural = "Binding", "bindings"
    verbs = ("create",)
    stored = False

    def review(self, registry, request, obj: dict) -> dict:
        pods, name = registry.resources["pods"], (obj.get("metadata") or {}).get("name", "")
        return pods.create_binding(registry, replace(request, resource=pods, name=name, subresource="binding"), obj)

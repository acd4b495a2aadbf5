"""What a component is given instead of a connection: the API by function calls, under its own name.

The same registry serves HTTP; a component has no other way to see or change anything.
"""
from __future__ import annotations

from collections.abc import AsyncIterator

from .apiserver.registry import Registry, Request
from .apiserver.resource import DeleteOptions, Resource
from .apiserver.user import User


class Client:
    """`user` as in RBAC, e.g. system:kube-scheduler; `manager` names the component in managedFields.

    `resource` is named as in RBAC: "pods", "deployments.apps". Objects returned are shared: copy before changing.
    Every method raises ApiError as the server would answer.
    """

    def __init__(self, registry: Registry, user: User, manager: str):
        self._registry, self.user, self.manager = registry, user, manager

    def resources(self) -> list[Resource]:
        """What the server serves (discovery)."""
        return list(self._registry.resources.values())

    def get(self, resource: str, namespace: str, name: str, subresource: str = "") -> dict:
        request = self._request("get", resource, namespace, name, subresource)
        show = request.resource.handler("get", subresource) if subresource else None
        return show(self._registry, request) if show else self._registry.get(request)

    def list(self, resource: str, namespace: str | None = None, labels: str = "", fields: str = "") -> list[dict]:
        return [s.object for s in self._registry.list(self._request("list", resource, namespace), labels, fields)]

    def create(self, resource: str, obj: dict, namespace: str | None = None) -> dict:
        return self._registry.create(self._request("create", resource, namespace or obj["metadata"].get("namespace")), obj)

    def create_subresource(self, resource: str, namespace: str, name: str, subresource: str, body: dict) -> dict:
        request = self._request("create", resource, namespace, name, subresource)
        return request.resource.handler("create", subresource)(self._registry, request, body)

    def update(self, resource: str, obj: dict, subresource: str = "") -> dict:
        meta = obj["metadata"]
        return self._registry.update(self._request("update", resource, meta.get("namespace"), meta["name"], subresource), obj)

    def patch(
        self, resource: str, namespace: str | None, name: str, patch: dict | list, kind: str = "merge", subresource: str = ""
    ) -> dict:
        """`kind`: merge, strategic, json or apply."""
        verb = "apply" if kind == "apply" else "patch"
        return self._registry.patch(self._request(verb, resource, namespace, name, subresource), patch, kind)

    def delete(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        *,
        grace: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
    ) -> None:
        """`grace` in seconds, `propagation` Background, Foreground or Orphan, `uid` as a precondition."""
        self._registry.delete(self._request("delete", resource, namespace, name), DeleteOptions(grace, propagation, uid))

    async def list_and_watch(self, resource: str, fields: str = "") -> AsyncIterator[tuple[str, dict]]:
        """ADDED for every object there is, then ("SYNC", {}), then changes as (ADDED|MODIFIED|DELETED, object)."""
        request = self._request("watch", resource)
        matches = self._registry.matcher(request.resource, "", fields) or (lambda stored: True)
        watch = self._registry.watch(request, fields)
        try:
            for stored in self._registry.list(request, fields=fields):
                yield "ADDED", stored.object
            yield "SYNC", {}
            async for event in watch:
                if seen := event.seen_through(matches):
                    yield seen[0], seen[1].object
        finally:
            watch.close()

    def _request(self, verb: str, resource: str, namespace: str | None = None, name: str = "", subresource: str = "") -> Request:
        found = self._registry.resources[resource]
        return Request(self.user, verb, found, namespace or "", name, subresource, self.manager)

"""The API server's registry with every kind and admission plugin, and nothing else: for tests of what a write becomes."""

from kubeschool.practice.apiserver import admission, schema
from kubeschool.practice.apiserver.authorization import Authorizer
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.registry import Registry, Request
from kubeschool.practice.apiserver.resource import DeleteOptions, Resource
from kubeschool.practice.apiserver.resources import RESOURCES
from kubeschool.practice.apiserver.user import User
from kubeschool.practice.client import Client
from kubeschool.practice.store import Store

ADMIN = User("admin", ("system:masters", "system:authenticated"))
CONTAINER = {"name": "c", "image": "nginx:1.27"}


class Api:
    """Objects are given as {"metadata": …, "spec": …} without type; `namespace` defaults to `default` for namespaced kinds."""

    def __init__(self, tokens=None):
        self.store = Store(":memory:")
        self.registry = Registry(self.store, RESOURCES, admission.chain(self._client), Authorizer(self.store), tokens)
        self.create("namespaces", {"metadata": {"name": "default"}})
        self.create("serviceaccounts", {"metadata": {"name": "default"}})

    def _client(self, user: str, manager: str, *groups: str) -> Client:
        return Client(self.registry, User(user, groups), manager)

    def resource(self, name: str, version: str = "") -> Resource:
        return next(r for r in RESOURCES if r.name == name and version in ("", r.version))

    def request(self, verb: str, resource: str, obj: dict, subresource: str = "", user: User = ADMIN, **options) -> Request:
        found = self.resource(resource, options.pop("version", ""))
        namespace = obj["metadata"].get("namespace", "default") if found.namespaced else ""
        return Request(user, verb, found, namespace, obj["metadata"].get("name", ""), subresource, "test", **options)

    def create(self, resource: str, obj: dict, **options) -> dict:
        request = self.request("create", resource, obj, **options)
        obj, _ = schema.decode(schema.type_for(request.resource), obj, request.resource, "Strict")
        if not request.resource.stored:
            return request.resource.review(self.registry, request, obj)
        return self.registry.create(request, obj)

    def update(self, resource: str, obj: dict, subresource: str = "", **options) -> dict:
        return self.registry.update(self.request("update", resource, obj, subresource, **options), obj)

    def patch(self, resource: str, name: str, patch: dict, subresource: str = "", kind: str = "merge", **options) -> dict:
        return self.registry.patch(self.request("patch", resource, {"metadata": {"name": name}}, subresource, **options), patch, kind)

    def post(self, resource: str, name: str, subresource: str, body: dict, **options) -> dict:
        request = self.request("create", resource, {"metadata": {"name": name}}, subresource, **options)
        return request.resource.handler("create", subresource)(self.registry, request, body)

    def get(self, resource: str, name: str, **options) -> dict:
        return self.registry.get(self.request("get", resource, {"metadata": {"name": name}}, **options))

    def delete(self, resource: str, name: str, **options) -> dict:
        return self.registry.delete(self.request("delete", resource, {"metadata": {"name": name}}), DeleteOptions(**options))[0]

    def row(self, resource: str, name: str) -> list:
        found = self.resource(resource)
        return dict(zip((c.name for c in found.columns), found.row(self.get(resource, name)), strict=True))

    def refused(self, call, *args, **options) -> str:
        """The message of the ApiError that a call raises."""
        try:
            call(*args, **options)
        except ApiError as error:
            return error.message
        raise AssertionError("the API server accepted it")


def pod(name: str = "web", labels: dict | None = None, **spec) -> dict:
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "spec": {"containers": [dict(CONTAINER)], **spec}}


def workload(name: str = "web", **spec) -> dict:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [dict(CONTAINER)]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}}

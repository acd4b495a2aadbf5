"""What a URL asks for (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`)."""
from dataclasses import dataclass

from .options import boolean

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True)
class RequestInfo:
    """`is_resource` False is a plain path like /version. `rest` is what follows a subresource (proxy paths)."""

    path: str
    verb: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    rest: str = ""

    @classmethod
    def of(cls, method: str, path: str, query) -> "RequestInfo":
        """`query` is a mapping of the query parameters."""
        path = path.rstrip("/") or "/"
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) >= 3:
            group, version, parts = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) >= 4:
            group, version, parts = parts[1], parts[2], parts[3:]
        else:
            return cls(path, method.lower())
        if path.startswith("//"):
            return cls(path, method.lower())
        verb = _VERBS.get(method, method.lower())
        if parts[0] == "watch" and len(parts) > 1:
            verb, parts = "watch", parts[1:]
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 1:
            namespace = parts[1]
            if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
                parts = parts[2:]
        resource, name, subresource, rest = (*parts, "", "", "")[0], (*parts, "", "")[1], (*parts, "", "", "")[2], "/".join(parts[3:])
        if verb == "get" and boolean(query, "watch"):
            verb = "watch"
        elif not name:
            verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
        if resource == "namespaces":
            namespace = ""
        return cls(path, verb, True, group, version, namespace, resource, subresource, name, rest)

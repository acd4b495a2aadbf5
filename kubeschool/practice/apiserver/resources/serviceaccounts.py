"""ServiceAccount and its token subresource (`pkg/registry/core/serviceaccount/storage/token.go`)."""

from dataclasses import replace
from datetime import UTC, datetime

from ...clock import timestamp
from .. import errors
from ..resource import Resource, Subresource

_MIN_SECONDS, _MAX_SECONDS = 600, 1 << 32


class ServiceAccount(Resource):
    kind, plural = "ServiceAccount", "serviceaccounts"
    short_names = ("sa",)
    subresources = {"token": Subresource(("create",), ("authentication.k8s.io", "v1", "TokenRequest"))}

    def create_token(self, registry, request, body: dict) -> dict:
        """Issue the token a TokenRequest asks for. Raises 404 and 409 for a bound object that is not there, 422."""
        account = registry.get(replace(request, subresource=""))
        spec = {"audiences": [], **(body.get("spec") or {})}
        seconds = spec.get("expirationSeconds") or 3600
        found = []
        if seconds < _MIN_SECONDS:
            found.append(errors.invalid_value("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
        if seconds > _MAX_SECONDS:
            found.append(errors.invalid_value("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"))
        if found:
            raise errors.invalid("TokenRequest.authentication.k8s.io", "", found)
        bound = spec.get("boundObjectRef")
        if bound:
            bound = self._bound_object(registry, request, bound)
        token, expires = registry.tokens.issue(account, spec["audiences"], seconds, bound)
        spec["audiences"] = spec["audiences"] or ["https://kubernetes.default.svc.cluster.local"]
        spec["expirationSeconds"] = seconds
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": request.name, "namespace": request.namespace, "creationTimestamp": timestamp()},
            "spec": {"boundObjectRef": None, **spec},
            "status": {"token": token, "expirationTimestamp": timestamp(datetime.fromtimestamp(expires, UTC))},
        }

    def _bound_object(self, registry, request, bound: dict) -> dict:
        plural = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}.get(bound.get("kind", ""))
        if not plural:
            raise errors.bad_request(f"cannot bind token for serviceaccount to object {bound.get('kind')}")
        resource = registry.resources[plural]
        namespace = request.namespace if resource.namespaced else ""
        obj = registry.get(replace(request, resource=resource, namespace=namespace, name=bound.get("name", ""), subresource=""))
        if bound.get("uid") and bound["uid"] != obj["metadata"]["uid"]:
            why = f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
            raise errors.conflict(plural, bound["name"], why + "The object might have been deleted and then recreated")
        return {**bound, "uid": obj["metadata"]["uid"]}

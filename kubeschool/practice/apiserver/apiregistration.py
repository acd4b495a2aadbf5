"""An APIService for every group-version that is served, as kube-aggregator registers them
(`pkg/controlplane/apiserver/aggregator.go` DefaultGenericAPIServicePriorities, `kube-aggregator/pkg/controllers/autoregister`)."""
from collections.abc import Iterable

from ..client import Client
from ..clock import timestamp
from .resource import Resource
from .resources import GROUPS

APISERVICES = "apiservices.apiregistration.k8s.io"
AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
CUSTOM_PRIORITIES, EXTENSION_PRIORITIES = (1000, 100), (100, 100)
"""(groupPriorityMinimum, versionPriority) of custom resources, and of what an extension API server serves."""
LOCAL, PASSED = ("Local", "Local APIServices are always available"), ("Passed", "all checks passed")


def register(client: Client, resources: Iterable[Resource]) -> None:
    """Create the APIServices that are missing, delete those of group-versions no longer served."""
    wanted = {}
    for resource in resources:
        service = _service(resource)
        wanted.setdefault(service["metadata"]["name"], service)
    known = {obj["metadata"]["name"]: obj for obj in client.list(APISERVICES)}
    for name, service in wanted.items():
        if name not in known:
            made = client.create(APISERVICES, service)
            reason, message = PASSED if "service" in service["spec"] else LOCAL
            condition = {"type": "Available", "status": "True", "reason": reason, "message": message}
            client.update(APISERVICES, {**made, "status": {"conditions": [{**condition, "lastTransitionTime": timestamp()}]}}, "status")
    for name in known.keys() - wanted.keys():
        if AUTOMANAGED in known[name]["metadata"].get("labels", {}):
            client.delete(APISERVICES, None, name)


def _service(resource: Resource) -> dict:
    if resource.served_by:
        return _extension(resource)
    priorities = CUSTOM_PRIORITIES if resource.custom else _priorities(resource.group, resource.version)
    spec = {"groupPriorityMinimum": priorities[0], "version": resource.version, "versionPriority": priorities[1]}
    managed = {AUTOMANAGED: "true" if resource.custom else "onstart"}
    metadata = {"name": f"{resource.version}.{resource.group}", "labels": managed}
    return {"metadata": metadata, "spec": spec | ({"group": resource.group} if resource.group else {})}


def _extension(resource: Resource) -> dict:
    """As the extension's own manifest has it."""
    spec = {"group": resource.group, "version": resource.version, "insecureSkipTLSVerify": True}
    spec |= dict(zip(("groupPriorityMinimum", "versionPriority"), EXTENSION_PRIORITIES, strict=True))
    spec["service"] = {"name": resource.served_by, "namespace": "kube-system", "port": 443}
    return {"metadata": {"name": f"{resource.version}.{resource.group}", "labels": {"k8s-app": resource.served_by}}, "spec": spec}


def _priorities(group: str, version: str) -> tuple[int, int]:
    """In the order of discovery, which they decide."""
    if not group:
        return 18000, 1
    return 17900 - 100 * GROUPS.index(group), 30 if version == "v2" else 15

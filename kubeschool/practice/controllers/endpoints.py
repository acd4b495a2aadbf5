"""Endpoints: the older, single-object form of EndpointSlices (`pkg/controller/endpoint/endpoints_controller.go`)."""

from collections import defaultdict

from ..component_helpers import is_pod_ready
from ..informer import key_of
from .endpointslice import HEADLESS, ServiceBackends, endpoint_ports, is_headless, pod_hostname
from .utils import ignore_gone

MANAGED_BY = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
MAX_CAPACITY = 1000
TRUNCATED = {"endpoints.kubernetes.io/over-capacity": "truncated"}


class EndpointsController(ServiceBackends):
    name = "endpoint-controller"

    def setup(self) -> None:
        super().setup()
        self.informers["endpoints"].on_change(lambda old, new: self.queue.add(key_of(new or old)))

    async def reconcile(self, key: tuple[str, str]) -> None:
        namespace, name = key
        service, current = self.services.get(*key), self.informers["endpoints"].get(*key)
        if service is None:
            if current and MANAGED_BY.items() <= (current["metadata"].get("labels") or {}).items():
                ignore_gone(self.client.delete, "endpoints", namespace, name)
            return
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return
        subsets, truncated = self._subsets(service)
        labels = {k: v for k, v in (service["metadata"].get("labels") or {}).items() if k != HEADLESS} | MANAGED_BY
        if is_headless(service):
            labels[HEADLESS] = ""
        metadata = dict(current["metadata"]) if current else {"name": name, "namespace": namespace}
        annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in TRUNCATED} | (
            TRUNCATED if truncated else {}
        )
        wanted = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": metadata | {"labels": labels, "annotations": annotations},
            "subsets": subsets,
        }
        if current is None:
            self.client.create("endpoints", wanted)
        elif (current.get("subsets") or [], current["metadata"].get("labels"), current["metadata"].get("annotations") or {}) != (
            subsets, labels, annotations
        ):
            self.client.update("endpoints", wanted)

    def _subsets(self, service: dict) -> tuple[list[dict], bool]:
        """(subsets by equal ports, whether some were left out)."""
        everyone = bool(service["spec"].get("publishNotReadyAddresses"))
        groups: dict[tuple, tuple[list[dict], list[dict]]] = defaultdict(lambda: ([], []))
        count = 0
        for pod in sorted(self.pods_of(service), key=lambda p: (not is_pod_ready(p), p["status"]["podIP"])):
            if "deletionTimestamp" in pod["metadata"] and not everyone:
                continue
            count += 1
            if count > MAX_CAPACITY:
                break
            ports = tuple(tuple((k, v) for k, v in p.items() if v != "") for p in endpoint_ports(service, pod))
            groups[ports][0 if everyone or is_pod_ready(pod) else 1].append(_address(service, pod))
        subsets = []
        for ports, (ready, not_ready) in sorted(groups.items(), key=str):
            subset = {"addresses": ready, "notReadyAddresses": not_ready, "ports": [dict(p) for p in ports]}
            subsets.append({k: v for k, v in subset.items() if v})
        return subsets, count > MAX_CAPACITY


def _address(service: dict, pod: dict) -> dict:
    meta = pod["metadata"]
    address = {"ip": pod["status"]["podIP"]}
    if hostname := pod_hostname(service, pod):
        address["hostname"] = hostname
    if node := pod["spec"].get("nodeName"):
        address["nodeName"] = node
    return address | {"targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}}

"""EndpointSlices: which pods a Service reaches, up to 100 in each slice (`pkg/controller/endpointslice`,
`staging/src/k8s.io/endpointslice/{reconciler,utils}.go`)."""

from collections import defaultdict

from ..apiserver import selectors
from ..clock import timestamp
from ..component import Controller
from ..component_helpers import is_pod_ready, is_pod_terminal
from ..deep_copy import deep_copy
from ..informer import key_of
from .utils import controller_ref, ignore_gone, settle

RESOURCE = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
MAX_ENDPOINTS = 100
COST = 1e-3
"""Real seconds an endpoint adds to a reconcile, most of them for writing long objects."""


class ServiceBackends(Controller):
    """Queues a Service when it, or what matters of one of its pods, changes."""

    def setup(self) -> None:
        self.services = self.informers["services"]
        self._sizes: dict[tuple[str, str], int] = {}
        self.services.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers["pods"].on_change(self._on_pod)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        if old and new and _relevant(old) == _relevant(new):
            return
        pods = [p for p in (old, new) if p]
        for service in self.services.list(pods[0]["metadata"]["namespace"]):
            selector = service["spec"].get("selector")
            if selector and any(selector.items() <= (p["metadata"].get("labels") or {}).items() for p in pods):
                key = key_of(service)
                self.queue.add_after(key, settle(self.clock, self._sizes.get(key, 0), COST))

    def pods_of(self, service: dict) -> list[dict]:
        """Pods with an address that the Service selects."""
        requirements = selectors.from_label_selector({"matchLabels": service["spec"]["selector"]})
        found = [
            p
            for p in self.informers["pods"].list(service["metadata"]["namespace"])
            if selectors.matches(requirements, p["metadata"].get("labels")) and not is_pod_terminal(p) and p["status"].get("podIP")
        ]
        self._sizes[key_of(service)] = len(found)
        return found


class EndpointSliceController(ServiceBackends):
    name = "endpointslice-controller"

    def setup(self) -> None:
        super().setup()
        self.slices: dict[tuple[str, str], dict[str, dict]] = defaultdict(dict)
        self.informers[RESOURCE].on_change(self._on_slice)
        self.informers["nodes"]

    def _on_slice(self, old: dict | None, new: dict | None) -> None:
        """Keep slices by Service; one that others changed or deleted is put right."""
        namespace, name = key_of(new or old)
        labels = (new or old)["metadata"].get("labels") or {}
        if labels.get(MANAGED_BY) != MANAGER:
            return
        service = (namespace, labels.get(SERVICE_NAME, ""))
        if new:
            self.slices[service][name] = new
        else:
            self.slices[service].pop(name, None)
        self.queue.add(service)

    async def reconcile(self, key: tuple[str, str]) -> None:
        service = self.services.get(*key)
        if service is None or not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return
        wanted: dict[tuple, dict[str, dict]] = defaultdict(dict)
        for pod in self.pods_of(service):
            wanted[_frozen(endpoint_ports(service, pod))][pod["metadata"]["uid"]] = self._endpoint(service, pod)
        existing: dict[tuple, list[dict]] = defaultdict(list)
        for found in self.slices[key].values():
            if "deletionTimestamp" not in found["metadata"]:
                existing[_frozen(found.get("ports") or [])].append(found)
        for ports in [*wanted, *(p for p in existing if p not in wanted)]:
            self._fill(service, ports, wanted.get(ports, {}), existing.get(ports, []), placeholder=not wanted and not ports)
        if not wanted and () not in existing:
            self.client.create(RESOURCE, self._slice(service, (), []))

    def _fill(self, service: dict, ports: tuple, endpoints: dict[str, dict], slices: list[dict], placeholder: bool) -> None:
        """Keep endpoints in the slices they are in, drop and change what must be, put the new ones where there is room."""
        left = dict(endpoints)
        contents = []
        for found in slices:
            kept = [left.pop(e["targetRef"]["uid"]) for e in found.get("endpoints") or () if e["targetRef"]["uid"] in left]
            contents.append((found, kept))
        for _, kept in contents:
            while left and len(kept) < MAX_ENDPOINTS:
                kept.append(left.pop(next(iter(left))))
        for found, kept in contents:
            if not kept and not (placeholder and found is slices[0]):
                ignore_gone(self.client.delete, RESOURCE, found["metadata"]["namespace"], found["metadata"]["name"])
            elif kept != (found.get("endpoints") or []) or not _labels(service).items() <= found["metadata"]["labels"].items():
                changed = deep_copy(found)
                changed["endpoints"] = kept
                changed["metadata"]["labels"].update(_labels(service))
                changed["metadata"].setdefault("annotations", {})[TRIGGER_TIME] = timestamp()
                ignore_gone(self.client.update, RESOURCE, changed)
        rest = list(left.values())
        for start in range(0, len(rest), MAX_ENDPOINTS):
            self.client.create(RESOURCE, self._slice(service, ports, rest[start : start + MAX_ENDPOINTS]))

    def _slice(self, service: dict, ports: tuple, endpoints: list[dict]) -> dict:
        meta = service["metadata"]
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "labels": _labels(service),
                "annotations": {TRIGGER_TIME: timestamp()},
                "ownerReferences": [controller_ref(service)],
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [dict(p) for p in ports],
        }

    def _endpoint(self, service: dict, pod: dict) -> dict:
        meta, spec = pod["metadata"], pod["spec"]
        serving, terminating = is_pod_ready(pod), "deletionTimestamp" in meta
        ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
        endpoint = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "targetRef": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
        }
        if spec.get("nodeName"):
            endpoint["nodeName"] = spec["nodeName"]
            node = self.informers["nodes"].get("", spec["nodeName"])
            if zone := ((node or {"metadata": {}})["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone"):
                endpoint["zone"] = zone
        if hostname := pod_hostname(service, pod):
            endpoint["hostname"] = hostname
        return endpoint


def pod_hostname(service: dict, pod: dict) -> str:
    """The pod's own name under the Service's, "" when it has none (spec.hostname with spec.subdomain naming the Service)."""
    spec = pod["spec"]
    return spec.get("hostname", "") if spec.get("subdomain") == service["metadata"]["name"] else ""


def endpoint_ports(service: dict, pod: dict) -> list[dict]:
    """The Service's ports as this pod serves them; a named target port the pod does not have is left out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _find_port(pod, port)
        if number is None:
            continue
        found = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        if "appProtocol" in port:
            found["appProtocol"] = port["appProtocol"]
        ports.append(found)
    return ports


def _find_port(pod: dict, port: dict) -> int | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    containers = [*pod["spec"]["containers"], *(c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always")]
    for container in containers:
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and candidate.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return candidate["containerPort"]
    return None


def is_headless(service: dict) -> bool:
    return service["spec"].get("clusterIP") == "None"


def _labels(service: dict) -> dict[str, str]:
    labels = {k: v for k, v in (service["metadata"].get("labels") or {}).items() if k not in (HEADLESS, SERVICE_NAME, MANAGED_BY)}
    labels |= {MANAGED_BY: MANAGER, SERVICE_NAME: service["metadata"]["name"]}
    return labels | {HEADLESS: ""} if is_headless(service) else labels


def _frozen(ports: list[dict]) -> tuple:
    return tuple(tuple(sorted(p.items())) for p in ports)


def _relevant(pod: dict) -> tuple:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (
        meta.get("labels"),
        "deletionTimestamp" in meta,
        status.get("podIP"),
        is_pod_ready(pod),
        is_pod_terminal(pod),
        spec.get("nodeName"),
    )

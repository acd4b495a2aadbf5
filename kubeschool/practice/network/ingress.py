"""The ingress controller: ingress-nginx's rules for host and path (`kubernetes/ingress-nginx/internal/ingress/controller`).

Of IngressClasses whose controller is CONTROLLER. Its pods (runtime/images/ingress_nginx.py) hand every request to `answer`. Annotations it
knows: rewrite-target and use-regex. TLS is not served: an Ingress with `tls` answers over HTTP.
"""
import itertools
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import h11

from ..client import Client
from ..clock import Clock
from ..component import Controller
from ..events import EventRecorder
from ..informer import key_of
from ..runtime.http_server import Request, Response
from ..runtime.nginx.request import REASONS, error_body
from .network import Address, Network

CONTROLLER = "k8s.io/ingress-nginx"
INGRESSES, CLASSES, SLICES = "ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io", "endpointslices.discovery.k8s.io"
ANNOTATION = "nginx.ingress.kubernetes.io/"
LEGACY_CLASS = "kubernetes.io/ingress.class"
ADDRESS = {"hostname": "localhost"}
"""What an Ingress' status says (--publish-status-address): its NodePort is opened on this machine."""
ANY_HOST = "_"
TRIES = 3
NOT_PASSED = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
Connect = Callable[[str, int], Awaitable[tuple]]


@dataclass(frozen=True)
class Location:
    """A path of a host, and the Service it leads to. `kind` is the path type, or "Regex"."""

    kind: str
    path: str
    namespace: str
    backend: dict
    rewrite: str = ""

    def matches(self, path: str) -> bool:
        match self.kind:
            case "Regex":
                return re.match(self.path, path, re.IGNORECASE) is not None
            case "Exact":
                return path == self.path
            case "Prefix":
                return path == (prefix := self.path.rstrip("/")) or path.startswith(f"{prefix}/")
        return path.startswith(self.path)

    def target(self, path: str) -> str:
        """The path that the backend is asked for."""
        if not self.rewrite or not (found := re.search(self.path, path, re.IGNORECASE)):
            return path
        return re.sub(r"\$(\d)", lambda m: (found[int(m[1])] or "") if int(m[1]) <= len(found.groups()) else "", self.rewrite)


class IngressController(Controller):
    name = "ingress-nginx"

    def __init__(self, client: Client, clock: Clock, network: Network):
        super().__init__(client, clock)
        self.events = EventRecorder(client, "nginx-ingress-controller")
        self._network, self._turn = network, itertools.count()

    def setup(self) -> None:
        self._synced: dict[tuple[str, str], int] = {}
        self.ingresses, self.classes = self.informers[INGRESSES], self.informers[CLASSES]
        self.services, self.slices = self.informers["services"], self.informers[SLICES]
        self.ingresses.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.classes.on_change(lambda old, new: [self.queue.add(key) for key in self.ingresses.objects])
        self._network.ingress = self.answer

    async def stop(self) -> None:
        self._network.ingress = None
        await super().stop()

    async def reconcile(self, key: tuple[str, str]) -> None:
        ingress = self.ingresses.get(*key)
        if ingress is None or not self._is_mine(ingress):
            self._synced.pop(key, None)
            return
        generation = ingress["metadata"].get("generation", 0)
        if self._synced.get(key) != generation:
            self._synced[key] = generation
            self.events.event(ingress, "Normal", "Sync", "Scheduled for sync")
        status = {"loadBalancer": {"ingress": [ADDRESS]}}
        if ingress.get("status") != status:
            self.client.update(INGRESSES, {**ingress, "status": status}, "status")

    def _is_mine(self, ingress: dict) -> bool:
        wanted = ingress["spec"].get("ingressClassName") or (ingress["metadata"].get("annotations") or {}).get(LEGACY_CLASS)
        found = self.classes.get("", wanted or "")
        return found is not None and found["spec"].get("controller") == CONTROLLER

    # -- which Service (getBackendServers, createServers) --------------------------------------------------

    def locate(self, host: str, path: str) -> Location | None:
        """Where a request goes: an exact host before a wildcard before none, then an exact path, then the longest."""
        hosts: dict[str, list[Location]] = {}
        defaults: dict[str, Location] = {}
        mine = sorted(filter(self._is_mine, self.ingresses.list()), key=lambda i: (i["metadata"]["creationTimestamp"], key_of(i)))
        for ingress in mine:
            rules = ingress["spec"].get("rules") or [{}]
            for rule in rules:
                name = rule.get("host") or ANY_HOST
                hosts.setdefault(name, []).extend(_locations(ingress, rule))
                if default := ingress["spec"].get("defaultBackend"):
                    defaults.setdefault(name, Location("Prefix", "/", ingress["metadata"]["namespace"], default))
        labels = host.split(".")
        wildcards = [".".join(("*", *labels[n:])) for n in range(1, len(labels))]
        name = next((name for name in (host, *wildcards) if name in hosts), ANY_HOST)
        locations = hosts.get(name, [])
        if any(location.kind == "Regex" for location in locations):
            locations = [Location("Regex", each.path, each.namespace, each.backend, each.rewrite) for each in locations]
        found = [location for location in locations if location.matches(path)]
        best = max(found, key=lambda each: (each.kind == "Exact", len(each.path)), default=None)
        return best or defaults.get(name)

    def endpoints(self, location: Location) -> list[Address]:
        """The ready endpoints of the location's Service; none when there is no such Service or port."""
        wanted = location.backend.get("service") or {}
        service = self.services.get(location.namespace, wanted.get("name", ""))
        port = wanted.get("port") or {}
        ports = (service["spec"].get("ports") or []) if service else []
        same = [p for p in ports if (p["port"] == port["number"] if port.get("number") else p.get("name") == port.get("name"))]
        name = same[0].get("name", "") if same else None
        return [
            (endpoint["addresses"][0], p["port"])
            for found in self.slices.list(location.namespace)
            if name is not None and (found["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == wanted["name"]
            for p in found.get("ports") or ()
            if (p.get("name") or "") == name
            for endpoint in found.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
        ]

    # -- one request ---------------------------------------------------------------------------------------

    async def answer(self, request: Request, connect: Connect) -> tuple[Response, str, str]:
        """(the answer, the Service as the access log names it, the endpoint that gave it). `connect` opens a connection from the pod."""
        host = request.header("host").rpartition(":")[0] or request.header("host")
        location = self.locate(host.lower(), request.path)
        if location is None:
            return _page(404), "upstream-default-backend", "127.0.0.1:8181"
        service = location.backend.get("service") or {}
        port = service.get("port") or {}
        shown = f"{location.namespace}-{service.get('name')}-{port.get('number') or port.get('name')}"
        endpoints = self.endpoints(location)
        if not endpoints:
            return _page(503), shown, "-"
        start, status, where = next(self._turn), 502, "-"
        for n in range(min(TRIES, len(endpoints))):
            ip, number = endpoints[(start + n) % len(endpoints)]
            where = f"{ip}:{number}"
            try:
                return await _pass_on(request, location.target(request.path), host, *await connect(ip, number)), shown, where
            except TimeoutError:
                status = 504
            except (OSError, EOFError, h11.RemoteProtocolError):
                status = 502
        return _page(status), shown, where


def _locations(ingress: dict, rule: dict) -> Iterator[Location]:
    annotations = ingress["metadata"].get("annotations") or {}
    rewrite = annotations.get(f"{ANNOTATION}rewrite-target", "")
    regex = rewrite or annotations.get(f"{ANNOTATION}use-regex") == "true"
    for path in (rule.get("http") or {}).get("paths") or ():
        kind = "Regex" if regex else path["pathType"]
        yield Location(kind, path.get("path") or "/", ingress["metadata"]["namespace"], path["backend"], rewrite)


async def _pass_on(request: Request, path: str, host: str, reader, writer) -> Response:
    """Ask the backend, with the headers that ingress-nginx adds. Raises OSError and EOFError."""
    query = f"?{request.query_string}" if request.query_string else ""
    target = request.target if path == request.path else path + query
    client, port = request.client[0], str(request.server[1])
    forwarded = [
        ("X-Request-ID", secrets.token_hex(16)), ("X-Real-IP", client), ("X-Forwarded-For", client), ("X-Forwarded-Host", host),
        ("X-Forwarded-Port", port), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Scheme", "http"), ("X-Scheme", "http"),
    ]
    added = {name.lower() for name, _ in forwarded}
    headers = [(name, value) for name, value in request.headers if name.lower() not in NOT_PASSED | added]
    headers += forwarded + [("Content-Length", str(len(request.body)))] * bool(request.body)
    peer = h11.Connection(h11.CLIENT)
    try:
        writer.write(peer.send(h11.Request(method=request.method, target=target, headers=headers)))
        writer.write((peer.send(h11.Data(data=request.body)) if request.body else b"") + peer.send(h11.EndOfMessage()))
        await writer.drain()
        answer, body = None, bytearray()
        while not isinstance(event := peer.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                peer.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                answer = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("upstream prematurely closed connection while reading response header from upstream")
    finally:
        writer.close()
    kept = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw_items()]
    kept = [(name, value) for name, value in kept if name.lower() not in {*NOT_PASSED, "server"}]
    return Response(answer.status_code, bytes(body), kept, "", answer.reason.decode("latin-1"))


def _page(status: int) -> Response:
    """nginx's own page, without its version (server-tokens: false)."""
    return Response(status, error_body(status, "nginx"), content_type="text/html", reason=REASONS[status])

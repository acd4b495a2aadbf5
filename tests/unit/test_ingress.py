"""The ingress controller: which Service a request goes to, and what it answers when there is none."""
import asyncio
import random

import pytest
from control_plane import ControlPlane

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.ingress import INGRESSES, IngressController
from kubeschool.practice.network.network import Network, connection
from kubeschool.practice.runtime.http_server import Request


class Lab(ControlPlane):
    """Backends answer with their Service's name, the host and the path they were asked for; `down` refuse connections."""

    def __init__(self):
        super().__init__()
        self.network, self.down = Network(Clock()), set()

    def ingress(self, *rules, name="web", namespace="default", annotations=None, **spec):
        """`rules` are (host, path, path type, Service)."""
        made = [
            {"host": host, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend(service)}]}}
            for host, path, kind, service in rules
        ]
        meta = {"name": name, "namespace": namespace, "annotations": annotations or {}}
        spec = {"ingressClassName": "nginx", **({"rules": made} if made else {}), **spec}
        return self.client.create(INGRESSES, {"metadata": meta, "spec": spec})

    def service(self, name, *addresses, ready=True):
        meta = {"name": name, "namespace": "default"}
        self.client.create("services", {"metadata": meta, "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
        piece = {
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{"addresses": [a], "conditions": {"ready": ready}} for a in addresses],
        }
        self.client.create("endpointslices.discovery.k8s.io", piece)

    async def ask(self, url, **headers):
        """(status, body) of a GET of `host/path` through the controller's port."""
        host, slash, path = url.partition("/")
        sent = [("Host", host), *headers.items()]
        request = Request("GET", slash + path, "1.1", sent, b"", ("10.244.0.1", 40000), ("10.244.0.9", 80))
        response, *_ = await self.network.ingress(request, self._connect)
        return response.status, response.body.decode()

    async def _connect(self, ip, port):
        if ip in self.down:
            raise ConnectionRefusedError
        client, server = connection(("10.244.0.9", 50000), (ip, port))
        asyncio.get_running_loop().create_task(self._serve(ip, port, server))
        return client.reader, client

    async def _serve(self, ip, port, server):
        head = (await server.reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split()[1]
        seen = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:-2])}
        body = f"{ip}:{port} {seen['host']} {target} for {seen['x-forwarded-for']}"
        server.write(f"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def backend(service):
    return {"service": {"name": service, "port": {"number": 80}}}


@pytest.fixture
async def lab():
    lab = Lab()
    for name, controller in (("nginx", "k8s.io/ingress-nginx"), ("other", "example.com/other")):
        lab.client.create("ingressclasses.networking.k8s.io", {"metadata": {"name": name}, "spec": {"controller": controller}})
    controller = IngressController(lab.client_for("ingress-nginx"), lab.clock, lab.network)
    lab.components.append(controller)
    await controller.start()
    lab.controller = controller
    yield lab
    await lab.stop()


@pytest.mark.parametrize(("kind", "path", "asked", "found"), [
    # the table of https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
    ("Prefix", "/", "/anything/at/all", True), ("Exact", "/foo", "/foo", True), ("Exact", "/foo", "/bar", False),
    ("Exact", "/foo", "/foo/", False), ("Exact", "/foo/", "/foo", False), ("Prefix", "/foo", "/foo", True),
    ("Prefix", "/foo", "/foo/", True), ("Prefix", "/foo/", "/foo", True), ("Prefix", "/foo/", "/foo/", True),
    ("Prefix", "/aaa/bb", "/aaa/bbb", False), ("Prefix", "/aaa/bbb", "/aaa/bbb", True), ("Prefix", "/aaa/bbb/", "/aaa/bbb", True),
    ("Prefix", "/aaa/bbb", "/aaa/bbb/", True), ("Prefix", "/aaa/bbb", "/aaa/bbb/ccc", True), ("Prefix", "/aaa/bbb", "/aaa/bbbxyz", False),
    ("ImplementationSpecific", "/foo", "/foobar", True), ("ImplementationSpecific", "/foo", "/fo", False),
])
async def test_paths(lab, kind, path, asked, found):
    lab.service("web", "10.244.1.1")
    lab.ingress(("shop.example", path, kind, "web"))
    await lab.settled()
    assert (await lab.ask(f"shop.example{asked}"))[0] == (200 if found else 404)


async def test_hosts_and_the_longest_path(lab):
    for number, name in enumerate(("any", "wild", "shop", "cart", "exact"), 1):
        lab.service(name, f"10.244.1.{number}")
    lab.ingress(
        (None, "/", "Prefix", "any"), ("*.example", "/", "Prefix", "wild"), ("shop.example", "/", "Prefix", "shop"),
        ("shop.example", "/cart", "Prefix", "cart"), ("shop.example", "/cart/new", "Exact", "exact"),
    )
    await lab.settled()
    for url, service in (
        ("127.0.0.1:30080/", 1), ("www.example/", 2), ("a.www.example/", 2), ("shop.example/", 3), ("SHOP.example:30080/x", 3),
        ("shop.example/cart/old?a=1", 4), ("shop.example/cart/new", 5),
    ):
        status, body = await lab.ask(url)
        assert (status, body.split()[0]) == (200, f"10.244.1.{service}:8080"), url
    host, path = "shop.example:30080", "/cart/old?a=1"
    assert await lab.ask(host + path) == (200, f"10.244.1.4:8080 {host} {path} for 10.244.0.1")


async def test_default_backends(lab):
    lab.service("fallback", "10.244.1.1")
    lab.service("web", "10.244.1.2")
    assert (await lab.ask("shop.example/"))[0] == 404
    lab.ingress(("shop.example", "/web", "Prefix", "web"), defaultBackend=backend("fallback"))
    await lab.settled()
    assert "10.244.1.1" in (await lab.ask("shop.example/"))[1] and "10.244.1.2" in (await lab.ask("shop.example/web"))[1]
    assert (await lab.ask("other.example/"))[0] == 404
    lab.ingress(name="all", defaultBackend=backend("fallback"))
    await lab.settled()
    assert "10.244.1.1" in (await lab.ask("other.example/"))[1]


async def test_what_nginx_answers_when_nobody_else_does(lab):
    lab.service("empty")
    lab.service("starting", "10.244.1.1", ready=False)
    lab.service("broken", "10.244.1.2")
    lab.service("half", "10.244.1.2", "10.244.1.3")
    for host in ("empty", "starting", "broken", "half", "gone"):
        lab.ingress((f"{host}.example", "/", "Prefix", host), name=host)
    lab.down.add("10.244.1.2")
    await lab.settled()
    statuses = {host: (await lab.ask(f"{host}.example/"))[0] for host in ("empty", "starting", "broken", "half", "gone", "none")}
    assert statuses == {"empty": 503, "starting": 503, "broken": 502, "half": 200, "gone": 503, "none": 404}
    assert (await lab.ask("gone.example/"))[1] == (
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
        "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )


async def test_a_port_may_be_named(lab):
    lab.service("web", "10.244.1.1")
    for name, port in (("http", "http"), ("other", "grpc")):
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": port}}}}
        lab.ingress(name=name, rules=[{"host": f"{name}.example", "http": {"paths": [path]}}])
    await lab.settled()
    assert [(await lab.ask(f"{name}.example/"))[0] for name in ("http", "other")] == [200, 503]


async def test_a_path_is_rewritten(lab):
    lab.service("web", "10.244.1.1")
    rewrite = {"nginx.ingress.kubernetes.io/rewrite-target": "/$2"}
    lab.ingress(("shop.example", "/api(/|$)(.*)", "ImplementationSpecific", "web"), annotations=rewrite)
    await lab.settled()
    assert " /v1/x?a=b " in (await lab.ask("shop.example/api/v1/x?a=b"))[1] and " / " in (await lab.ask("shop.example/api"))[1]
    assert (await lab.ask("shop.example/apis"))[0] == 404


async def test_status_events_and_classes_of_others(lab):
    lab.ingress(("a.example", "/", "Prefix", "web"))
    lab.ingress(("b.example", "/", "Prefix", "web"), name="foreign", ingressClassName="other")
    await lab.until(lambda: lab.get(INGRESSES, "web")["status"]["loadBalancer"].get("ingress") == [{"hostname": "localhost"}])
    assert lab.events("web") == [("Sync", "Scheduled for sync")]
    assert lab.get(INGRESSES, "foreign")["status"] == {"loadBalancer": {}} and not lab.events("foreign")


async def test_started_again_at_any_moment_it_serves_the_same(lab):
    lab.service("web", "10.244.1.1")
    for number in range(5):
        await asyncio.sleep(random.uniform(0, 0.01))
        await lab.controller.stop()
        assert lab.network.ingress is None
        lab.ingress((f"{number}.example", "/", "Prefix", "web"), name=f"web-{number}")
        await lab.controller.start()
    await lab.settled()
    for number in range(5):
        assert (await lab.ask(f"{number}.example/"))[0] == 200
        assert lab.get(INGRESSES, f"web-{number}")["status"]["loadBalancer"]["ingress"] == [{"hostname": "localhost"}]

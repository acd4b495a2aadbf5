"""A small TLS server around streams.py and proxy.py with a fake kubelet, for clients that block: it runs in a thread of its own."""
import asyncio
import itertools
import json
import ssl
import threading
from contextlib import contextmanager

import trustme
from aiohttp import web

from kubeschool.practice.apiserver import errors, proxy, streams
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.request_info import RequestInfo

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "uid": "11111111-2222-3333-4444-555555555555"},
    "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "containerStatuses": [
            {"name": "c", "image": "nginx", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": {}}},
        ],
    },
}
TWO = {**POD, "metadata": {**POD["metadata"], "name": "two"}, "spec": {"nodeName": "n1", "containers": [
    {"name": "a", "image": "nginx"}, {"name": "b", "image": "nginx"}], "initContainers": [{"name": "i", "image": "nginx"}]}}
UNSCHEDULED = {**POD, "metadata": {**POD["metadata"], "name": "unscheduled"}, "spec": {"containers": POD["spec"]["containers"]}}
PODS = {p["metadata"]["name"]: p for p in (POD, TWO, UNSCHEDULED)}


class FakeSession:
    """A command of the fake container: a coroutine that reads `self.stdin` and puts (stream, data) into `self.shown`."""

    def __init__(self, kubelet, command, tty):
        self.stdin: asyncio.Queue[bytes] = asyncio.Queue(4)
        self.shown: asyncio.Queue = asyncio.Queue(4)
        self.sizes: asyncio.Queue = asyncio.Queue()
        self.kubelet, self.tty = kubelet, tty
        self.task = asyncio.create_task(self._run(command))

    async def _run(self, command):
        try:
            return await getattr(self, f"do_{command[0]}")(*command[1:])
        finally:
            await self.shown.put(None)

    async def do_cat(self):
        while data := await self.stdin.get():
            await self.shown.put(("stdout", data))
        return 0

    async def do_count(self):
        total = 0
        while data := await self.stdin.get():
            total += len(data)
        await self.shown.put(("stdout", b"%d\n" % total))
        return 0

    async def do_fail(self, code):
        await self.shown.put(("stdout", b"out\n"))
        await self.shown.put(("stderr", b"err\n"))
        return int(code)

    async def do_fill(self, size):
        piece = bytes(range(256)) * 256
        for _ in range(int(size) // len(piece)):
            await self.shown.put(("stdout", piece))
        return 0

    async def do_size(self):
        rows, columns = await self.sizes.get()
        await self.shown.put(("stdout", f"{rows} {columns} {self.tty}\r\n".encode()))
        return 0

    async def do_sleep(self):
        await self.shown.put(("stdout", b"asleep\n"))
        await asyncio.Event().wait()

    async def write_stdin(self, data):
        await self.stdin.put(data)

    def close_stdin(self):
        self.stdin.put_nowait(b"")

    def resize(self, rows, columns):
        self.sizes.put_nowait((rows, columns))

    async def output(self):
        while item := await self.shown.get():
            yield item

    async def wait(self):
        return await self.task

    def close(self):
        if not self.task.done():
            self.kubelet.hung_up.set()
        self.task.cancel()


class FakeKubelet:
    def __init__(self):
        self.hung_up = threading.Event()
        self.ports = {}

    async def logs(self, namespace, pod, container, **options):
        if options["previous"]:
            raise errors.bad_request(f'previous terminated container "{container}" in pod "{pod}" not found')

        async def lines():
            for number in itertools.count() if options["follow"] else range(options["tail"] or 3):
                yield f"line {number}\n".encode()
                await asyncio.sleep(0)

        return lines()

    async def exec(self, namespace, pod, container, command, *, stdin, stdout, stderr, tty):
        if command[0] == "gone":
            raise ApiError(500, "", f'container not found ("{container}")')
        if not hasattr(FakeSession, f"do_{command[0]}"):
            raise errors.internal_error(f'error executing command in container: exec: "{command[0]}": executable file not found in $PATH')
        return FakeSession(self, command, tty)

    async def attach(self, namespace, pod, container, *, stdin, stdout, stderr, tty):
        return FakeSession(self, ["cat"] if stdin else ["fail", "3"], tty)

    async def port_forward(self, namespace, pod, port):
        if port not in self.ports:
            raise ApiError(500, "", f"error forwarding port {port} to pod 1, uid : dial tcp4 127.0.0.1:{port}: connect: connection refused")
        return await asyncio.open_connection("127.0.0.1", self.ports[port])


class FakeClient:
    def get(self, resource, namespace, name):
        if resource == "pods" and name in PODS:
            return PODS[name]
        if resource == "services" and name == "shop":
            return {"metadata": {"name": "shop"}, "spec": {"ports": [{"name": "http", "port": 8000}]}}
        raise errors.not_found(resource, name)

    def list(self, resource, namespace, labels):
        assert (resource, labels) == ("endpointslices.discovery.k8s.io", "kubernetes.io/service-name=shop")
        ports = [{"name": "http", "port": 80}]
        return [{"ports": ports, "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}]


async def echo(reader, writer):
    """Sends back what comes; after the client's end, how much it was."""
    total = 0
    while data := await reader.read(65536):
        total += len(data)
        writer.write(data)
        await writer.drain()
    writer.write(b"%d" % total)
    writer.close()


async def http_server(http: web.BaseRequest) -> web.Response:
    if http.path == "/moved":
        return web.Response(status=302, headers={"Location": "/new"})
    return web.Response(text=f"{http.method} {http.path_qs}\n{await http.text()}")


def resources() -> list[dict]:
    kinds = (("pods", "Pod"), ("pods/exec", "PodExecOptions"), ("services", "Service"))
    return [{"name": n, "singularName": "", "namespaced": True, "kind": k, "verbs": ["get", "list", "create"]} for n, k in kinds]


async def handle(http: web.Request, kubelet: FakeKubelet) -> web.StreamResponse:
    async def connect(ip, port):
        if port not in kubelet.ports:
            raise ConnectionRefusedError
        return await asyncio.open_connection("127.0.0.1", kubelet.ports[port])

    info = RequestInfo.of(http.method, http.path, http.query)
    try:
        if info.subresource == "proxy":
            return await proxy.handle(http, info, FakeClient(), connect)
        if info.subresource:
            return await streams.handle(http, info.subresource, FakeClient().get("pods", "default", info.name), kubelet)
        if info.name:
            return web.json_response(FakeClient().get(info.resource, info.namespace, info.name))
    except ApiError as error:
        return web.json_response(error.status, status=error.code)
    answers = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": resources()},
    }
    return web.json_response(answers.get(http.path, {}), status=200 if http.path in answers else 404)


@contextmanager
def serve(folder):
    """Yields (kubeconfig path, the fake kubelet)."""
    ca, kubelet, loop = trustme.CA(), FakeKubelet(), asyncio.new_event_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(folder / "ca.crt")

    async def start():
        for port, listener in (
            (7, await asyncio.start_server(echo, "127.0.0.1", 0)),
            (80, await loop.create_server(web.Server(http_server), "127.0.0.1", 0)),
        ):
            kubelet.ports[port] = listener.sockets[0].getsockname()[1]
        runner = web.ServerRunner(web.Server(lambda http: handle(http, kubelet)), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return runner, site._server.sockets[0].getsockname()[1]

    runner, port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "t",
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
        "clusters": [{"name": "t", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(folder / "ca.crt")}}],
        "users": [{"name": "t", "user": {"token": "t"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    try:
        yield folder / "kubeconfig", kubelet
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

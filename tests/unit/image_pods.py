"""One-container pods on the simulated network, for the tests of images."""
import asyncio

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import NameNotFound, Network
from kubeschool.practice.runtime.runtime import ContainerConfig, DnsConfig, Runtime
from kubeschool.practice.runtime.streams import Pipe, Terminal

HOST = "172.18.0.2"
DNS = "10.96.0.10"


class Pods:
    """start("image:tag", "arg" …) runs a pod; `names` are the DNS's {absolute name: IP}."""

    def __init__(self, speed: float = 1000):
        self.clock = Clock(speed)
        self.network = Network(self.clock)
        self.network.attach(HOST)
        self.runtime = Runtime("node", self.clock, self.network)
        self.names: dict[str, str] = {}
        self.network.nameservers[DNS] = self._lookup

    def _lookup(self, name: str, kind: str) -> list[str]:
        if name not in self.names:
            raise NameNotFound(name)
        return [self.names[name]] if kind == "A" else []

    async def start(self, image: str, *args: str, name: str = "web", command: tuple[str, ...] = (), **config) -> "Pod":
        await self.runtime.pull_image(image)
        dns = DnsConfig([DNS], ["default.svc.cluster.local"], ["ndots:5"])
        sandbox = self.runtime.run_sandbox(name, "default", name, name, dns)
        container = self.runtime.create_container(sandbox, ContainerConfig(name, image, list(command), list(args), **config))
        await container.start()
        return Pod(self, container)

    def stop(self) -> None:
        for sandbox in list(self.runtime.sandboxes.values()):
            self.runtime.remove_sandbox(sandbox)


class Pod:
    def __init__(self, pods: Pods, container):
        self.pods, self.container, self.ip = pods, container, container.sandbox.ip

    @property
    def log(self) -> str:
        return self.container.log.read().decode()

    async def logged(self, text: str) -> str:
        """Waits until the log has the text, or the container has ended."""
        async with asyncio.timeout(10):
            async for _ in self.container.log.follow():
                if text in self.log:
                    break
        assert text in self.log, self.log
        return self.log

    async def ended(self):
        """(exit code, log) when the container has ended."""
        exit = await asyncio.wait_for(self.container.wait(), 10)
        return exit.code, self.log

    async def listens(self, port: int) -> "Pod":
        async with asyncio.timeout(10):
            while not self.container.sandbox.stack.listener(self.ip, port):
                assert self.container.running, self.log
                await asyncio.sleep(0.001)
        return self

    async def run(self, *argv: str, stdin: str = "", terminal: bool = False) -> tuple[int, str]:
        """(exit code, output and errors) of a command in the container; one word is a line for sh."""
        argv = ("sh", "-c", *argv) if len(argv) == 1 else argv
        output = bytearray()
        if terminal:
            process = await self.container.exec(list(argv), terminal=Terminal(output.extend))
            return await asyncio.wait_for(process.wait(), 10), output.decode().replace("\r\n", "\n")
        pipe, given = Pipe(), Pipe()
        given.write(stdin.encode())
        given.close()
        process = await self.container.exec(list(argv), stdin=given, stdout=pipe, stderr=pipe.writer.dup())
        text = (await asyncio.wait_for(pipe.read_all(), 10)).decode()
        return await asyncio.wait_for(process.wait(), 10), text

    async def get(self, path: str = "/", port: int = 80, method: str = "GET", body: str = "", **headers: str) -> "Answer":
        reader, writer = await self.pods.network.connect(HOST, self.ip, port)
        lines = {"Host": self.ip, "Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body:
            lines["Content-Length"] = str(len(body))
        writer.write((f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + f"\r\n{body}").encode())
        return Answer(await asyncio.wait_for(reader.read(), 10))


class Answer:
    def __init__(self, data: bytes):
        head, _, body = data.partition(b"\r\n\r\n")
        self.head, self.body = head.decode(), body.decode()
        self.line, *lines = self.head.split("\r\n")
        self.status = int(self.line.split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines)

"""A practice cluster of a lane's own, in a process that can be killed, and an HTTP client for it."""

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import psutil
import yaml

from kubeschool.clusters.practice import Practice

SECONDS = 20
"""A request that takes longer hangs."""


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


class PracticeProcess:
    def __init__(self, folder: Path, nodes: int = 1, speed: float = 20):
        self.practice, self.nodes, self.speed = Practice(folder), nodes, speed
        self.loop = asyncio.new_event_loop()
        self.session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        self.practice.launch(nodes=self.nodes, speed=self.speed)
        self.practice.kubeconfig()
        config = yaml.safe_load(self.practice.kubeconfig_file.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        for name in ("client-certificate-data", "client-key-data"):
            (self.practice.directory / name).write_bytes(base64.b64decode(user[name]))
        context.load_cert_chain(*(self.practice.directory / name for name in ("client-certificate-data", "client-key-data")))
        self.base = cluster["server"]
        self.session = self.run(self._open(context))

    async def _open(self, context: ssl.SSLContext) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=16), timeout=timeout)

    def run(self, work):
        return self.loop.run_until_complete(work)

    async def send(self, request: Request) -> tuple[int, bytes]:
        url = aiohttp.client.URL(self.base + request.path, encoded=True).update_query(request.query)
        async with self.session.request(request.method, url, headers=request.headers, data=request.body) as response:
            return response.status, await response.read()

    async def ask(self, method: str, path: str, body: dict | None = None, **query: str) -> tuple[int, dict]:
        headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
        status, answer = await self.send(Request(method, path, query, headers, orjson.dumps(body) if body else None))
        return status, orjson.loads(answer)

    def kill(self) -> None:
        """kill -9, and it is dead."""
        process = psutil.Process(self.practice.pid())
        process.kill()
        process.wait()

    def close(self) -> None:
        self.run(self.session.close())

    def end(self) -> None:
        self.close()
        self.practice.stop()
        self.loop.close()

    def log(self) -> str:
        return (self.practice.directory / "log").read_text(errors="replace")

"""20,000 requests that nobody would send: the server answers every one, blames the client, and loses nothing.

A request comes from a seed that hypothesis draws: a failure names the request and can be repeated.
"""

import asyncio
import random
import sqlite3
import sys
from pathlib import Path

import aiohttp
import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from generator import Generator
from practice_process import Request

BATCH, BATCHES = 50, 400
CRONTAB = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "crontabs.stable.example.com"},
    "spec": {
        "group": "stable.example.com", "scope": "Namespaced",
        "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"},
        "versions": [{
            "name": "v1", "served": True, "storage": True, "subresources": {"status": {}, "scale": {
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "required": ["cronSpec"], "properties": {
                    "cronSpec": {"type": "string"}, "replicas": {"type": "integer", "minimum": 0, "default": 1},
                    "ports": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}},
                    "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}},
                "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}}},
        }],
    },
}


async def documents(cluster) -> list[dict]:
    _, index = await cluster.ask("GET", "/openapi/v3")
    return [(await cluster.ask("GET", path["serverRelativeURL"].partition("?")[0]))[1] for path in index["paths"].values()]


async def prepared(cluster) -> None:
    """A namespace, and a custom resource that is served."""
    await cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "fuzz"}})
    await cluster.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRONTAB)
    async with asyncio.timeout(10):
        while (await cluster.ask("GET", "/apis/stable.example.com/v1/namespaces/fuzz/crontabs"))[0] != 200:
            await asyncio.sleep(0.05)


def test_every_request_is_answered(cluster):
    cluster.run(prepared(cluster))
    generator = Generator(cluster.run(documents(cluster)))
    sent = 0

    async def check(request: Request) -> None:
        """5xx is right where a version is not yet reached, and where a node is none but in name."""
        status, answer = await cluster.send(request)
        right = any(words in answer for words in (b"ResourceVersionTooLarge", b"error dialing backend"))
        assert status < 500 or right, f"{request}\n{answer.decode(errors='replace')}"

    @settings(max_examples=BATCHES, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(0, 2**32), min_size=BATCH, max_size=BATCH))
    def fuzz(seeds: list[int]) -> None:
        nonlocal sent
        requests = [generator.request(random.Random(seed)) for seed in seeds]
        sent += len(requests)

        async def batch() -> None:
            await asyncio.gather(*map(check, requests))

        cluster.run(batch())

    fuzz()
    assert sent >= 20_000
    cluster.run(consistent(cluster))
    assert "Traceback" not in cluster.log()


async def consistent(cluster) -> None:
    """Lists, single reads, watches and the file agree on what there is."""
    _, groups = await cluster.ask("GET", "/apis")
    versions = ["/api/v1", *(f"/apis/{v['groupVersion']}" for g in groups["groups"] for v in g["versions"])]
    async with asyncio.TaskGroup() as tasks:
        for version in versions:
            _, found = await cluster.ask("GET", version)
            for resource in found["resources"]:
                if "watch" in resource["verbs"] and "/" not in resource["name"]:
                    tasks.create_task(_resource_consistent(cluster, f"{version}/{resource['name']}", version, resource))


async def _resource_consistent(cluster, path: str, version: str, resource: dict) -> None:
    status, listed = await cluster.ask("GET", path)
    assert status == 200, (path, listed)
    for obj in listed["items"][:20]:
        where = f"/namespaces/{obj['metadata']['namespace']}" if resource["namespaced"] else ""
        status, _ = await cluster.ask("GET", f"{version}{where}/{resource['name']}/{obj['metadata']['name']}")
        assert status in (200, 404), path  # gone meanwhile, for controllers go on
    stream = Request("GET", path, {"watch": "true", "resourceVersion": "0", "timeoutSeconds": "1"}, {})
    stream.query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    _, lines = await cluster.send(stream)
    assert all(orjson.loads(line)["type"] != "ERROR" for line in lines.splitlines()), path


class Writer:
    """Writes its own ConfigMaps and custom resources one after the other and remembers what was acknowledged."""

    def __init__(self, cluster, number: int):
        self.cluster, self.rnd, self.number = cluster, random.Random(number), number
        self.acknowledged: dict[str, dict | None] = {}
        self.under_way: tuple[str, str] | None = None
        self.writes = 0

    async def run(self) -> None:
        """Until the server dies."""
        try:
            while True:
                await self._write()
        except (OSError, TimeoutError, aiohttp.ClientError):
            return

    async def _write(self) -> None:
        collection = self.rnd.choice(("/api/v1/namespaces/fuzz/configmaps", "/apis/stable.example.com/v1/namespaces/fuzz/crontabs"))
        name = f"w{self.number}-{self.rnd.randint(0, 9)}"
        path = f"{collection}/{name}"
        value = {"data": {"n": str(self.writes)}} if "configmaps" in path else {"spec": {"cronSpec": str(self.writes)}}
        if self.acknowledged.get(path) is None:
            verb, where, body = "POST", collection, {"metadata": {"name": name}, **value}
        elif self.rnd.random() < 0.3:
            verb, where, body = "DELETE", path, None
        else:
            verb, where, body = "PATCH", path, value
        self.under_way = (path, verb)
        status, answer = await self.cluster.ask(verb, where, body)
        assert status in (200, 201), answer
        self.acknowledged[path] = None if verb == "DELETE" else answer
        self.under_way = None
        self.writes += 1

    async def check(self) -> None:
        for path, expected in self.acknowledged.items():
            status, found = await self.cluster.ask("GET", path)
            if self.under_way and self.under_way[0] == path:
                continue  # not acknowledged: either way is right
            assert (status == 404) if expected is None else (found == expected), path


def test_nothing_acknowledged_is_lost_by_kill_9(cluster):
    cluster.run(prepared(cluster))
    for turn in range(2):
        writers = [Writer(cluster, 100 * turn + n) for n in range(8)]

        async def until_killed(writers=writers) -> None:
            async with asyncio.TaskGroup() as tasks:
                for writer in writers:
                    tasks.create_task(writer.run())
                enough = random.randint(100, 400)
                while sum(writer.writes for writer in writers) < enough:
                    await asyncio.sleep(0.001)
                cluster.kill()

        cluster.run(until_killed())
        cluster.close()
        with sqlite3.connect(cluster.practice.directory / "state.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
        cluster.start()

        async def all_there(writers=writers) -> None:
            await asyncio.gather(*(writer.check() for writer in writers))

        cluster.run(all_there())
    cluster.run(consistent(cluster))

"""1,000 random operations while components, nodes and the whole process are killed: at rest, every invariant is true.

    SOAK_SEED, SOAK_OPERATIONS     which operations and how many (default 1, 1000)

An operation follows from the seed and its number, so a run can be repeated; how operations fall together is up to the machine.
"""

import asyncio
import os
import random
import time
from collections import Counter

from invariants import Snapshot, broken
from operations import COMPONENTS, IMAGES, perform, set_image
from paths import NAMESPACES, VERSION, at
from practice_process import PracticeProcess

SEED, OPERATIONS = int(os.environ.get("SOAK_SEED", "1")), int(os.environ.get("SOAK_OPERATIONS", "1000"))
NODES, SPEED = 4, 40
CLIENTS = 4
PAUSE = 0.1
"""Mean seconds a client waits between two operations."""
ROUNDS = 4
"""kill -9 comes after each but the last."""
SETTLED_SECONDS = 180


class Soak:
    def __init__(self, cluster: PracticeProcess):
        self.cluster = cluster
        self.failures: list[str] = []
        self.answers: Counter[int] = Counter()

    async def ask(self, method: str, path: str, body: dict | None = None, **query: str) -> tuple[int, dict]:
        status, answer = await self.cluster.ask(method, path, body, **query)
        self.answers[status] += method != "GET"
        if status >= 500:
            self.failures.append(f"{method} {path} {body}: {answer}")
        return status, answer

    async def round(self, numbers: range) -> None:
        waiting = iter(numbers)

        async def client() -> None:
            for number in waiting:
                rnd = random.Random(f"{SEED}/{number}")
                await perform(self.ask, rnd)
                await asyncio.sleep(rnd.expovariate(1 / PAUSE))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def repair(self) -> None:
        """Everything runs, quotas leave room, no image is missing, no CronJob starts new Jobs."""
        for name in COMPONENTS:
            await self.ask("POST", f"/kubeschool/components/{name}/start")
        for node in (await self.ask("GET", at("nodes")))[1]["items"][1:]:
            name = node["metadata"]["name"]
            await self.ask("POST", f"/kubeschool/nodes/{name}/start")
            await self.ask("PATCH", at("nodes", "", name), {"spec": {"unschedulable": None}})
        for namespace in NAMESPACES:
            room = {"pods": "500", "requests.storage": "500Gi", "count/jobs.batch": "100"}
            await self.ask("PATCH", at("resourcequotas", namespace, "quota"), {"spec": {"hard": room}})
            for cron in (await self.ask("GET", at("cronjobs", namespace)))[1]["items"]:
                await self.ask("PATCH", at("cronjobs", namespace, cron["metadata"]["name"]), {"spec": {"suspend": True}})
            for deployment in (await self.ask("GET", at("deployments", namespace)))[1]["items"]:
                await set_image(self.ask, at("deployments", namespace, deployment["metadata"]["name"]), IMAGES[0])

    async def snapshot(self) -> Snapshot:
        found = await asyncio.gather(*(self.ask("GET", at(plural)) for plural in VERSION))
        return {plural: answer["items"] for plural, (_, answer) in zip(VERSION, found, strict=True)}

    async def at_rest(self) -> list[str]:
        """What is still wrong when nothing has been for two looks, or time is over."""
        quiet, wrong, end = 0, [], time.monotonic() + SETTLED_SECONDS
        while quiet < 2 and time.monotonic() < end:
            await asyncio.sleep(0.5)
            wrong = broken(await self.snapshot())
            quiet = 0 if wrong else quiet + 1
        return wrong


def test_soak(tmp_path):
    cluster = PracticeProcess(tmp_path / "practice", NODES, SPEED)
    cluster.start()
    soak = Soak(cluster)
    try:
        for namespace in NAMESPACES:
            cluster.run(soak.ask("POST", at("namespaces"), {"metadata": {"name": namespace}}))
        for number in range(ROUNDS):
            cluster.run(soak.round(range(OPERATIONS * number // ROUNDS, OPERATIONS * (number + 1) // ROUNDS)))
            if number < ROUNDS - 1:
                cluster.kill()
                cluster.close()
                cluster.start()
        print(f"seed {SEED}: writes answered {dict(soak.answers)}")
        cluster.run(soak.repair())
        assert not cluster.run(soak.at_rest())
        assert not soak.failures
        assert "Traceback" not in cluster.log()
    finally:
        cluster.end()

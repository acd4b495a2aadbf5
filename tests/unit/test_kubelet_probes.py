"""Probes: what they decide and what they say."""
import asyncio

import pytest
from kubelet_node import Node, container, ready, running

SLEEP = {"command": ["sleep", "3600"]}


@pytest.fixture
async def node(tmp_path):
    async with Node(tmp_path) as node:
        yield node


def script(text):
    return {"command": ["sh", "-c", text]}


async def said(node, *wanted):
    async with asyncio.timeout(10):
        while not any(wanted == event for event in node.events()):
            await asyncio.sleep(0.002)


async def test_exec_readiness(node):
    probe = {"exec": script("cat /tmp/ready"), "periodSeconds": 5, "timeoutSeconds": 500}
    node.run({"containers": [{**script("sleep 12; touch /tmp/ready; sleep 20; rm /tmp/ready; sleep 3600"), "readinessProbe": probe}]})
    await said(node, "Warning", "Unhealthy", "Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory\n")
    pod = await node.until(ready)
    assert container(pod)["ready"] and container(pod)["restartCount"] == 0
    pod = await node.until(lambda pod: not ready(pod))
    condition = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    assert (condition["reason"], condition["message"]) == ("ContainersNotReady", "containers with unready status: [app]")
    assert running(pod)


async def test_liveness_restarts(node):
    probe = {"exec": {"command": ["false"]}, "timeoutSeconds": 500, "periodSeconds": 1, "failureThreshold": 3}
    node.run({"terminationGracePeriodSeconds": 2, "containers": [{**SLEEP, "livenessProbe": probe}]})
    pod = await node.until(lambda pod: container(pod).get("restartCount") == 1)
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 137
    assert ("Normal", "Killing", "Container app failed liveness probe, will be restarted") in node.events()
    unhealthy = next(e for e in node.client.list("events", "default") if e["reason"] == "Unhealthy")
    assert unhealthy["message"] == "Liveness probe failed: " and unhealthy["count"] >= 3


async def test_startup_holds_the_others_back(node):
    probe = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "timeoutSeconds": 500, "periodSeconds": 2, "failureThreshold": 30}
    liveness = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "timeoutSeconds": 500, "periodSeconds": 1, "failureThreshold": 1}
    node.run({"containers": [{**script("sleep 10; touch /tmp/up; sleep 3600"), "startupProbe": probe, "livenessProbe": liveness}]})
    pod = await node.until(running)
    assert not container(pod)["started"] and not container(pod)["ready"]
    pod = await node.until(ready)
    assert container(pod)["started"] and container(pod)["restartCount"] == 0
    assert not any("Liveness" in message for *_, message in node.events())


async def test_startup_that_never_comes(node):
    probe = {"exec": {"command": ["false"]}, "timeoutSeconds": 500, "periodSeconds": 1, "failureThreshold": 2}
    node.run({"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [{**SLEEP, "startupProbe": probe}]})
    await node.until(lambda pod: pod.get("status", {}).get("phase") == "Failed")
    assert ("Normal", "Killing", "Stopping container app") in node.events()
    node.run({"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [{**SLEEP, "startupProbe": probe}, SLEEP]}, "two")
    await node.until(lambda pod: "terminated" in container(pod).get("state", {}), "two")
    assert ("Normal", "Killing", "Container app failed startup probe") in node.events("two")


async def test_http_and_tcp(node):
    actions = {"http": {"httpGet": {"path": "/healthz", "port": 8080}}, "tcp": {"tcpSocket": {"port": 81}}}
    for name, action in actions.items():
        node.run({"containers": [{**SLEEP, "readinessProbe": {**action, "periodSeconds": 1, "timeoutSeconds": 500}}]}, name)
        pod = await node.until(lambda pod: pod.get("status", {}).get("podIP"), name)
        ip = pod["status"]["podIP"]
        dial = f"dial tcp {ip}:{8080 if name == 'http' else 81}: connect: connection refused"
        words = f'Get "http://{ip}:8080/healthz": {dial}' if name == "http" else dial
        async with asyncio.timeout(10):
            while ("Warning", "Unhealthy", f"Readiness probe failed: {words}") not in node.events(name):
                await asyncio.sleep(0.002)
    answers = iter([b"503 Service Unavailable", b"200 OK"])

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        status = next(answers, b"200 OK")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    ip = node.pod("http")["status"]["podIP"]
    node.network.listen(ip, 8080, serve)
    await node.until(ready, "http")
    assert ("Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503") in node.events("http")
    node.network.listen(node.pod("tcp")["status"]["podIP"], 81, serve)
    await node.until(ready, "tcp")


async def test_slow_answers(tmp_path):
    async with Node(tmp_path, speed=20) as node:
        http = {"httpGet": {"port": "web"}, "periodSeconds": 2}
        slow = {"exec": script("sleep 10"), "periodSeconds": 2}
        ports = [{"name": "web", "containerPort": 80}]
        node.run({"containers": [{**SLEEP, "ports": ports, "readinessProbe": http, "livenessProbe": slow}]})
        pod = await node.until(running)

        async def serve(reader, writer):
            await asyncio.sleep(3600)

        node.network.listen(pod["status"]["podIP"], 80, serve)
        await said(
            node,
            "Warning",
            "Unhealthy",
            f'Readiness probe failed: Get "http://{pod["status"]["podIP"]}:80/": '
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        )
        words = 'Liveness probe failed: command timed out: "sh -c sleep 10" timed out after 1s'
        await said(node, "Warning", "Unhealthy", words)


async def test_command_that_is_not_there(node):
    node.run({"containers": [{**SLEEP, "readinessProbe": {"exec": {"command": ["nope"]}, "periodSeconds": 1}}]})
    async with asyncio.timeout(10):
        while not (found := [m for _, reason, m in node.events() if reason == "Unhealthy"]):
            await asyncio.sleep(0.002)
    assert found[0].startswith("Readiness probe errored and resulted in unknown state: ")
    assert 'exec: "nope": executable file not found in $PATH' in found[0]


async def test_grpc(node):
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    answers = iter([2, 1])
    asked = []

    async def serve(reader, writer):
        assert await reader.readexactly(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        writer.write(frame(4, 0, 0) + frame(6, 0, 0, b"pingpong"))
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            if head[3] == 0:
                asked.append(payload)
                break
        message = bytes([8, next(answers, 1)])
        writer.write(frame(1, 4, 1, b"\x88") + frame(0, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message) + frame(1, 5, 1, b""))
        await reader.read(100)

    probe = {"grpc": {"port": 9000, "service": "db"}, "periodSeconds": 1, "timeoutSeconds": 500}
    node.run({"containers": [{**SLEEP, "readinessProbe": probe}]})
    pod = await node.until(running)
    ip = pod["status"]["podIP"]
    words = f'timeout: failed to connect service "{ip}:9000" within 8m20s: context deadline exceeded'
    await said(node, "Warning", "Unhealthy", f"Readiness probe failed: {words}")
    node.network.listen(ip, 9000, serve)
    await node.until(ready)
    await said(node, "Warning", "Unhealthy", 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')
    assert asked[0] == b"\0\0\0\0\4\x0a\x02db"

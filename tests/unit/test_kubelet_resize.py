"""In-place resize: granted, refused, put off, and with a restart."""
import pytest
from kubelet_node import Node, container, ready, running

SLEEP = {"command": ["sleep", "3600"]}


@pytest.fixture
async def node(tmp_path):
    async with Node(tmp_path) as node:
        yield node


def resources(cpu, memory):
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def resize(node, cpu, memory, name="web"):
    patch = {"spec": {"containers": [{"name": "app", "resources": resources(cpu, memory)}]}}
    node.client.patch("pods", "default", name, patch, kind="strategic", subresource="resize")


def pending(pod):
    return next((c for c in pod["status"].get("conditions", ()) if c["type"] == "PodResizePending"), {})


async def test_granted(node):
    node.run({"containers": [{**SLEEP, "resources": resources("1", "64Mi")}]})
    before = await node.until(ready)
    resize(node, "2", "128Mi")
    pod = await node.until(lambda pod: container(pod)["resources"] == resources("2", "128Mi"))
    assert container(pod)["containerID"] == container(before)["containerID"]
    assert container(pod)["allocatedResources"] == {"cpu": "2", "memory": "128Mi"}
    assert (node.container().config.cpu_limit, node.container().processes.memory_limit) == (2.0, 128 << 20)
    what = (
        '{"containers":[{"name":"app","resources":{"limits":{"cpu":"2","memory":"128Mi"},"requests":{"cpu":"2","memory":"128Mi"}}}],'
        '"generation":2}'
    )
    assert node.events()[-2:] == [
        ("Normal", "ResizeStarted", f"Pod resize started: {what}"),
        ("Normal", "ResizeCompleted", f"Pod resize completed: {what}"),
    ]


async def test_restart_when_the_policy_wants_it(node):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    spec = {**SLEEP, "resources": resources("1", "64Mi"), "resizePolicy": policy}
    node.run({"terminationGracePeriodSeconds": 2, "containers": [spec]})
    await node.until(ready)
    resize(node, "1", "128Mi")
    await node.until(lambda pod: running(pod) and container(pod)["restartCount"] == 1)
    assert ("Normal", "Killing", "Container app resize requires restart") in node.events()
    assert node.container(number=1).processes.memory_limit == 128 << 20


async def test_more_than_the_node_has(node):
    node.run({"containers": [{**SLEEP, "resources": resources("1", "64Mi")}]})
    await node.until(ready)
    resize(node, "5", "64Mi")
    pod = await node.until(pending)
    words = "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000"
    assert (pending(pod)["reason"], pending(pod)["message"]) == ("Infeasible", words)
    assert container(pod)["resources"] == resources("1", "64Mi")
    assert node.events()[-1][1] == "ResizeInfeasible" and f'"error":"{words}"' in node.events()[-1][2]


async def test_put_off_until_there_is_room(node):
    for name in ("web", "other"):
        node.run({"containers": [{**SLEEP, "resources": resources("1", "64Mi")}]}, name)
        await node.until(ready, name)
    resize(node, "3500m", "64Mi")
    pod = await node.until(pending)
    assert pending(pod)["message"] == "Node didn't have enough resource: cpu, requested: 3500, used: 1000, capacity: 4000"
    assert pending(pod)["reason"] == "Deferred"
    node.client.delete("pods", "default", "other", grace=1)
    pod = await node.until(lambda pod: container(pod)["resources"] == resources("3500m", "64Mi"))
    assert not pending(pod)

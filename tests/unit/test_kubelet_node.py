"""The node itself: registration, heartbeat, what it keeps through restarts, and what the API server asks of it."""
import asyncio

import pytest
from kubelet_node import NODE, Node, container, phase, ready, running, waits

from kubeschool.practice.apiserver.errors import ApiError

SLEEP = {"command": ["sleep", "3600"]}


@pytest.fixture
async def node(tmp_path):
    async with Node(tmp_path) as node:
        yield node


async def settled(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


async def test_registration(node):
    await settled(lambda: node.client.list("nodes"))
    seen = node.client.get("nodes", "", NODE)
    assert [(c["type"], c["status"], c["reason"]) for c in seen["status"]["conditions"]] == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]
    assert seen["metadata"]["labels"]["kubernetes.io/hostname"] == NODE
    assert seen["status"]["addresses"] == [{"type": "InternalIP", "address": "172.18.0.3"}, {"type": "Hostname", "address": NODE}]
    assert seen["spec"]["podCIDR"] == "10.244.1.0/24" and seen["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.37.")
    lease = node.client.get("leases.coordination.k8s.io", "kube-node-lease", NODE)
    assert lease["spec"]["holderIdentity"] == NODE and lease["metadata"]["ownerReferences"][0]["uid"] == seen["metadata"]["uid"]
    renewed = lease["spec"]["renewTime"]
    await settled(lambda: node.client.get("leases.coordination.k8s.io", "kube-node-lease", NODE)["spec"]["renewTime"] > renewed)
    assert ("Normal", "NodeReady", f"Node {NODE} status is now: NodeReady") in node.events(NODE)


async def test_images_of_the_node(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)

    def names():
        return [image["names"][1] for image in node.client.get("nodes", "", NODE)["status"].get("images", ())]

    await settled(lambda: names() == ["docker.io/library/busybox:1.36"])


async def test_stopped_kubelet_leaves_containers_alone(node):
    node.run({"containers": [{**SLEEP, "readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 60}}]})
    before = await node.until(ready)
    await node.kubelet.stop()
    node.client.delete("pods", "default", "web")
    assert "deletionTimestamp" in node.pod()["metadata"]
    node.run({"containers": [SLEEP]}, "late")
    await asyncio.sleep(0.01)
    assert not node.pod("late")["status"].get("containerStatuses")
    assert [c.running for s in node.runtime.sandboxes.values() for c in s.containers] == [True]
    assert container(before)["restartCount"] == 0
    await node.kubelet.start()
    await node.gone()
    await node.until(ready, "late")


async def test_started_kubelet_finds_its_containers(node):
    node.run({"containers": [{**SLEEP, "readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 60}}]})
    before = await node.until(ready)
    revision = node.pod()["metadata"]["resourceVersion"]
    workers = node.kubelet.workers
    await node.kubelet.stop()
    await node.kubelet.start()
    await settled(lambda: node.kubelet.workers and node.kubelet.workers is not workers)
    node.client.patch("pods", "default", "web", {"metadata": {"labels": {"a": "b"}}})
    await settled(lambda: node.kubelet.worker("default", "web").pod["metadata"].get("labels"))
    assert container(node.pod()) == container(before) and ready(node.pod())
    assert int(node.pod()["metadata"]["resourceVersion"]) > int(revision)
    node.container().signal(9)
    await node.until(lambda pod: running(pod) and container(pod)["restartCount"] == 1)


async def test_removed_while_the_kubelet_was_away(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    lost = node.container()
    await node.kubelet.stop()
    node.client.delete("pods", "default", "web", grace=0)
    await node.kubelet.start()
    assert (await lost.wait()).code == 137
    await settled(lambda: not node.runtime.sandboxes)


async def test_node_started_anew(node):
    node.run({"containers": [SLEEP]})
    before = await node.until(ready)
    once = {"restartPolicy": "Never", "containers": [{"command": ["true"]}]}
    node.run(once, "done")
    await node.until(phase("Succeeded"), "done")
    node.run({"restartPolicy": "Never", "containers": [SLEEP]}, "once")
    await node.until(ready, "once")
    await settled(lambda: node.client.get("nodes", "", NODE)["status"]["images"])
    await node.kubelet.stop()
    for sandbox in list(node.runtime.sandboxes.values()):
        node.runtime.remove_sandbox(sandbox)
    node.boot()
    await node.kubelet.start()
    pod = await node.until(lambda pod: running(pod) and container(pod)["restartCount"] == 1)
    assert container(pod)["containerID"] != container(before)["containerID"]
    ended = container(pod)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["containerID"]) == (255, "Unknown", container(before)["containerID"])
    assert ("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.") in node.events()
    assert [reason for _, reason, _ in node.events()].count("Pulling") == 1
    await node.until(phase("Failed"), "once")
    assert node.pod("done")["status"]["phase"] == "Succeeded"


async def collect(chunks):
    return b"".join([chunk async for chunk in chunks])


async def test_logs(node):
    talk = {"command": ["sh", "-c", "echo one; echo two >&2; echo three; exit 1"]}
    node.run({"containers": [talk]})
    await node.until(waits("CrashLoopBackOff"))
    server = node.kubelet.server
    assert await collect(await server.logs("default", "web", "app")) == b"one\ntwo\nthree\n"
    assert await collect(await server.logs("default", "web", "app", tail=1)) == b"three\n"
    assert await collect(await server.logs("default", "web", "app", stream="Stderr")) == b"two\n"
    assert await collect(await server.logs("default", "web", "app", previous=True)) == b"one\ntwo\nthree\n"
    assert await collect(await server.logs("default", "web", "app", follow=True)) == b"one\ntwo\nthree\n"


async def test_logs_that_are_not_there(node):
    node.run({"containers": [{"image": "nope:1"}]})
    await node.until(waits("ImagePullBackOff"))
    with pytest.raises(ApiError) as refused:
        await node.kubelet.server.logs("default", "web", "app")
    assert (refused.value.code, refused.value.message) == (
        400,
        'container "app" in pod "web" is waiting to start: trying and failing to pull image',
    )
    node.run({"containers": [SLEEP]}, "fine")
    await node.until(ready, "fine")
    with pytest.raises(ApiError, match='previous terminated container "app" in pod "fine" not found'):
        await node.kubelet.server.logs("default", "fine", "app", previous=True)


async def test_exec(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    server = node.kubelet.server
    command = ["sh", "-c", "cat; echo oops >&2; exit 3"]
    session = await server.exec("default", "web", "app", command, stdin=True, stdout=True, stderr=True, tty=False)
    await session.write_stdin(b"hello\n")
    session.close_stdin()
    output = [item async for item in session.output()]
    assert (b"".join(d for n, d in output if n == "stdout"), b"".join(d for n, d in output if n == "stderr")) == (b"hello\n", b"oops\n")
    assert await session.wait() == 3
    flags = {"stdin": False, "stdout": True, "stderr": True, "tty": False}
    with pytest.raises(ApiError) as missing:
        await server.exec("default", "web", "app", ["nope"], **flags)
    assert missing.value.reason == "InternalError" and 'exec: "nope": executable file not found in $PATH' in missing.value.message
    node.run({"containers": [{"image": "nope:1"}]}, "none")
    await node.until(waits("ErrImagePull"), "none")
    with pytest.raises(ApiError, match=r'^container not found \("app"\)$'):
        await server.exec("default", "none", "app", ["sh"], **flags)


async def test_slow_client_holds_the_command_up(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    flags = {"stdin": False, "stdout": True, "stderr": True, "tty": False}
    session = await node.kubelet.server.exec("default", "web", "app", ["yes"], **flags)
    output = session.output()
    name, data = await anext(output)
    assert name == "stdout" and data.startswith(b"y\ny\n")
    await asyncio.sleep(0.02)
    assert len(session.outputs["stdout"].buffer) < 1 << 20
    await output.aclose()
    session.close()
    assert await asyncio.wait_for(session.wait(), 5) == 141


async def test_exec_with_a_terminal(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    session = await node.kubelet.server.exec("default", "web", "app", ["sh"], stdin=True, stdout=True, stderr=False, tty=True)
    session.resize(24, 80)
    shell = session.process
    session.close()
    assert await asyncio.wait_for(shell.wait(), 1) != 0 or shell.exit_code is not None


async def test_attach(node):
    node.run({"containers": [{"command": ["sh", "-c", "read line; echo got $line; sleep 3600"], "stdin": True}]})
    await node.until(ready)
    session = await node.kubelet.server.attach("default", "web", "app", stdin=True, stdout=True, stderr=True, tty=False)
    await session.write_stdin(b"this\n")
    assert await asyncio.wait_for(anext(session.output()), 1) == ("stdout", b"got this\n")
    session.close()
    assert node.container().running


async def test_port_forward(node):
    node.run({"containers": [SLEEP]})
    pod = await node.until(ready)

    async def echo(reader, writer):
        writer.write(await reader.read(100))
        writer.close()

    node.network.listen(pod["status"]["podIP"], 80, echo, address="127.0.0.1")
    reader, writer = await node.kubelet.server.port_forward("default", "web", 80)
    writer.write(b"ping")
    assert await reader.read(100) == b"ping"
    with pytest.raises(ApiError, match=r"IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused"):
        await node.kubelet.server.port_forward("default", "web", 81)


async def test_ephemeral_container(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    debug = {"name": "debugger", "image": "busybox:1.36", "command": ["sleep", "3600"], "targetContainerName": "app"}
    node.client.patch(
        "pods", "default", "web", {"spec": {"ephemeralContainers": [debug]}}, kind="strategic", subresource="ephemeralcontainers"
    )
    pod = await node.until(lambda pod: "running" in str(pod["status"].get("ephemeralContainerStatuses", "")))
    assert pod["status"]["ephemeralContainerStatuses"][0]["name"] == "debugger"
    assert ready(pod)
    app, debugger = node.kubelet.worker("default", "web").sandbox.containers
    assert debugger.processes.processes[1] is app.processes.init


async def test_host_port(node):
    node.run({"containers": [{**SLEEP, "ports": [{"containerPort": 80, "hostPort": 8080}]}]})
    pod = await node.until(ready)

    async def greet(reader, writer):
        writer.write(b"hello")
        writer.close()

    node.network.listen(pod["status"]["podIP"], 80, greet)
    reader, _ = await node.network.connect("10.244.0.9", "172.18.0.3", 8080)
    assert await reader.read() == b"hello"
    node.client.delete("pods", "default", "web", grace=1)
    await node.gone()
    with pytest.raises(ConnectionRefusedError):
        await node.network.connect("10.244.0.9", "172.18.0.3", 8080)


async def test_evicted_for_its_volume(node):
    mount = {"volumeMounts": [{"name": "cache", "mountPath": "/cache"}]}
    node.run({"volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1Mi"}}], "containers": [{**SLEEP, **mount}]})
    await node.until(ready)
    node.container().fs.write("/cache/big", bytes(2 << 20))
    pod = await node.until(phase("Failed"))
    words = 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". '
    assert (pod["status"]["reason"], pod["status"]["message"]) == ("Evicted", words)
    assert ("Warning", "Evicted", words) in node.events()


async def test_evicted_for_its_storage(node):
    node.run({"containers": [{**SLEEP, "resources": {"limits": {"ephemeral-storage": "1Mi"}}}]})
    await node.until(ready)
    node.container().fs.write("/tmp/big", bytes(2 << 20))
    pod = await node.until(phase("Failed"))
    assert pod["status"]["message"] == "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. "


async def test_evicted_for_the_nodes_memory(node):
    for name, request in (("greedy", "1Gi"), ("modest", "7Gi")):
        node.run({"containers": [{**SLEEP, "resources": {"requests": {"memory": request}}}]}, name)
        await node.until(ready, name)
    node.container("modest").processes.processes[1].memory = 6 << 30
    node.container("greedy").processes.processes[1].memory = 2 << 30
    pod = await node.until(phase("Failed"), "greedy")
    assert pod["status"]["message"] == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 0Ki. "
        "Container app was using 2097152Ki, request is 1Gi, has larger consumption of memory. "
    )
    target = next(c for c in pod["status"]["conditions"] if c["type"] == "DisruptionTarget")
    assert (target["status"], target["reason"]) == ("True", "TerminationByKubelet")
    pressure = node.client.get("nodes", "", NODE)["status"]["conditions"][0]
    assert (pressure["type"], pressure["status"], pressure["reason"]) == ("MemoryPressure", "True", "KubeletHasInsufficientMemory")
    assert ("Warning", "EvictionThresholdMet", "Attempting to reclaim memory") in node.events(NODE)
    await settled(lambda: node.client.get("nodes", "", NODE)["status"]["conditions"][0]["status"] == "False")
    assert ready(node.pod("modest"))

"""A pod's life on its node: start, restarts, images, init containers, sidecars, hooks, end."""
import pytest
from kubelet_node import Node, container, phase, ready, running, waits

from kubeschool.practice.clock import Clock
from kubeschool.practice.kubelet.backoff import Backoff

SLEEP = {"command": ["sleep", "3600"]}
EXIT = {"command": ["false"]}


@pytest.fixture
async def node(tmp_path):
    async with Node(tmp_path) as node:
        yield node


def state(pod, name="app"):
    return container(pod, name)["state"]


def last(pod, name="app"):
    return container(pod, name)["lastState"].get("terminated", {})


async def test_start(node):
    node.run({"containers": [{**SLEEP, "resources": {"requests": {"cpu": "100m"}}}]})
    status = (await node.until(ready))["status"]
    assert (status["phase"], status["hostIP"], status["qosClass"]) == ("Running", "172.18.0.3", "Burstable")
    assert status["observedGeneration"] == 1
    assert status["podIPs"] == [{"ip": status["podIP"]}] and status["podIP"].startswith("10.244.1.")
    assert [c["type"] for c in status["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert {c["observedGeneration"] for c in status["conditions"]} == {1}
    app = status["containerStatuses"][0]
    assert app["image"] == "docker.io/library/busybox:1.36"
    assert app["imageID"].startswith("docker.io/library/busybox@sha256:")
    assert app["containerID"].startswith("containerd://") and len(app["containerID"]) == 77
    assert app["allocatedResources"] == {"cpu": "100m"} == app["resources"]["requests"]
    assert app["user"] == {"linux": {"uid": 0, "gid": 0, "supplementalGroups": [0]}}
    pulling, pulled, created, started = node.events()
    assert pulling == ("Normal", "Pulling", 'Pulling image "busybox:1.36"')
    assert pulled[2].startswith('Successfully pulled image "busybox:1.36" in ') and pulled[2].endswith("Image size: 2220094 bytes.")
    assert (created, started) == (("Normal", "Created", "Container created"), ("Normal", "Started", "Container started"))


async def test_second_pod_finds_the_image(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    node.run({"containers": [SLEEP]}, "again")
    await node.until(ready, "again")
    present = 'Container image "busybox:1.36" already present on machine and can be accessed by the pod'
    assert node.events("again")[0] == ("Normal", "Pulled", present)


async def test_crash_loop(tmp_path):
    async with Node(tmp_path, speed=200) as node:
        pod = node.run({"containers": [EXIT]})
        who = f"app pod=web_default({pod['metadata']['uid']})"
        for restarts, delay in enumerate(("10s", "20s", "40s", "1m20s", "2m40s", "5m0s"), 1):
            seen = await node.until(lambda pod, delay=delay: f"back-off {delay} " in str(state(pod)) if container(pod) else False)
            words = f"back-off {delay} restarting failed container={who}"
            assert state(seen)["waiting"] == {"reason": "CrashLoopBackOff", "message": words}
            assert (seen["status"]["phase"], container(seen)["restartCount"]) == ("Running", restarts)
            assert (last(seen)["reason"], last(seen)["exitCode"]) == ("Error", 1)
        back_off = f"Back-off restarting failed container app in pod web_default({pod['metadata']['uid']})"
        assert ("Warning", "BackOff", back_off) in node.events()


async def test_crash_loop_waits_as_long_as_it_says(tmp_path):
    async with Node(tmp_path, speed=200) as node:
        node.run({"containers": [EXIT]})
        for restarts, delay in ((2, 10), (3, 20)):
            await node.until(lambda pod, restarts=restarts: container(pod).get("restartCount") == restarts)
            before, after = node.kubelet.worker("default", "web").seen.runs["app"]
            assert delay <= (after.started - before.finished) * 200 < 4 * delay


async def test_back_off_starts_anew_after_ten_good_minutes():
    clock = Clock(speed=100_000)
    backoff = Backoff(clock)
    for _ in range(3):
        backoff.failed("key")
    assert backoff.delay("key") == 40
    await clock.sleep(601)
    assert backoff.remaining("key") == 0
    backoff.failed("key")
    assert backoff.delay("key") == 10


@pytest.mark.parametrize(
    ("policy", "command", "ends"), [("Never", "true", "Succeeded"), ("Never", "false", "Failed"), ("OnFailure", "true", "Succeeded")]
)
async def test_restart_policy(node, policy, command, ends):
    node.run({"restartPolicy": policy, "containers": [{"command": [command]}]})
    pod = await node.until(lambda pod: phase(ends)(pod) and pod["status"]["conditions"][0]["status"] == "False")
    assert state(pod)["terminated"]["reason"] == ("Completed" if command == "true" else "Error")
    reasons = {c["type"]: c.get("reason") for c in pod["status"]["conditions"]}
    assert reasons["Ready"] == reasons["ContainersReady"] == ("PodCompleted" if ends == "Succeeded" else "PodFailed")
    assert container(pod)["restartCount"] == 0 and pod["status"]["podIP"]


async def test_on_failure_restarts(node):
    node.run({"restartPolicy": "OnFailure", "containers": [EXIT]})
    await node.until(lambda pod: container(pod).get("restartCount") == 2)


async def test_image_that_is_not_there(node):
    node.run({"containers": [{"image": "nope:1"}]})
    pod = await node.until(waits("ErrImagePull"))
    words = state(pod)["waiting"]["message"]
    assert words.startswith('failed to pull and unpack image "docker.io/library/nope:1"')
    pod = await node.until(waits("ImagePullBackOff"))
    assert state(pod)["waiting"]["message"] == f'Back-off pulling image "nope:1": ErrImagePull: {words}'
    assert pod["status"]["phase"] == "Pending"
    await node.until(waits("ErrImagePull"))
    assert [event[1:] for event in node.events()][:5] == [
        ("Pulling", 'Pulling image "nope:1"'),
        ("Failed", f'Failed to pull image "nope:1": {words}'),
        ("Failed", "Error: ErrImagePull"),
        ("BackOff", 'Back-off pulling image "nope:1"'),
        ("Failed", "Error: ImagePullBackOff"),
    ]


async def test_image_name_that_is_none(node):
    node.run({"containers": [{"image": "NGINX:1.27"}]})
    pod = await node.until(waits("InvalidImageName"))
    words = state(pod)["waiting"]["message"]
    problem = 'couldn\'t parse image name "NGINX:1.27": invalid reference format'
    assert words.startswith(f'Failed to apply default image tag "NGINX:1.27": {problem}')
    assert node.events()[:2] == [("Warning", "InspectFailed", words), ("Warning", "Failed", "Error: InvalidImageName")]


async def test_pull_policy_never(node):
    node.run({"containers": [{**SLEEP, "imagePullPolicy": "Never"}]})
    pod = await node.until(waits("ErrImageNeverPull"))
    assert state(pod)["waiting"]["message"] == 'Container image "busybox:1.36" is not present with pull policy of Never'


async def test_pull_policy_always_asks_the_registry_again(node):
    for name in ("web", "again"):
        node.run({"containers": [{**SLEEP, "imagePullPolicy": "Always"}]}, name)
        await node.until(ready, name)
        assert [reason for _, reason, _ in node.events(name)] == ["Pulling", "Pulled", "Created", "Started"]


async def test_changed_image_restarts_the_container(node):
    node.run({"terminationGracePeriodSeconds": 2, "containers": [SLEEP]})
    await node.until(ready)
    node.client.patch("pods", "default", "web", {"spec": {"containers": [{"name": "app", "image": "busybox:1.28"}]}}, kind="strategic")
    pod = await node.until(lambda pod: running(pod) and container(pod)["restartCount"] == 1)
    assert container(pod)["image"] == "docker.io/library/busybox:1.28"
    assert ("Normal", "Killing", "Container app definition changed, will be restarted") in node.events()


async def test_missing_program(node):
    node.run({"containers": [{"command": ["nope"]}]})
    words = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        'unable to start container process: error during container init: exec: "nope": executable file not found in $PATH'
    )
    pod = await node.until(waits("RunContainerError"))
    assert state(pod)["waiting"]["message"] == words
    assert (last(pod)["reason"], last(pod)["exitCode"], last(pod)["startedAt"]) == ("StartError", 128, "1970-01-01T00:00:00Z")
    assert [e[1:] for e in node.events()[2:4]] == [("Created", "Container created"), ("Failed", f"Error: {words}")]
    await node.until(waits("CrashLoopBackOff"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "a"}}}]}, 'configmap "x" not found'),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "a"}}}]}, 'secret "x" not found'),
        ({"envFrom": [{"configMapRef": {"name": "x"}}]}, 'configmap "x" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "there", "key": "a"}}}]},
            "couldn't find key a in ConfigMap default/there",
        ),
    ],
)
async def test_configuration_error_heals(node, source, words):
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there", "namespace": "default"}, "data": {"b": "1"}}
    node.client.create("configmaps", config_map)
    node.run({"containers": [{**SLEEP, **source}]})
    pod = await node.until(waits("CreateContainerConfigError"))
    assert state(pod)["waiting"]["message"] == words
    assert ("Warning", "Failed", f"Error: {words}") in node.events()
    if "there" in str(source):
        node.client.patch("configmaps", "default", "there", {"data": {"a": "1"}})
    else:
        kind = "Secret" if "secret" in words else "ConfigMap"
        new = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "default"}, "data": {"a": "YQ=="}}
        node.client.create(kind.lower() + "s", new)
    await node.until(ready)


async def test_run_as_non_root(node):
    pod = node.run({"containers": [{**SLEEP, "securityContext": {"runAsNonRoot": True}}]})
    seen = await node.until(waits("CreateContainerConfigError"))
    who = f'(pod: "web_default({pod["metadata"]["uid"]})", container: app)'
    assert state(seen)["waiting"]["message"] == f"container has runAsNonRoot and image will run as root {who}"


async def test_init_containers_in_turn(node):
    node.run({"initContainers": [
        {"name": "one", "image": "busybox:1.36", "command": ["sleep", "20"]},
        {"name": "two", "image": "busybox:1.36", "command": ["sleep", "20"]},
    ], "containers": [SLEEP]})
    pod = await node.until(lambda pod: "running" in container(pod, "one").get("state", {}))
    assert state(pod) == state(pod, "two") == {"waiting": {"reason": "PodInitializing"}}
    initialized = pod["status"]["conditions"][1]
    assert (initialized["reason"], initialized["message"]) == ("ContainersNotInitialized", "containers with incomplete status: [one two]")
    pod = await node.until(lambda pod: "running" in container(pod, "two").get("state", {}))
    assert state(pod, "one")["terminated"]["reason"] == "Completed" and pod["status"]["phase"] == "Pending"
    pod = await node.until(ready)
    assert container(pod, "two")["ready"]


async def test_failing_init_container(node):
    broken = {"name": "setup", "image": "busybox:1.36", **EXIT}
    node.run({"initContainers": [broken], "containers": [SLEEP]})
    pod = await node.until(waits("CrashLoopBackOff", "setup"))
    assert pod["status"]["phase"] == "Pending"
    node.run({"restartPolicy": "Never", "initContainers": [broken], "containers": [SLEEP]}, "never")
    pod = await node.until(lambda pod: phase("Failed")(pod) and pod["status"]["conditions"][0]["status"] == "False", "never")
    assert state(pod) == {"waiting": {"reason": "PodInitializing"}}


async def test_sidecar_outlives_the_work(node):
    sidecar = {"name": "side", "image": "busybox:1.36", "restartPolicy": "Always", **SLEEP}
    node.run({"restartPolicy": "Never", "initContainers": [sidecar], "containers": [{"command": ["sleep", "20"]}]})
    pod = await node.until(ready)
    assert container(pod, "side")["started"] and container(pod, "side")["ready"]
    pod = await node.until(lambda pod: phase("Succeeded")(pod) and "terminated" in state(pod, "side"))
    assert state(pod, "side")["terminated"]["exitCode"] == 137
    assert ("Normal", "Killing", "Stopping container side") in node.events()


async def test_deletion_with_grace(node):
    node.run({"containers": [{"command": ["sh", "-c", "trap 'exit 3' TERM; while true; do sleep 1; done"]}]})
    await node.until(ready)
    node.client.delete("pods", "default", "web")
    pod = await node.until(lambda pod: "terminated" in state(pod))
    assert state(pod)["terminated"]["exitCode"] == 3
    assert pod["status"]["phase"] == "Failed"
    await node.gone()
    assert ("Normal", "Killing", "Stopping container app") in node.events()
    await node.worker_gone()
    assert not node.runtime.sandboxes


async def test_deletion_of_what_never_ran(node):
    node.run({"containers": [{"image": "nope:1"}]})
    await node.until(waits("ImagePullBackOff"))
    node.client.delete("pods", "default", "web")
    pod = await node.until(phase("Failed"))
    ended = state(pod)["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "ContainerStatusUnknown")
    assert ended["message"] == "The container could not be located when the pod was terminated"
    await node.gone()


async def test_sidecars_stop_last(node):
    listens = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 1; done"]
    init = [{"name": name, "image": "busybox:1.36", "restartPolicy": "Always", "command": listens} for name in ("first", "second")]
    node.run({"initContainers": init, "containers": [{"command": listens}]})
    await node.until(ready)
    containers = {c.config.name: c for c in node.kubelet.worker("default", "web").sandbox.containers}
    node.client.delete("pods", "default", "web")
    ends = {name: (await c.wait()).finished_at for name, c in containers.items()}
    assert ends["app"] <= ends["second"] <= ends["first"]
    await node.gone()


async def test_own_restart_rules(node):
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    script = "test -e /tmp/x/seen && exit 1; touch /tmp/x/seen; exit 42"
    app = {
        "command": ["sh", "-c", script],
        "restartPolicy": "Never",
        "restartPolicyRules": rules,
        "volumeMounts": [{"name": "x", "mountPath": "/tmp/x"}],
    }
    node.run({"restartPolicy": "Never", "volumes": [{"name": "x", "emptyDir": {}}], "containers": [app]})
    pod = await node.until(phase("Failed"))
    assert container(pod)["restartCount"] == 1 and last(pod)["exitCode"] == 42


async def test_deletion_kills_what_does_not_listen(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    node.client.delete("pods", "default", "web")
    pod = await node.until(lambda pod: "terminated" in state(pod))
    assert state(pod)["terminated"]["exitCode"] == 137
    await node.gone()


async def test_deletion_while_the_image_is_pulled(tmp_path):
    async with Node(tmp_path, speed=1) as node:
        node.run({"containers": [SLEEP]})
        await node.until(lambda pod: node.events())
        node.client.delete("pods", "default", "web")
        await node.gone()


async def test_forced_deletion(node):
    node.run({"containers": [SLEEP]})
    await node.until(ready)
    watched = node.container()
    node.client.delete("pods", "default", "web", grace=0)
    assert (await watched.wait()).code == 137


async def test_hooks(node):
    node.run({"containers": [{**SLEEP, "lifecycle": {
        "postStart": {"exec": {"command": ["sh", "-c", "echo hello > /tmp/greeting"]}},
        "preStop": {"exec": {"command": ["sh", "-c", "echo bye > /proc/1/fd/1; sleep 5"]}},
    }}]})
    await node.until(ready)
    assert node.container().fs.read("/tmp/greeting") == b"hello\n"
    node.client.delete("pods", "default", "web")
    await node.gone()


async def test_failing_post_start_hook(node):
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    node.run({"terminationGracePeriodSeconds": 2, "containers": [{**SLEEP, "lifecycle": hook}]})
    await node.until(waits("PostStartHookError"))
    assert ("Warning", "FailedPostStartHook", "PostStartHook failed") in node.events()
    assert any(reason == "Killing" for _, reason, _ in node.events())
    await node.until(waits("CrashLoopBackOff"))


async def test_out_of_memory(node):
    node.run({"restartPolicy": "Never", "containers": [{**SLEEP, "resources": {"limits": {"memory": "20Mi"}}}]})
    await node.until(ready)
    node.container().processes.processes[1].memory = 50 << 20
    pod = await node.until(phase("Failed"))
    assert (state(pod)["terminated"]["reason"], state(pod)["terminated"]["exitCode"]) == ("OOMKilled", 137)


async def test_deadline(node):
    node.run({"activeDeadlineSeconds": 60, "terminationGracePeriodSeconds": 1, "containers": [SLEEP]})
    pod = await node.until(phase("Failed"))
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert ("Normal", "DeadlineExceeded", pod["status"]["message"]) in node.events()


async def test_readiness_gate(node):
    node.run({"readinessGates": [{"conditionType": "example.com/lb"}], "containers": [SLEEP]})
    pod = await node.until(running)
    condition = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    words = 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "ReadinessGatesNotReady", words)
    status = {**pod["status"], "conditions": [*pod["status"]["conditions"], {"type": "example.com/lb", "status": "True"}]}
    node.client.update("pods", {**pod, "status": status}, subresource="status")
    await node.until(ready)


async def test_termination_message(node):
    node.run({"restartPolicy": "Never", "containers": [
        {"command": ["sh", "-c", "echo done > /dev/termination-log"]},
        {"terminationMessagePolicy": "FallbackToLogsOnError", "command": ["sh", "-c", "echo broken; exit 1"]},
    ]})
    pod = await node.until(phase("Failed"))
    assert state(pod)["terminated"]["message"] == "done\n"
    assert state(pod, "app1")["terminated"]["message"] == "broken\n"


async def test_pods_the_node_refuses(node):
    big = {"containers": [{**SLEEP, "resources": {"requests": {"cpu": "5"}}}]}
    pod = await _rejected(node, big)
    assert pod["status"]["reason"] == "OutOfcpu"
    words = "Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000"
    assert pod["status"]["message"] == f"Pod was rejected: {words}"
    assert node.events() == [("Warning", "OutOfcpu", words)]
    node.run({"containers": [{**SLEEP, "ports": [{"containerPort": 80, "hostPort": 80}]}]}, "one")
    await node.until(ready, "one")
    node.run({"containers": [{**SLEEP, "ports": [{"containerPort": 80, "hostPort": 80}]}]}, "two")
    assert (await node.until(phase("Failed"), "two"))["status"]["reason"] == "NodePorts"
    node.run({"nodeSelector": {"disk": "ssd"}, "containers": [SLEEP]}, "ssd")
    assert (await node.until(phase("Failed"), "ssd"))["status"]["reason"] == "NodeAffinity"


async def _rejected(node, spec):
    node.run(spec)
    return await node.until(phase("Failed"))


async def test_shared_process_namespace(node):
    script = "sleep 50; cat /proc/1/comm; head -c 7 /proc/$(pidof nginx | tr ' ' '\\n' | sort -n | head -1)/root/etc/nginx/nginx.conf"
    shares = {"shareProcessNamespace": True, "restartPolicy": "Never"}
    node.run({**shares, "containers": [{"image": "nginx:1.27"}, {"command": ["sh", "-c", script]}]})
    await node.until(ready)
    nginx, shell = node.kubelet.worker("default", "web").sandbox.containers
    assert shell.processes.processes is nginx.processes.processes
    assert [process.name for process in shell.processes.own if process.name != "sleep"] == ["sh"]
    assert (nginx.processes.init.pid, shell.processes.init.pid) != (1, 1)
    await node.until(lambda pod: "terminated" in state(pod, "app1"))
    assert shell.log.read() == b"pause\n\nuser  "


async def test_a_signal_crosses_to_the_other_container(node):
    shares = {"shareProcessNamespace": True, "restartPolicy": "Never"}
    node.run({**shares, "containers": [SLEEP, {"command": ["sh", "-c", "sleep 50; killall sleep; exec sleep 3600"]}]})
    pod = await node.until(lambda pod: "terminated" in container(pod).get("state", {}))
    assert state(pod)["terminated"]["exitCode"] == 143
    assert "running" in state(pod, "app1")


async def test_the_pod_starts_anew_when_pause_ends(node):
    node.run({"shareProcessNamespace": True, "containers": [SLEEP]})
    await node.until(ready)
    node.kubelet.worker("default", "web").sandbox.pause.init.signal(15)
    await node.until(lambda pod: ready(pod) and container(pod)["restartCount"] == 1)
    assert ("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.") in node.events()

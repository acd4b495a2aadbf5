"""What a container is given: environment, volumes and their updates, names and addresses."""
import base64

import pytest
from kubelet_node import Node, ready, running

from kubeschool.practice.kubelet.environment import expand
from kubeschool.practice.runtime.filesystem import File

SLEEP = {"command": ["sleep", "3600"]}


@pytest.fixture
async def node(tmp_path):
    async with Node(tmp_path) as node:
        yield node


def create(node, kind, name, **fields):
    node.client.create(kind.lower() + "s", {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, **fields})


def mounted(volume, **mount):
    return {"volumes": [{"name": "v", **volume}], "containers": [{**SLEEP, "volumeMounts": [{"name": "v", "mountPath": "/v", **mount}]}]}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$A", "$A"), ("$(A", "$(A"), ("x$(A)$(A)y", "x11y"), ("$$$(A)", "$1")],
)
def test_expansion(text, expanded):
    assert expand(text, {"A": "1"}) == expanded


async def test_environment(node):
    create(node, "ConfigMap", "settings", data={"COLOR": "blue", "SIZE": "m"})
    create(node, "Secret", "login", data={"PASSWORD": base64.b64encode(b"secret").decode()})
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    create(node, "Service", "my-db", spec={"clusterIP": "10.96.1.2", "clusterIPs": ["10.96.1.2"], "ports": ports})
    limits = {"limits": {"cpu": "1500m", "memory": "64Mi"}}

    def field(path):
        return {"valueFrom": {"fieldRef": {"fieldPath": path}}}

    env = [
        {"name": "SIZE", "value": "xl"},
        {"name": "GREETING", "value": "$(COLOR)-$(SIZE)-$(UNKNOWN)"},
        {"name": "NAME", **field("metadata.name")},
        {"name": "TIER", **field("metadata.labels['tier']")},
        {"name": "IP", **field("status.podIP")},
        {"name": "NODE", **field("spec.nodeName")},
        {"name": "HOST", **field("status.hostIP")},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MEGABYTES", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "PASSWORD"}}},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "nope", "key": "x", "optional": True}}},
    ]
    app = {"command": ["sleep", "$(CPUS)000"], "env": env, "envFrom": [{"configMapRef": {"name": "settings"}}], "resources": limits}
    node.run({"containers": [app]}, labels={"tier": "front"})
    pod = await node.until(ready)
    seen = node.container().env
    assert seen["COLOR"] == "blue" and seen["SIZE"] == "xl"
    assert seen["GREETING"] == "blue-xl-$(UNKNOWN)"
    assert (seen["NAME"], seen["TIER"], seen["IP"], seen["NODE"]) == ("web", "front", pod["status"]["podIP"], "practice-worker")
    assert (seen["HOST"], seen["CPUS"], seen["MEGABYTES"], seen["PASSWORD"]) == ("172.18.0.3", "2", "64", "secret")
    assert "MAYBE" not in seen
    assert (seen["MY_DB_SERVICE_HOST"], seen["MY_DB_SERVICE_PORT_HTTP"], seen["MY_DB_PORT"]) == ("10.96.1.2", "80", "tcp://10.96.1.2:80")
    assert seen["MY_DB_PORT_80_TCP_ADDR"] == "10.96.1.2"
    assert node.container().argv == ["sleep", "2000"]


async def test_config_map_reaches_the_pod_that_runs(node):
    create(node, "ConfigMap", "page", data={"index.html": "one", "other": "x"})
    whole = {"name": "v", "mountPath": "/v"}
    part = {"name": "v", "mountPath": "/part.html", "subPath": "index.html"}
    volumes = [{"name": "v", "configMap": {"name": "page"}}]
    node.run({"volumes": volumes, "containers": [{**SLEEP, "volumeMounts": [whole, part]}]})
    await node.until(ready)
    fs = node.container().fs
    assert fs.listdir("/v")[1:] == ["..data", "index.html", "other"]
    assert fs.readlink("/v/index.html") == "..data/index.html"
    dated = fs.lookup("/v")
    node.client.patch("configmaps", "default", "page", {"data": {"index.html": "two", "other": None, "new": "y"}})
    await _until(lambda: fs.read("/v/index.html") == b"two")
    assert [name for name in fs.listdir("/v") if name[0] != "."] == ["index.html", "new"]
    assert fs.lookup("/v") is dated and fs.read("/part.html") == b"one"


async def _until(condition):
    import asyncio

    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_missing_config_map_holds_the_pod_back(node):
    node.run(mounted({"configMap": {"name": "late"}}))
    words = 'MountVolume.SetUp failed for volume "v" : configmap "late" not found'
    await _until(lambda: ("Warning", "FailedMount", words) in node.events())
    assert node.pod()["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    timed_out = (
        "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[]: "
        "context deadline exceeded"
    )
    await _until(lambda: ("Warning", "FailedMount", timed_out) in node.events())
    create(node, "ConfigMap", "late", data={"a": "1"})
    await node.until(ready)
    assert node.container().fs.read("/v/a") == b"1"


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "c", "items": [{"key": "x", "path": "x"}]}}, "configmap references non-existent config key: x"),
        ({"secret": {"secretName": "s", "items": [{"key": "x", "path": "x"}]}}, "references non-existent secret key: x"),
        ({"secret": {"secretName": "nope"}}, 'secret "nope" not found'),
        ({"hostPath": {"path": "/nope", "type": "Directory"}}, "hostPath type check failed: /nope is not a directory"),
    ],
)
async def test_volumes_that_cannot_be(node, volume, words):
    create(node, "ConfigMap", "c", data={"a": "1"})
    create(node, "Secret", "s", data={})
    node.run(mounted(volume))
    await _until(lambda: ("Warning", "FailedMount", f'MountVolume.SetUp failed for volume "v" : {words}') in node.events())


async def test_sub_path_that_cannot_be(node):
    create(node, "ConfigMap", "c", data={"file": "x"})
    node.run(mounted({"configMap": {"name": "c"}}, subPath="file/below"))
    words = 'failed to prepare subPath for volumeMount "v" of container "app"'
    await _until(lambda: ("Warning", "Failed", f"Error: {words}") in node.events())


async def test_secret_modes_and_items(node):
    create(node, "Secret", "s", data={"user": base64.b64encode(b"me").decode()})
    secret = {"secretName": "s", "defaultMode": 0o400, "items": [{"key": "user", "path": "deep/name", "mode": 0o440}]}
    node.run(mounted({"secret": secret}))
    await node.until(ready)
    fs = node.container().fs
    assert fs.read("/v/deep/name") == b"me" and fs.stat("/v/deep/name").mode & 0o777 == 0o440
    with pytest.raises(OSError, match="Read-only file system"):
        fs.write("/v/x", b"")


async def test_downward_api_and_token(node):
    create(node, "ServiceAccount", "default")
    fields = {"labels": "metadata.labels", "ns": "metadata.namespace"}
    items = [{"path": path, "fieldRef": {"fieldPath": field}} for path, field in fields.items()]
    sources = [{"downwardAPI": {"items": items}}, {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]
    node.run({**mounted({"projected": {"sources": sources}}), "serviceAccountName": "default"}, labels={"a": "1", "b": "2"})
    pod = await node.until(ready)
    fs = node.container().fs
    assert fs.read("/v/labels") == b'a="1"\nb="2"' and fs.read("/v/ns") == b"default"
    user, private = Node.tokens.verify(fs.read("/v/token").decode())
    assert user.name == "system:serviceaccount:default:default"
    assert private["pod"] == {"name": "web", "uid": pod["metadata"]["uid"]}
    node.client.patch("pods", "default", "web", {"metadata": {"labels": {"b": "3"}}})
    await _until(lambda: fs.read("/v/labels") == b'a="1"\nb="3"')


async def test_empty_dir_is_shared_and_survives_restarts(node):
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    writer = {"command": ["sh", "-c", "date >> /v/log; sleep 5; exit 1"], **mount}
    node.run({"volumes": [{"name": "v", "emptyDir": {}}], "containers": [writer, {**SLEEP, **mount}]})
    await node.until(lambda pod: pod.get("status", {}).get("containerStatuses", [{}])[0].get("restartCount") == 2)
    await node.until(running)
    reader = next(c for c in node.kubelet.worker("default", "web").sandbox.containers if c.config.name == "app1")
    await _until(lambda: reader.fs.read("/v/log").count(b"\n") >= 3)
    node.client.delete("pods", "default", "web", grace=1)
    await node.gone()
    await node.worker_gone()
    assert not node.kubelet.disk.entries["var"].entries["lib"].entries["kubelet"].entries["pods"].entries


async def test_host_path_and_claim_are_on_the_node(node):
    node.kubelet.disk.entries["data"] = File(b"from the node")
    node.run(mounted({"hostPath": {"path": "/data", "type": "File"}}))
    await node.until(ready)
    assert node.container().fs.read("/v") == b"from the node"
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/srv/pv"}}
    pv = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec}
    node.client.create("persistentvolumes", pv)
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv"}
    create(node, "PersistentVolumeClaim", "data", spec=claim)
    pvc = node.client.get("persistentvolumeclaims", "default", "data")
    node.client.update("persistentvolumeclaims", {**pvc, "status": {"phase": "Bound"}}, subresource="status")
    for name in ("one", "two"):
        node.run(mounted({"persistentVolumeClaim": {"claimName": "data"}}), name)
        await node.until(ready, name)
    node.container("one").fs.write("/v/file", b"kept")
    assert node.container("two").fs.read("/v/file") == b"kept"


async def test_names_and_resolver(node):
    aliases = [{"ip": "1.2.3.4", "hostnames": ["db"]}]
    dns = {"options": [{"name": "ndots", "value": "2"}], "searches": ["example.com"]}
    node.run({"hostname": "front", "subdomain": "sub", "hostAliases": aliases, "dnsConfig": dns, "containers": [SLEEP]})
    pod = await node.until(ready)
    fs = node.container().fs
    assert fs.read("/etc/hostname") == b"front\n"
    hosts = fs.read("/etc/hosts").decode()
    assert f"{pod['status']['podIP']}\tfront.sub.default.svc.cluster.local\tfront\n" in hosts and "1.2.3.4\tdb\n" in hosts
    assert fs.read("/etc/resolv.conf").decode().splitlines() == [
        "search default.svc.cluster.local svc.cluster.local cluster.local example.com",
        "nameserver 10.96.0.10",
        "options ndots:2",
    ]


async def test_host_network(node):
    node.run({"hostNetwork": True, "containers": [SLEEP]})
    pod = await node.until(ready)
    assert pod["status"]["podIP"] == pod["status"]["hostIP"] == "172.18.0.3"
    assert node.container().hostname == "practice-worker"


async def test_user_and_groups(node):
    security = {"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, "supplementalGroups": [4000]}
    node.run({**mounted({"emptyDir": {}}), "securityContext": security})
    pod = await node.until(ready)
    assert pod["status"]["containerStatuses"][0]["user"]["linux"] == {"uid": 1000, "gid": 3000, "supplementalGroups": [2000, 3000, 4000]}
    assert node.container().fs.stat("/v").gid == 2000

"""Nodes that go silent, taints that evict, pods nothing will finish, dependents without owners."""

import asyncio

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.clock import micro_timestamp
from kubeschool.practice.controllers.garbagecollector import GarbageCollector
from kubeschool.practice.controllers.nodelifecycle import NodeLifecycleController
from kubeschool.practice.controllers.podgc import PodGCController
from kubeschool.practice.controllers.taint_eviction import TaintEvictionController
from kubeschool.practice.scheduler import Scheduler

LEASES = "leases.coordination.k8s.io"


@pytest.fixture
async def cluster():
    plane = ControlPlane(speed=200)
    plane.namespace("kube-node-lease")
    yield plane
    await plane.stop()


def keep_alive(cluster, *names):
    """Renews the nodes' leases until cancelled."""

    async def renew():
        while True:
            for name in names:
                lease = {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": {"renewTime": micro_timestamp()}}
                if cluster.get(LEASES, name, "kube-node-lease"):
                    cluster.client.patch(LEASES, "kube-node-lease", name, {"spec": lease["spec"]})
                else:
                    cluster.client.create(LEASES, lease)
            await cluster.clock.sleep(10)

    return asyncio.ensure_future(renew())


async def test_a_silent_node_is_unknown_and_its_pods_move(cluster):
    for name in ("n1", "n2"):
        cluster.node(name)
    await cluster.start(Scheduler, Nodes, NodeLifecycleController, TaintEvictionController)
    tolerations = [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 100}]
    cluster.pod("web", nodeSelector={"kubernetes.io/hostname": "n1"}, tolerations=tolerations)
    cluster.pod("hurried", nodeSelector={"kubernetes.io/hostname": "n1"})
    await cluster.settled()
    alive = keep_alive(cluster, "n2")
    node = await cluster.until(lambda: (n := cluster.get("nodes", "n1", ""))["spec"].get("taints") and n)
    ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    taints = {(t["key"], t["effect"]) for t in node["spec"]["taints"]}
    assert taints == {("node.kubernetes.io/unreachable", e) for e in ("NoSchedule", "NoExecute")}
    assert ("NodeNotReady", "Node n1 status is now: NodeNotReady") in cluster.events("n1")
    await cluster.until(lambda: cluster.get("pods", "hurried") is None)
    assert cluster.get("pods", "web")
    await cluster.until(lambda: cluster.get("pods", "web") is None)
    assert ("TaintManagerEviction", "Marking for deletion Pod default/web") in cluster.events("web")
    assert not cluster.get("nodes", "n2", "")["spec"].get("taints")
    alive.cancel()


async def test_when_every_node_is_silent_nothing_is_evicted(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler, Nodes, NodeLifecycleController, TaintEvictionController)
    cluster.pod("web")
    node = await cluster.until(lambda: (n := cluster.get("nodes", "n1", ""))["spec"].get("taints") and n)
    assert [t["effect"] for t in node["spec"]["taints"]] == ["NoSchedule"]
    assert cluster.get("pods", "web")


async def test_a_node_that_returns_loses_its_taints(cluster):
    cluster.node("n1")
    await cluster.start(NodeLifecycleController)
    await cluster.until(lambda: cluster.get("nodes", "n1", "")["spec"].get("taints"))
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": "2030-01-01T00:00:00Z"}
    cluster.client.patch("nodes", "", "n1", {"status": {"conditions": [ready]}}, "strategic", "status")
    await cluster.until(lambda: not cluster.get("nodes", "n1", "")["spec"].get("taints"))


async def test_cordon_taints(cluster):
    cluster.node("n1")
    await cluster.start(NodeLifecycleController)
    cluster.client.patch("nodes", "", "n1", {"spec": {"unschedulable": True}})
    await cluster.until(lambda: cluster.get("nodes", "n1", "")["spec"].get("taints"))
    (taint,) = cluster.get("nodes", "n1", "")["spec"]["taints"]
    assert (taint["key"], taint["effect"]) == ("node.kubernetes.io/unschedulable", "NoSchedule")


async def test_an_eviction_is_cancelled_when_the_taint_goes(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler, TaintEvictionController)
    await cluster.settled()
    cluster.pod("web", tolerations=[{"key": "x", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10000}])
    await cluster.settled()
    cluster.client.patch("nodes", "", "n1", {"spec": {"taints": [{"key": "x", "effect": "NoExecute"}]}})
    await cluster.settled()
    assert cluster.get("pods", "web")
    cluster.client.patch("nodes", "", "n1", {"spec": {"taints": None}})
    await cluster.settled()
    assert ("TaintManagerEviction", "Cancelling deletion of Pod default/web") in cluster.events("web")


async def test_pods_of_a_deleted_node_go(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler)
    cluster.pod("web")
    await cluster.settled()
    await cluster.start(PodGCController)
    cluster.client.delete("nodes", "", "n1")
    await cluster.until(lambda: cluster.get("pods", "web") is None)


async def test_dependents_go_with_their_last_owner(cluster):
    await cluster.start(GarbageCollector)

    def configmap(name, *owners, block=False):
        references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"],
                       **({"blockOwnerDeletion": True} if block else {})} for o in owners]
        return cluster.client.create("configmaps", {"metadata": {"name": name, "namespace": "default", "ownerReferences": references}})

    a, b = configmap("a"), configmap("b")
    both, child = configmap("both", a, b), configmap("child", a)
    grandchild = configmap("grandchild", child)
    configmap("stray", {"metadata": {"name": "never", "uid": "00000000-0000-0000-0000-000000000000"}})
    await cluster.settled()
    assert cluster.get("configmaps", "stray") is None
    cluster.client.delete("configmaps", "default", "a")
    await cluster.settled()
    assert [c["metadata"]["name"] for c in cluster.objects("configmaps")] == ["b", "both"]
    assert [r["name"] for r in cluster.get("configmaps", "both")["metadata"]["ownerReferences"]] == ["b"]
    assert grandchild and both
    kept = configmap("held", b, block=True)
    cluster.client.patch("configmaps", "default", "held", {"metadata": {"finalizers": ["example.com/hold"]}})
    cluster.client.delete("configmaps", "default", "b", propagation="Foreground")
    await cluster.settled()
    assert cluster.get("configmaps", "b")["metadata"]["finalizers"] == ["foregroundDeletion"]
    cluster.client.patch("configmaps", "default", kept["metadata"]["name"], {"metadata": {"finalizers": None}})
    await cluster.settled()
    assert [c["metadata"]["name"] for c in cluster.objects("configmaps")] == []


async def test_an_owner_in_another_namespace_does_not_count(cluster):
    cluster.namespace("other")
    await cluster.start(GarbageCollector)
    owner = cluster.client.create("configmaps", {"metadata": {"name": "owner", "namespace": "other"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    cluster.client.create("configmaps", {"metadata": {"name": "child", "namespace": "default", "ownerReferences": [reference]}})
    await cluster.settled()
    assert cluster.get("configmaps", "child") is None
    assert [r for r, _ in cluster.events("child")] == ["OwnerRefInvalidNamespace"]

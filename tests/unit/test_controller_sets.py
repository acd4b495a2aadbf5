"""StatefulSets and DaemonSets."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.controllers.daemonset import DaemonSetsController
from kubeschool.practice.controllers.garbagecollector import GarbageCollector
from kubeschool.practice.controllers.statefulset import StatefulSetController
from kubeschool.practice.scheduler import Scheduler

SET, DAEMON = "statefulsets.apps", "daemonsets.apps"


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.node("n1")
    plane.node("n2")
    await plane.start(Scheduler, Nodes, StatefulSetController, DaemonSetsController, GarbageCollector)
    yield plane
    await plane.stop()


def template(image="nginx:1", **annotations):
    metadata = {"labels": {"app": "web"}} | ({"annotations": annotations} if annotations else {})
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": image}]}}


def stateful(cluster, replicas=3, image="nginx:1", annotations=None, **spec):
    spec = {"replicas": replicas, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": template(image, **(annotations or {})), **spec}
    return cluster.client.create(SET, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


def daemon(cluster, image="nginx:1", **spec):
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template(image), **spec}
    return cluster.client.create(DAEMON, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


def pods(cluster):
    return {p["metadata"]["name"]: p["spec"]["containers"][0]["image"] for p in cluster.objects("pods")}


async def test_pods_come_in_order_with_names_and_claims(cluster):
    order = []
    informer = cluster.components[2].informers["pods"]
    informer.on_change(lambda old, new: old or order.append((new["metadata"]["name"], len(ready(cluster)))))
    claim = {"metadata": {"name": "www"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    mount = {"name": "c", "image": "nginx:1"}
    stateful(cluster, volumeClaimTemplates=[claim], template={**template(), "spec": {"containers": [mount]}})
    await cluster.settled()
    assert [c["metadata"]["name"] for c in cluster.objects("persistentvolumeclaims")] == ["www-web-0"]
    events = [m for _, m in cluster.events("web")]
    assert events == ["create Claim www-web-0 Pod web-0 in StatefulSet web success", "create Pod web-0 in StatefulSet web successful"]
    pod = cluster.get("pods", "web-0")
    assert pod["spec"]["volumes"][0] == {"name": "www", "persistentVolumeClaim": {"claimName": "www-web-0"}}
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "web")
    assert pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "web-0"
    assert pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "0"
    assert order == [("web-0", 0)]


def ready(cluster):
    return [
        p for p in cluster.objects("pods") if any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", ()))
    ]


async def test_up_and_down_one_by_one(cluster):
    seen = []
    cluster.components[2].informers["pods"].on_change(
        lambda old, new: seen.append((new or old)["metadata"]["name"]) if not (old and new) else None
    )
    stateful(cluster)
    await cluster.settled()
    assert seen == ["web-0", "web-1", "web-2"]
    status = cluster.get(SET, "web")["status"]
    assert {
        k: status[k] for k in ("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas")
    } == dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"), 3)
    assert status["currentRevision"] == status["updateRevision"]
    seen.clear()
    cluster.client.patch(SET, "default", "web", {"spec": {"replicas": 1}})
    await cluster.settled()
    assert seen == ["web-2", "web-1"] and pods(cluster) == {"web-0": "nginx:1"}


async def test_an_unready_pod_holds_up_the_rest_unless_parallel(cluster):
    stateful(cluster, annotations={"test/ready": "false"})
    await cluster.settled()
    assert list(pods(cluster)) == ["web-0"]
    cluster.client.delete(SET, "default", "web")
    await cluster.settled()
    assert not pods(cluster)
    stateful(cluster, podManagementPolicy="Parallel", annotations={"test/ready": "false"})
    await cluster.settled()
    assert len(pods(cluster)) == 3


async def test_a_rolling_update_goes_from_the_last_to_the_partition(cluster):
    stateful(cluster)
    await cluster.settled()
    change = {"spec": {"template": template("nginx:2"), "updateStrategy": {"rollingUpdate": {"partition": 1}}}}
    cluster.client.patch(SET, "default", "web", change)
    await cluster.settled()
    assert pods(cluster) == {"web-0": "nginx:1", "web-1": "nginx:2", "web-2": "nginx:2"}
    status = cluster.get(SET, "web")["status"]
    assert status["currentRevision"] != status["updateRevision"] and (status["currentReplicas"], status["updatedReplicas"]) == (1, 2)
    cluster.client.delete("pods", "default", "web-0")
    await cluster.settled()
    assert pods(cluster)["web-0"] == "nginx:1"
    cluster.client.patch(SET, "default", "web", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    await cluster.settled()
    assert set(pods(cluster).values()) == {"nginx:2"}
    status = cluster.get(SET, "web")["status"]
    assert status["currentRevision"] == status["updateRevision"] and len(cluster.objects("controllerrevisions.apps")) == 2


async def test_a_deleted_pod_returns_with_its_name(cluster):
    stateful(cluster)
    await cluster.settled()
    before = cluster.get("pods", "web-1")["metadata"]["uid"]
    cluster.client.delete("pods", "default", "web-1")
    await cluster.settled()
    assert cluster.get("pods", "web-1")["metadata"]["uid"] != before


async def test_a_daemon_runs_on_every_node(cluster):
    daemon(cluster)
    await cluster.settled()
    assert sorted(p["spec"]["nodeName"] for p in cluster.objects("pods")) == ["n1", "n2"]
    cluster.node("n3")
    cluster.node("n4", taints=[{"key": "x", "effect": "NoSchedule"}])
    cluster.client.patch("nodes", "", "n2", {"spec": {"unschedulable": True}})
    await cluster.settled()
    assert sorted(p["spec"]["nodeName"] for p in cluster.objects("pods")) == ["n1", "n2", "n3"]
    status = cluster.get(DAEMON, "web")["status"]
    assert status == {"currentNumberScheduled": 3, "numberMisscheduled": 0, "desiredNumberScheduled": 3, "numberReady": 3,
                      "observedGeneration": 1, "updatedNumberScheduled": 3, "numberAvailable": 3}
    cluster.client.patch("nodes", "", "n1", {"metadata": {"labels": {"role": "gpu"}}})
    cluster.client.patch(DAEMON, "default", "web", {"spec": {"template": {"spec": {"nodeSelector": {"role": "gpu"}}}}})
    await cluster.settled()
    assert [p["spec"]["nodeName"] for p in cluster.objects("pods")] == ["n1"]


async def test_a_daemon_rolls_one_node_at_a_time(cluster):
    daemon(cluster)
    await cluster.settled()
    low = []
    cluster.components[2].informers["pods"].on_change(lambda old, new: low.append(len(ready(cluster))))
    cluster.client.patch(DAEMON, "default", "web", {"spec": {"template": template("nginx:2")}})
    await cluster.settled()
    assert set(pods(cluster).values()) == {"nginx:2"} and min(low) == 1
    assert len(cluster.objects("controllerrevisions.apps")) == 2


async def test_failed_daemon_pods_are_replaced(cluster):
    daemon(cluster)
    await cluster.settled()
    pod = cluster.objects("pods")[0]
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
    cluster.client.patch("pods", "default", name, {"status": {"phase": "Failed"}}, "merge", "status")
    await cluster.settled()
    assert ("FailedDaemonPod", f"Found failed daemon pod default/{name} on node {node}, will try to kill it") in cluster.events("web")
    assert len(ready(cluster)) == 2 and cluster.get("pods", name) is None


async def test_restarts_change_nothing(cluster):
    stateful(cluster)
    await cluster.settled()
    revision = cluster.store.revision
    for component in cluster.components[2:]:
        await component.stop()
        await component.start()
    await cluster.settled()
    assert cluster.store.revision == revision

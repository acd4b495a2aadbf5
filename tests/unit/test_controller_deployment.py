"""Deployments and ReplicaSets: rollouts, scaling, undo, and what is said on the way."""

import copy

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.controllers.deployment import DeploymentController
from kubeschool.practice.controllers.garbagecollector import GarbageCollector
from kubeschool.practice.controllers.replicaset import ReplicaSetController
from kubeschool.practice.controllers.replicationcontroller import ReplicationManager
from kubeschool.practice.scheduler import Scheduler

APPS = "deployments.apps"


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.node("n1", cpu="100", pods="1000")
    await plane.start(Scheduler, Nodes, DeploymentController, ReplicaSetController, GarbageCollector)
    yield plane
    await plane.stop()


def template(image="nginx:1", app="web", annotations=None):
    container = {"name": "c", "image": image}
    return {"metadata": {"labels": {"app": app}, "annotations": annotations or {}}, "spec": {"containers": [container]}}


async def deploy(cluster, replicas=3, image="nginx:1", annotations=None, **spec):
    selector = {"matchLabels": {"app": "web"}}
    spec = {"replicas": replicas, "selector": selector, "template": template(image, annotations=annotations), **spec}
    created = cluster.client.create(APPS, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    await cluster.settled()
    return created


def change(cluster, **spec):
    return cluster.client.patch(APPS, "default", "web", {"spec": spec}, "merge")


def status(cluster):
    return cluster.get(APPS, "web")["status"]


def condition(cluster, type_):
    return next((c["status"], c["reason"], c["message"]) for c in status(cluster)["conditions"] if c["type"] == type_)


def sets(cluster):
    """Desired replicas of each ReplicaSet by its image, oldest first."""
    found = sorted(cluster.objects("replicasets.apps"), key=lambda s: int(s["metadata"]["resourceVersion"]))
    return {s["spec"]["template"]["spec"]["containers"][0]["image"]: s["spec"]["replicas"] for s in found}


def messages(cluster, reason="ScalingReplicaSet"):
    return [m for r, m in cluster.events("web") if r == reason]


async def test_a_deployment_comes_up(cluster):
    await deploy(cluster)
    (rs,) = cluster.objects("replicasets.apps")
    name, hashed = rs["metadata"]["name"], rs["metadata"]["labels"]["pod-template-hash"]
    assert name == f"web-{hashed}" and set(hashed) <= set("bcdfghjklmnpqrstvwxz2456789")
    assert rs["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hashed}
    assert rs["metadata"]["annotations"] == {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    pods = cluster.objects("pods")
    assert len(pods) == 3 and all(p["metadata"]["name"].startswith(name + "-") for p in pods)
    assert cluster.get(APPS, "web")["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    seen = {k: v for k, v in status(cluster).items() if k != "conditions"}
    assert seen == {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
                    "terminatingReplicas": 0}
    assert condition(cluster, "Available") == ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
    assert messages(cluster) == [f"Scaled up replica set {name} from 0 to 3"]
    assert sorted(cluster.events(name)) == sorted(("SuccessfulCreate", f"Created pod: {p['metadata']['name']}") for p in pods)


async def test_scaling_keeps_the_replicaset(cluster):
    await deploy(cluster)
    change(cluster, replicas=5)
    await cluster.settled()
    assert len(cluster.objects("pods")) == 5
    change(cluster, replicas=1)
    await cluster.settled()
    assert len(cluster.objects("pods")) == 1
    assert [m.split("web-")[1].split(" ", 1)[1] for m in messages(cluster)] == ["from 0 to 3", "from 3 to 5", "from 5 to 1"]


async def test_rolling_update_never_leaves_its_bounds(cluster):
    seen = []
    await deploy(cluster, replicas=10)
    (informer,) = {cluster.components[2].informers["pods"]}

    def count(old, new):
        pods = informer.list()
        ready = sum(any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", ())) for p in pods
                    if "deletionTimestamp" not in p["metadata"])
        seen.append((sum("deletionTimestamp" not in p["metadata"] for p in pods), ready))

    informer.on_change(count)
    change(cluster, template=template("nginx:2"))
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 0, "nginx:2": 10}
    assert max(total for total, _ in seen) == 13 and min(ready for _, ready in seen) == 8
    assert condition(cluster, "Progressing")[1] == "NewReplicaSetAvailable"
    assert messages(cluster)[1].endswith("from 0 to 3") and messages(cluster)[2].endswith("from 10 to 8")


async def test_undo_brings_the_old_replicaset_back(cluster):
    await deploy(cluster)
    change(cluster, template=template("nginx:2"))
    await cluster.settled()
    change(cluster, template=template("nginx:1"))
    await cluster.settled()
    assert sets(cluster) == {"nginx:2": 0, "nginx:1": 3}
    annotations = {s["spec"]["replicas"]: s["metadata"]["annotations"] for s in cluster.objects("replicasets.apps")}
    assert annotations[3]["deployment.kubernetes.io/revision"] == "3"
    assert annotations[3]["deployment.kubernetes.io/revision-history"] == "1"
    assert cluster.get(APPS, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_a_bad_version_stops_the_rollout_until_the_deadline(cluster):
    await deploy(cluster, replicas=4, progressDeadlineSeconds=2000)
    change(cluster, template=template("nginx:bad", annotations={"test/ready": "false"}))
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 3, "nginx:bad": 2}
    assert condition(cluster, "Available")[0] == "True"
    assert condition(cluster, "Progressing")[:2] == ("True", "ReplicaSetUpdated")
    await cluster.until(lambda: condition(cluster, "Progressing")[1] == "ProgressDeadlineExceeded", seconds=8)
    new = next(s["metadata"]["name"] for s in cluster.objects("replicasets.apps") if s["spec"]["replicas"] == 2)
    assert condition(cluster, "Progressing") == ("False", "ProgressDeadlineExceeded", f'ReplicaSet "{new}" has timed out progressing.')
    change(cluster, template=template("nginx:1", annotations={"test/ready": None}))
    await cluster.settled()
    assert sets(cluster) == {"nginx:bad": 0, "nginx:1": 4}


async def test_scaling_in_the_middle_of_a_rollout_is_proportional(cluster):
    await deploy(cluster, replicas=10, strategy={"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    change(cluster, template=template("nginx:bad", annotations={"test/ready": "false"}))
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 8, "nginx:bad": 5}
    change(cluster, replicas=15)
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 11, "nginx:bad": 7}


async def test_recreate_waits_for_the_last_old_pod(cluster):
    both = []
    await deploy(cluster, strategy={"type": "Recreate"})
    informer = cluster.components[2].informers["pods"]
    informer.on_change(lambda old, new: both.append(len({p["spec"]["containers"][0]["image"] for p in informer.list()})))
    change(cluster, template=template("nginx:2"))
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 0, "nginx:2": 3} and max(both) == 1
    assert len(cluster.objects("pods")) == 3


async def test_pause_and_resume(cluster):
    await deploy(cluster)
    change(cluster, paused=True, template=template("nginx:2"))
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 3}
    assert condition(cluster, "Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
    change(cluster, replicas=2)
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 2}
    change(cluster, paused=False)
    await cluster.settled()
    assert sets(cluster) == {"nginx:1": 0, "nginx:2": 2}


async def test_old_replicasets_are_forgotten_beyond_the_limit(cluster):
    await deploy(cluster, revisionHistoryLimit=1)
    for image in ("nginx:2", "nginx:3", "nginx:4"):
        change(cluster, template=template(image))
        await cluster.settled()
    assert sets(cluster) == {"nginx:3": 0, "nginx:4": 3}


async def test_a_pod_that_goes_is_replaced_and_one_that_leaves_is_released(cluster):
    await deploy(cluster)
    first, second, _ = cluster.objects("pods")
    cluster.client.delete("pods", "default", first["metadata"]["name"])
    cluster.client.patch("pods", "default", second["metadata"]["name"], {"metadata": {"labels": {"app": "debug"}}})
    await cluster.settled()
    pods = cluster.objects("pods")
    assert len(pods) == 4
    (released,) = [p for p in pods if p["metadata"]["labels"]["app"] == "debug"]
    assert not released["metadata"].get("ownerReferences")
    cluster.client.patch("pods", "default", released["metadata"]["name"], {"metadata": {"labels": {"app": "web"}}})
    await cluster.settled()
    assert len(cluster.objects("pods")) == 3


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_deleted_in_the_middle_of_a_rollout(cluster, propagation):
    await deploy(cluster)
    change(cluster, template=template("nginx:bad", annotations={"test/ready": "false"}))
    await cluster.settled()
    assert len(cluster.objects("pods")) == 4
    cluster.client.delete(APPS, "default", "web", propagation=propagation)
    await cluster.settled()
    assert [cluster.objects(r) for r in (APPS, "replicasets.apps", "pods")] == [[], [], []]


async def test_orphaned_replicasets_are_adopted_again(cluster):
    created = await deploy(cluster)
    pods = {p["metadata"]["name"] for p in cluster.objects("pods")}
    cluster.client.delete(APPS, "default", "web", propagation="Orphan")
    await cluster.settled()
    assert not cluster.objects(APPS) and not cluster.objects("replicasets.apps")[0]["metadata"].get("ownerReferences")
    again = {k: v for k, v in created.items() if k != "status"} | {"metadata": {"name": "web", "namespace": "default"}}
    cluster.client.create(APPS, again)
    await cluster.settled()
    assert {p["metadata"]["name"] for p in cluster.objects("pods")} == pods
    assert cluster.objects("replicasets.apps")[0]["metadata"]["ownerReferences"][0]["name"] == "web"


async def test_a_refused_pod_is_told_and_tried_again(cluster):
    original, refused = cluster.registry._admit, True

    def admit(phase, request, operation, obj, old):
        if refused and operation == "CREATE" and request.resource.name == "pods":
            raise ApiError(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1')

    cluster.registry._admit = admit
    await deploy(cluster, replicas=2)
    (rs,) = cluster.objects("replicasets.apps")
    assert condition(cluster, "ReplicaFailure")[:2] == ("True", "FailedCreate")
    assert cluster.events(rs["metadata"]["name"])[0] == (
        "FailedCreate",
        'Error creating: pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    )
    refused = False
    await cluster.until(lambda: status(cluster).get("readyReplicas") == 2)
    cluster.registry._admit = original
    await cluster.until(lambda: not any(c["type"] == "ReplicaFailure" for c in status(cluster)["conditions"]))


async def test_controllers_may_stop_and_start_at_any_moment(cluster):
    await deploy(cluster, replicas=6)
    informed = [c for c in cluster.components if c.name != "kubelet"]
    for i, image in enumerate(("nginx:2", "nginx:3", "nginx:4", "nginx:5")):
        change(cluster, template=template(image), replicas=6 + i)
        for _ in range(i * 3 + 1):
            await cluster.settled(1)
        for component in informed:
            await component.stop()
            await component.start()
    await cluster.settled()
    assert {image: n for image, n in sets(cluster).items() if n} == {"nginx:5": 9}
    assert len(cluster.objects("pods")) == 9 and condition(cluster, "Progressing")[1] == "NewReplicaSetAvailable"


async def test_pods_go_in_upstreams_order(cluster):
    await deploy(cluster, replicas=4)
    cheap = cluster.objects("pods")[2]
    patch = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}}
    cluster.client.patch("pods", "default", cheap["metadata"]["name"], patch)
    await cluster.settled()
    change(cluster, replicas=3)
    await cluster.settled()
    assert cheap["metadata"]["name"] not in {p["metadata"]["name"] for p in cluster.objects("pods")}


async def test_replicationcontroller(cluster):
    await cluster.start(ReplicationManager)
    spec = {"replicas": 2, "selector": {"app": "old"}, "template": copy.deepcopy(template(app="old"))}
    cluster.client.create("replicationcontrollers", {"metadata": {"name": "old", "namespace": "default"}, "spec": spec})
    await cluster.settled()
    assert cluster.get("replicationcontrollers", "old")["status"]["readyReplicas"] == 2
    cluster.client.delete("replicationcontrollers", "default", "old", propagation="Background")
    await cluster.settled()
    assert not cluster.objects("pods")

"""Disruption budgets and quotas."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.controllers.disruption import DisruptionController
from kubeschool.practice.controllers.replicaset import ReplicaSetController
from kubeschool.practice.controllers.resourcequota import ResourceQuotaController
from kubeschool.practice.controllers.service_lb import ServiceLBController
from kubeschool.practice.scheduler import Scheduler

BUDGETS = "poddisruptionbudgets.policy"


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.node("n1")
    await plane.start(Scheduler, Nodes, ReplicaSetController, DisruptionController, ResourceQuotaController, ServiceLBController)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    plane.client.create("replicasets.apps", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    await plane.settled()
    yield plane
    await plane.stop()


def budget(cluster, app="web", **spec):
    spec = {"selector": {"matchLabels": {"app": app}}, **spec}
    cluster.client.create(BUDGETS, {"metadata": {"name": "pdb", "namespace": "default"}, "spec": spec})


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [({"minAvailable": 2}, 2, 1), ({"maxUnavailable": "50%"}, 1, 2), ({"minAvailable": "100%"}, 3, 0), ({"maxUnavailable": 0}, 3, 0)],
)
async def test_allowed_disruptions(cluster, spec, desired, allowed):
    budget(cluster, **spec)
    await cluster.settled()
    status = cluster.get(BUDGETS, "pdb")["status"]
    assert (status["expectedPods"], status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]) == (
        3,
        3,
        desired,
        allowed,
    )
    (condition,) = status["conditions"]
    assert (condition["status"], condition["reason"]) == (("True", "SufficientPods") if allowed else ("False", "InsufficientPods"))


async def test_evictions_use_up_the_budget_until_pods_return(cluster):
    budget(cluster, minAvailable=2)
    await cluster.settled()
    first, second, _ = (p["metadata"]["name"] for p in cluster.objects("pods"))

    def evict(name):
        cluster.client.create_subresource("pods", "default", name, "eviction", {"metadata": {"name": name, "namespace": "default"}})

    evict(first)
    with pytest.raises(ApiError, match="Cannot evict pod as it would violate"):
        evict(second)
    await cluster.settled()
    evict(second)
    await cluster.settled()
    assert len(cluster.objects("pods")) == 3


async def test_a_budget_for_nothing_says_so(cluster):
    budget(cluster, app="nobody", minAvailable=1)
    await cluster.settled()
    assert ("NoPods", "No matching pods found") in cluster.events("pdb")


async def test_a_quotas_use_is_kept_up(cluster):
    hard = {"pods": "10", "requests.cpu": "2", "count/configmaps": "5"}
    cluster.client.create("resourcequotas", {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": hard}})
    await cluster.settled()
    assert cluster.get("resourcequotas", "q")["status"] == {
        "hard": hard,
        "used": {"pods": "3", "requests.cpu": "0", "count/configmaps": "0"},
    }
    cluster.pod("busy", cpu="500m")
    cluster.client.create("configmaps", {"metadata": {"name": "c", "namespace": "default"}})
    await cluster.settled()
    assert cluster.get("resourcequotas", "q")["status"]["used"] == {"pods": "4", "requests.cpu": "500m", "count/configmaps": "1"}
    cluster.client.delete("pods", "default", "busy")
    await cluster.settled()
    assert cluster.get("resourcequotas", "q")["status"]["used"]["pods"] == "3"


async def test_a_load_balancer_gets_this_machines_address(cluster):
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 8080}]}
    cluster.client.create("services", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    await cluster.settled()
    assert cluster.get("services", "web")["status"]["loadBalancer"]["ingress"] == [{"ip": "127.0.0.1", "ipMode": "Proxy"}]
    assert ("EnsuredLoadBalancer", "Ensured load balancer") in cluster.events("web")
    cluster.client.patch("services", "default", "web", {"spec": {"type": "ClusterIP"}})
    await cluster.settled()
    assert not cluster.get("services", "web")["status"]["loadBalancer"].get("ingress")

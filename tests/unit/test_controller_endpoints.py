"""EndpointSlices and Endpoints follow the pods a Service selects."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.controllers.endpoints import EndpointsController
from kubeschool.practice.controllers.endpointslice import EndpointSliceController
from kubeschool.practice.scheduler import Scheduler

SLICES = "endpointslices.discovery.k8s.io"


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.node("n1", pods="500", labels={"topology.kubernetes.io/zone": "a"})
    await plane.start(Scheduler, Nodes, EndpointSliceController, EndpointsController)
    yield plane
    await plane.stop()


def service(cluster, **spec):
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec}
    return cluster.client.create("services", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


async def test_ready_pods_are_endpoints(cluster):
    cluster.pod("a", labels={"app": "web"})
    cluster.pod("other", labels={"app": "db"})
    await cluster.settled()
    service(cluster)
    await cluster.settled()
    (found,) = cluster.objects(SLICES)
    assert found["metadata"]["name"].startswith("web-") and found["metadata"]["ownerReferences"][0]["kind"] == "Service"
    assert found["metadata"]["labels"] == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "web",
    }
    (endpoint,) = found["endpoints"]
    pod = cluster.get("pods", "a")
    assert endpoint == {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "n1",
        "targetRef": {"kind": "Pod", "name": "a", "namespace": "default", "uid": pod["metadata"]["uid"]},
        "zone": "a",
    }
    assert found["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    (subset,) = cluster.get("endpoints", "web")["subsets"]
    assert [a["ip"] for a in subset["addresses"]] == [pod["status"]["podIP"]]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]


async def test_without_pods_there_is_an_empty_slice(cluster):
    service(cluster)
    await cluster.settled()
    (found,) = cluster.objects(SLICES)
    assert not found.get("endpoints") and not found.get("ports")
    cluster.pod("a", labels={"app": "web"})
    await cluster.settled()
    (found,) = cluster.objects(SLICES)
    assert len(found["endpoints"]) == 1


async def test_unready_and_leaving_pods(cluster):
    service(cluster)
    pod = cluster.pod("a", labels={"app": "web"})
    await cluster.settled()
    cluster.client.patch("pods", "default", "a", {"metadata": {"annotations": {"test/ready": "false"}}})
    await cluster.settled()
    assert cluster.objects(SLICES)[0]["endpoints"][0]["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert "addresses" not in cluster.get("endpoints", "web")["subsets"][0]
    cluster.client.patch("pods", "default", "a", {"metadata": {"labels": {"app": "quiet"}}})
    await cluster.settled()
    assert not cluster.objects(SLICES)[0].get("endpoints") and not cluster.get("endpoints", "web").get("subsets")
    assert pod["metadata"]["name"] == "a"


async def test_named_ports_and_hundreds_of_pods(cluster):
    service(cluster, ports=[{"name": "http", "port": 80, "targetPort": "web"}])
    ports = [{"name": "web", "containerPort": 8000}]
    for i in range(130):
        cluster.pod(f"p{i}", labels={"app": "web"}, containers=[{"name": "c", "image": "nginx", "ports": ports}])
    await cluster.until(lambda: sorted(len(s.get("endpoints") or ()) for s in cluster.objects(SLICES)) == [30, 100])
    assert all(s["ports"] == [{"name": "http", "port": 8000, "protocol": "TCP"}] for s in cluster.objects(SLICES))
    for i in range(5, 130):
        cluster.client.delete("pods", "default", f"p{i}")
    await cluster.until(lambda: sum(len(s.get("endpoints") or ()) for s in cluster.objects(SLICES)) == 5)


async def test_a_deleted_service_loses_its_endpoints(cluster):
    service(cluster)
    await cluster.settled()
    cluster.client.delete("services", "default", "web")
    await cluster.settled()
    assert cluster.get("endpoints", "web") is None


async def test_a_restart_changes_nothing(cluster):
    service(cluster)
    cluster.pod("a", labels={"app": "web"})
    await cluster.settled()
    revision = cluster.store.revision
    for component in cluster.components[2:]:
        await component.stop()
        await component.start()
    await cluster.settled()
    assert cluster.store.revision == revision


async def test_addresses_that_are_not_ready_can_be_published(cluster):
    cluster.client.create("pods", {"metadata": {"name": "a", "namespace": "default", "labels": {"app": "web"},
                                                "annotations": {"test/ready": "false"}},
                                   "spec": {"containers": [{"name": "c", "image": "nginx"}]}})
    service(cluster, clusterIP="None")
    await cluster.settled()
    assert cluster.objects(SLICES)[0]["endpoints"][0]["conditions"] == {"ready": False, "serving": False, "terminating": False}
    cluster.client.patch("services", "default", "web", {"spec": {"publishNotReadyAddresses": True}})
    await cluster.settled()
    assert cluster.objects(SLICES)[0]["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": False}
    (subset,) = cluster.get("endpoints", "web")["subsets"]
    assert len(subset["addresses"]) == 1 and not subset.get("notReadyAddresses")

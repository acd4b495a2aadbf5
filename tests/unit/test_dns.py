"""CoreDNS answers for Services and pods as a cluster's does."""

import pytest
from control_plane import ControlPlane

from kubeschool.practice.network.dns import ADDRESS, CoreDNS
from kubeschool.practice.network.network import NameNotFound, Network


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.network = Network(plane.clock)
    plane.dns = CoreDNS(plane.client_for("coredns"), plane.clock, plane.network)
    await plane.dns.start()
    plane.components.append(plane.dns)
    service(plane, "web", clusterIP="10.96.5.5", ports=[{"name": "http", "port": 80}])
    service(plane, "db", clusterIP="None", ports=[{"name": "redis", "port": 6379}])
    service(plane, "empty", clusterIP="None", ports=[{"port": 80}])
    service(plane, "alias", type="ExternalName", externalName="web.default.svc.cluster.local")
    found = [{"addresses": ["10.244.0.7"], "hostname": "db-0"}, {"addresses": ["10.244.1.8"]},
             {"addresses": ["10.244.1.9"], "conditions": {"ready": False}}]
    labels = {"kubernetes.io/service-name": "db"}
    plane.client.create(
        "endpointslices.discovery.k8s.io",
        {"metadata": {"name": "db-1", "namespace": "default", "labels": labels}, "addressType": "IPv4", "endpoints": found,
         "ports": [{"name": "redis", "port": 6379, "protocol": "TCP"}]},
    )
    await plane.settled()
    yield plane
    await plane.stop()


def service(cluster, name, **spec):
    cluster.client.create("services", {"metadata": {"name": name, "namespace": "default"}, "spec": spec})


SUFFIX = ".default.svc.cluster.local"


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("web" + SUFFIX, "A", ["10.96.5.5"]),
        ("WEB" + SUFFIX + ".", "A", ["10.96.5.5"]),
        ("web" + SUFFIX, "AAAA", []),
        ("db" + SUFFIX, "A", ["10.244.0.7", "10.244.1.8"]),
        ("db-0.db" + SUFFIX, "A", ["10.244.0.7"]),
        ("10-244-1-8.db" + SUFFIX, "A", ["10.244.1.8"]),
        ("10-244-3-4.default.pod.cluster.local", "A", ["10.244.3.4"]),
        ("alias" + SUFFIX, "A", ["10.96.5.5"]),
        ("alias" + SUFFIX, "CNAME", ["web" + SUFFIX]),
        ("default.svc.cluster.local", "A", []),
        ("_http._tcp.web" + SUFFIX, "SRV", [f"0 100 80 web{SUFFIX}."]),
        ("_redis._tcp.db" + SUFFIX, "SRV", [f"0 100 6379 db-0.db{SUFFIX}.", f"0 100 6379 10-244-1-8.db{SUFFIX}."]),
        ("5.5.96.10.in-addr.arpa", "PTR", [f"web{SUFFIX}."]),
        ("7.0.244.10.in-addr.arpa", "PTR", [f"db-0.db{SUFFIX}."]),
    ],
)
async def test_names(cluster, name, kind, answer):
    assert await cluster.network.query("10.244.0.9", ADDRESS, name, kind) == answer


@pytest.mark.parametrize(
    "name",
    [
        "nope" + SUFFIX,
        "web.other.svc.cluster.local",
        "empty" + SUFFIX,
        "web",
        "example.com",
        "db-9.db" + SUFFIX,
        "web.default.cluster.local",
    ],
)
async def test_names_that_do_not_exist(cluster, name):
    with pytest.raises(NameNotFound):
        await cluster.network.query("10.244.0.9", ADDRESS, name)


async def test_nobody_answers_while_it_is_stopped(cluster):
    await cluster.dns.stop()
    with pytest.raises(TimeoutError):
        await cluster.network.query("10.244.0.9", ADDRESS, "web" + SUFFIX)
    await cluster.dns.start()
    await cluster.settled()
    assert await cluster.network.query("10.244.0.9", ADDRESS, "web" + SUFFIX) == ["10.96.5.5"]

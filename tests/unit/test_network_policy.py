"""NetworkPolicy: who reaches whom. Rows after the recipes and rules of the API's documentation
(kubernetes.io/docs/concepts/services-networking/network-policies)."""
import pytest
from control_plane import ControlPlane

from kubeschool.practice.network.network import Backends, Network
from kubeschool.practice.network.policy import NetworkPolicies

POLICIES = "networkpolicies.networking.k8s.io"
NODE, OTHER_NODE, OUTSIDE = "172.18.0.2", "172.18.0.3", "172.18.0.1"
IPS = {"web": "10.244.0.10", "shop": "10.244.0.11", "db": "10.244.0.12", "spy": "10.244.0.13"}
"""web and shop run in default with app=web and app=shop, db in the namespace data, spy in the namespace other."""


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.network = Network(plane.clock)
    for name, ip in (("n1", NODE), ("n2", OTHER_NODE)):
        plane.node(name)
        plane.client.patch("nodes", "", name, {"status": {"addresses": [{"type": "InternalIP", "address": ip}]}}, "merge", "status")
        plane.network.attach(ip)
    for name, tier in (("data", "back"), ("other", "none")):
        plane.client.create("namespaces", {"metadata": {"name": name, "labels": {"tier": tier}}})
    for name, namespace in (("web", "default"), ("shop", "default"), ("db", "data"), ("spy", "other")):
        ports = [{"name": "http", "containerPort": 80}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
        plane.pod(name, namespace, {"app": name}, containers=[{"name": "c", "image": "x", "ports": ports}], nodeName="n1")
        plane.client.patch("pods", namespace, name, {"status": {"phase": "Running", "podIP": IPS[name]}}, "merge", "status")
        plane.network.attach(IPS[name])
        plane.network.listen(IPS[name], 80, _serve)
        plane.network.stacks[IPS[name]].bind("0.0.0.0", 53, lambda data, source: b"answer")
    plane.policies = NetworkPolicies(plane.client_for("kindnet"), plane.clock, plane.network)
    await plane.policies.start()
    plane.components.append(plane.policies)
    await plane.settled()
    yield plane
    await plane.stop()


async def _serve(reader, writer):
    writer.write(b"hello")


async def apply(cluster, *specs, namespace="default"):
    for i, spec in enumerate(specs):
        cluster.client.create(POLICIES, {"metadata": {"name": f"p{i}", "namespace": namespace}, "spec": spec})
    await cluster.settled()


def reached(cluster, target, port=80, protocol="TCP"):
    """Who reaches the target: pods' names, node for its own node, outside for this machine."""
    sources = {**IPS, "node": NODE, "outside": OUTSIDE}
    return {name for name, ip in sources.items()
            if name != target and cluster.network.permits(ip, IPS[target], port, protocol)}


def only(name):
    return {"podSelector": {"matchLabels": {"app": name}}}


EVERYBODY = {"shop", "db", "spy", "node", "outside"}
WEB = only("web")
ROWS = {
    "no policy": ([], EVERYBODY),
    "a policy for other pods": ([{**only("shop"), "ingress": []}], EVERYBODY),
    "deny all, to all pods": ([{"podSelector": {}}], {"node"}),
    "deny all, to one": ([{**WEB, "ingress": []}], {"node"}),
    "an empty rule allows all": ([{**WEB, "ingress": [{}]}], EVERYBODY),
    "pods of the same namespace": ([{**WEB, "ingress": [{"from": [{"podSelector": {}}]}]}], {"shop", "node"}),
    "by pod label": ([{**WEB, "ingress": [{"from": [only("spy"), only("shop")]}]}], {"shop", "node"}),
    "by namespace": ([{**WEB, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"tier": "back"}}}]}]}], {"db", "node"}),
    "all namespaces": ([{**WEB, "ingress": [{"from": [{"namespaceSelector": {}}]}]}], {"shop", "db", "spy", "node"}),
    "by name of the namespace": ([{**WEB, "ingress": [{"from": [{"namespaceSelector": {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["other"]}]}}]}]}], {"spy", "node"}),
    "namespace and pod in one peer": ([{**WEB, "ingress": [{"from": [{"namespaceSelector": {}, **only("spy")}]}]}], {"spy", "node"}),
    "namespace or pod as two peers": ([{**WEB, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"tier": "back"}}}, only(
        "shop")]}]}], {"db", "shop", "node"}),
    "ipBlock": ([{**WEB, "ingress": [{"from": [{"ipBlock": {"cidr": "172.18.0.0/16"}}]}]}], {"outside", "node"}),
    "ipBlock, except": ([{**WEB, "ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.0.12/31"]}}]}]}],
                        {"shop", "node"}),
    "the port": ([{**WEB, "ingress": [{"ports": [{"port": 80}]}]}], EVERYBODY),
    "another port": ([{**WEB, "ingress": [{"ports": [{"port": 81}]}]}], {"node"}),
    "a range of ports": ([{**WEB, "ingress": [{"ports": [{"port": 70, "endPort": 90}]}]}], EVERYBODY),
    "a range beside it": ([{**WEB, "ingress": [{"ports": [{"port": 81, "endPort": 90}]}]}], {"node"}),
    "a named port": ([{**WEB, "ingress": [{"ports": [{"port": "http"}]}]}], EVERYBODY),
    "a name that is not there": ([{**WEB, "ingress": [{"ports": [{"port": "https"}]}]}], {"node"}),
    "another protocol": ([{**WEB, "ingress": [{"ports": [{"port": 80, "protocol": "UDP"}]}]}], {"node"}),
    "policies add up": ([{"podSelector": {}}, {**WEB, "ingress": [{"from": [only("shop")]}]}, {**WEB, "ingress": [{"from": [
        {"namespaceSelector": {"matchLabels": {"tier": "back"}}}]}]}], {"shop", "db", "node"}),
    "ports and peers of one rule both count": ([{**WEB, "ingress": [{"from": [only("shop")], "ports": [{"port": 81}]}]}], {"node"}),
    "egress of the target does not matter": ([{**WEB, "policyTypes": ["Egress"]}], EVERYBODY),
    "egress of a sender": ([{**only("shop"), "policyTypes": ["Egress"]}], EVERYBODY - {"shop"}),
    "egress to the target": ([{**only("shop"), "policyTypes": ["Egress"], "egress": [{"to": [WEB], "ports": [{"port": "http"}]}]}],
                             EVERYBODY),
    "egress elsewhere": ([{**only("shop"), "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {
        "matchLabels": {"tier": "back"}}}]}]}], EVERYBODY - {"shop"}),
    "egress by address": ([{**only("shop"), "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.244.0.10/32"}}]}]}],
                          EVERYBODY),
    "both ends must agree": ([{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
                              {**WEB, "ingress": [{"from": [only("shop")]}]}], {"node"}),
}


@pytest.mark.parametrize("row", ROWS)
async def test_who_reaches_web(cluster, row):
    specs, expected = ROWS[row]
    await apply(cluster, *specs)
    assert reached(cluster, "web") == expected


async def test_a_refused_connection_times_out_and_a_pod_reaches_itself(cluster):
    await apply(cluster, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    with pytest.raises(TimeoutError):
        await cluster.network.connect(IPS["shop"], IPS["web"], 80)
    assert await cluster.network.ask(IPS["shop"], IPS["web"], 53, b"x") is None
    for address in (IPS["web"], "127.0.0.1"):
        reader, _ = await cluster.network.connect(IPS["web"], address, 80)
        assert await reader.read() == b"hello"


async def test_a_policy_counts_for_the_endpoint_behind_a_service(cluster):
    cluster.network.services["10.96.0.7", 8080, "TCP"] = Backends([(IPS["db"], 80)])
    await apply(cluster, {**only("shop"), "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 80}]}]})
    reader, _ = await cluster.network.connect(IPS["shop"], "10.96.0.7", 8080)
    assert await reader.read() == b"hello"
    cluster.client.patch(POLICIES, "default", "p0", {"spec": {"egress": [{"ports": [{"port": 8080}]}]}})
    await cluster.settled()
    with pytest.raises(TimeoutError):
        await cluster.network.connect(IPS["shop"], "10.96.0.7", 8080)


async def test_denied_egress_takes_dns_along(cluster):
    cluster.network.services["10.96.0.10", 53, "UDP"] = Backends([(IPS["db"], 53)])
    cluster.network.nameservers["10.96.0.10"] = lambda name, kind: ["10.96.0.1"]
    await apply(cluster, {"podSelector": {}, "policyTypes": ["Egress"]})
    with pytest.raises(TimeoutError):
        await cluster.network.query(IPS["shop"], "10.96.0.10", "kubernetes.default.svc.cluster.local")
    cluster.client.patch(POLICIES, "default", "p0", {"spec": {"egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}})
    await cluster.settled()
    assert await cluster.network.query(IPS["shop"], "10.96.0.10", "kubernetes.default.svc.cluster.local") == ["10.96.0.1"]


async def test_labels_and_policies_that_change_take_effect(cluster):
    await apply(cluster, {**WEB, "ingress": [{"from": [{"podSelector": {"matchLabels": {"friend": "yes"}}}]}]})
    assert "shop" not in reached(cluster, "web")
    cluster.client.patch("pods", "default", "shop", {"metadata": {"labels": {"friend": "yes"}}})
    await cluster.settled()
    assert reached(cluster, "web") == {"shop", "node"}
    cluster.client.patch("pods", "default", "web", {"metadata": {"labels": {"app": "free"}}})
    await cluster.settled()
    assert reached(cluster, "web") == EVERYBODY
    cluster.client.patch("pods", "default", "web", {"metadata": {"labels": {"app": "web"}}})
    cluster.client.delete(POLICIES, "default", "p0")
    await cluster.settled()
    assert reached(cluster, "web") == EVERYBODY


async def test_pods_on_the_hosts_network_are_not_selected_and_another_node_is_outside(cluster):
    cluster.pod("agent", "default", {"app": "agent"}, hostNetwork=True, nodeName="n2", containers=[{"name": "c", "image": "x"}])
    cluster.client.patch("pods", "default", "agent", {"status": {"phase": "Running", "podIP": OTHER_NODE}}, "merge", "status")
    await apply(cluster, {"podSelector": {}}, {"podSelector": {}, "ingress": [{"from": [only("agent")]}]})
    assert not cluster.network.permits(OTHER_NODE, IPS["web"], 80, "TCP")
    assert cluster.network.permits(IPS["spy"], OTHER_NODE, 80, "TCP")


async def test_policies_stay_in_force_when_kindnet_stops(cluster):
    await apply(cluster, {"podSelector": {}})
    assert cluster.policies.running
    await cluster.policies.stop()
    assert reached(cluster, "web") == {"node"}
    cluster.client.delete(POLICIES, "default", "p0")
    await cluster.policies.start()
    await cluster.settled()
    assert reached(cluster, "web") == EVERYBODY

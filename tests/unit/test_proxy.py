"""kube-proxy: Service addresses lead to ready pods, NodePorts are real ports of this machine."""

import asyncio
import random
import socket

import pytest
from control_plane import ControlPlane

from kubeschool.practice.kubelet.hostports import HostPorts
from kubeschool.practice.network.network import Network
from kubeschool.practice.network.portmap import PortMap
from kubeschool.practice.network.proxy import KubeProxy

OUTSIDE, NODES = "172.18.0.1", {"n1": "172.18.0.2", "n2": "172.18.0.3"}
SLICES = "endpointslices.discovery.k8s.io"
IP, PORT = "10.96.5.5", 80


@pytest.fixture
async def cluster():
    plane = ControlPlane(speed=1000)
    plane.node("n1")
    plane.client.patch("nodes", "", "n1", {"status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.2"}]}}, "merge", "status")
    plane.network = Network(plane.clock)
    plane.network.attach("172.18.0.2")
    plane.proxy = KubeProxy(plane.client_for("kube-proxy"), plane.clock, plane.network)
    await plane.proxy.start()
    plane.components.append(plane.proxy)

    async def start_portmap():
        portmap = PortMap(plane.client_for("portmap"), plane.clock, plane.network)
        await portmap.start()
        plane.components.append(portmap)

    plane.start_portmap = start_portmap
    yield plane
    await plane.stop()


def service(cluster, **spec):
    spec = {"clusterIP": IP, "clusterIPs": [IP], "ports": [{"port": PORT, "targetPort": 8080}], **spec}
    return cluster.client.create("services", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


def endpoints(cluster, *addresses, **conditions):
    labels = {"kubernetes.io/service-name": "web"}
    found = [{"addresses": [a], "conditions": {"ready": True} | conditions, "nodeName": "n1"} for a in addresses]
    obj = {"metadata": {"name": "web-1", "namespace": "default", "labels": labels}, "addressType": "IPv4", "endpoints": found,
           "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]}
    return (cluster.client.update if cluster.get(SLICES, "web-1") else cluster.client.create)(SLICES, obj)


def pod(cluster, ip):
    async def serve(reader, writer):
        writer.write(ip.encode() + b" " + await reader.readline())
        await writer.drain()

    cluster.network.attach(ip)
    cluster.network.listen(ip, 8080, serve)


async def ask(connection):
    reader, writer = await connection
    writer.write(b"hello\n")
    answer = await reader.readline()
    writer.close()
    return answer.decode().split()


async def test_a_service_address_leads_to_its_ready_pods(cluster):
    for ip in ("10.244.0.5", "10.244.0.6"):
        pod(cluster, ip)
    service(cluster)
    await cluster.settled()
    with pytest.raises(ConnectionRefusedError):
        await cluster.network.connect("172.18.0.2", IP, PORT)
    endpoints(cluster, "10.244.0.5", "10.244.0.6")
    await cluster.settled()
    answers = {(await ask(cluster.network.connect("172.18.0.2", IP, PORT)))[0] for _ in range(40)}
    assert answers == {"10.244.0.5", "10.244.0.6"}
    endpoints(cluster, "10.244.0.6", ready=False, serving=True, terminating=True)
    await cluster.settled()
    assert (await ask(cluster.network.connect("172.18.0.2", IP, PORT)))[0] == "10.244.0.6"
    cluster.client.delete("services", "default", "web")
    await cluster.settled()
    assert not cluster.network.services


async def test_client_ip_affinity(cluster):
    service(cluster, sessionAffinity="ClientIP")
    endpoints(cluster, *(f"10.244.0.{n}" for n in range(5, 15)))
    await cluster.settled()
    backends = cluster.network.services[IP, PORT, "TCP"]
    first = backends.choose("10.244.9.9", 0)
    assert {backends.choose("10.244.9.9", t) for t in range(20)} == {first}
    service_now = cluster.get("services", "web")
    assert service_now["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] == backends.affinity_seconds


async def test_a_node_port_is_a_port_of_this_machine(cluster):
    port = next(p for p in range(30500, 32700) if _is_free(p))
    pod(cluster, "10.244.0.5")
    service(cluster, type="NodePort", ports=[{"port": PORT, "targetPort": 8080, "nodePort": port}])
    endpoints(cluster, "10.244.0.5")
    await cluster.settled()
    assert await ask(asyncio.open_connection("127.0.0.1", port)) == ["10.244.0.5", "hello"]
    assert await ask(cluster.network.connect("172.18.0.2", "172.18.0.2", port)) == ["10.244.0.5", "hello"]
    cluster.client.patch("services", "default", "web", {"spec": {"type": "ClusterIP"}})
    await cluster.settled()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_taken_port_is_told_and_tried_again(cluster):
    with socket.socket() as taken:
        port = next(p for p in range(30500, 32700) if _is_free(p))
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        service(cluster, type="NodePort", ports=[{"port": PORT, "targetPort": 8080, "nodePort": port}])
        await cluster.settled()
        ((reason, message),) = cluster.events("web")
        assert reason == "PortUnavailable" and f"127.0.0.1:{port}: another program on this machine uses it." in message
        assert (IP, PORT, "TCP") in cluster.network.services
    pod(cluster, "10.244.0.5")
    endpoints(cluster, "10.244.0.5")
    await cluster.settled()
    assert await ask(asyncio.open_connection("127.0.0.1", port)) == ["10.244.0.5", "hello"]


async def test_rules_outlive_the_proxy_and_are_put_right_when_it_returns(cluster):
    service(cluster)
    await cluster.settled()
    await cluster.proxy.stop()
    assert (IP, PORT, "TCP") in cluster.network.services
    cluster.client.delete("services", "default", "web")
    await cluster.proxy.start()
    await cluster.settled()
    assert not cluster.network.services


async def two_nodes(cluster, **spec):
    """web with an endpoint on n1, none on n2."""
    cluster.node("n2")
    cluster.client.patch("nodes", "", "n2", {"status": {"addresses": [{"type": "InternalIP", "address": NODES["n2"]}]}}, "merge", "status")
    for name, cidr in (("n1", "10.244.0.0/24"), ("n2", "10.244.1.0/24")):
        cluster.client.patch("nodes", "", name, {"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}, "merge")
    cluster.network.attach(NODES["n2"])
    pod(cluster, "10.244.0.5")
    service(cluster, **spec)
    endpoints(cluster, "10.244.0.5")
    await cluster.settled()


async def test_internal_traffic_policy_local(cluster):
    await two_nodes(cluster, internalTrafficPolicy="Local")
    assert await ask(cluster.network.connect("10.244.0.9", IP, PORT)) == ["10.244.0.5", "hello"]
    with pytest.raises(TimeoutError):
        await cluster.network.connect("10.244.1.9", IP, PORT)
    cluster.client.patch("services", "default", "web", {"spec": {"internalTrafficPolicy": "Cluster"}})
    await cluster.settled()
    assert await ask(cluster.network.connect("10.244.1.9", IP, PORT)) == ["10.244.0.5", "hello"]


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
async def test_external_traffic_policy(cluster, policy):
    port = free_port()
    await two_nodes(cluster, type="NodePort", externalTrafficPolicy=policy, ports=[{"port": PORT, "targetPort": 8080, "nodePort": port}])
    seen = []

    async def serve(reader, writer):
        seen.append(writer.get_extra_info("peername")[0])
        await reader.readline()
        writer.write(b"ok\n")
    cluster.network.stacks["10.244.0.5"].listeners.clear()
    cluster.network.listen("10.244.0.5", 8080, serve)
    assert await ask(cluster.network.connect(OUTSIDE, NODES["n1"], port)) == ["ok"]
    if policy == "Local":
        with pytest.raises(TimeoutError):
            await cluster.network.connect(OUTSIDE, NODES["n2"], port)
        assert await ask(cluster.network.connect("10.244.1.9", IP, PORT)) == ["ok"]
    else:
        assert await ask(cluster.network.connect(OUTSIDE, NODES["n2"], port)) == ["ok"]
    assert await ask(asyncio.open_connection("127.0.0.1", port)) == ["ok"]
    assert seen[-1] == (OUTSIDE if policy == "Local" else NODES["n1"])


async def test_a_load_balancers_port_is_a_port_of_this_machine(cluster):
    port, node_port = free_port(), free_port()
    pod(cluster, "10.244.0.5")
    service(cluster, type="LoadBalancer", ports=[{"port": port, "targetPort": 8080, "nodePort": node_port}])
    endpoints(cluster, "10.244.0.5")
    cluster.client.patch("services", "default", "web", {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}}, "merge", "status")
    await cluster.settled()
    for each in (port, node_port):
        assert await ask(asyncio.open_connection("127.0.0.1", each)) == ["10.244.0.5", "hello"]


async def test_udp(cluster):
    service(cluster, ports=[{"port": 53, "targetPort": 8053, "protocol": "UDP"}])
    endpoints(cluster, "10.244.0.5")
    cluster.network.attach("10.244.0.5").bind("0.0.0.0", 8080, lambda data, source: data.upper() + source[0].encode())
    await cluster.settled()
    assert await cluster.network.ask("10.244.0.9", IP, 53, b"hi ") == b"HI 10.244.0.9"
    with pytest.raises(ConnectionRefusedError):
        await cluster.network.ask("10.244.0.9", "10.244.0.5", 9, b"hi")


async def test_headless_and_external_name_services_have_no_rules(cluster):
    cluster.client.create("services", {"metadata": {"name": "db", "namespace": "default"}, "spec": {
        "clusterIP": "None", "ports": [{"port": 80}]}})
    cluster.client.create("services", {"metadata": {"name": "away", "namespace": "default"}, "spec": {
        "type": "ExternalName", "externalName": "example.com"}})
    await cluster.settled()
    assert not cluster.network.services


async def test_a_host_port_is_a_port_of_this_machine(cluster):
    await cluster.start_portmap()
    port = free_port()
    ports = [{"containerPort": 8080, "hostPort": port}]
    for name, ip in (("a", "10.244.0.5"), ("b", "10.244.0.6")):
        pod(cluster, ip)
        cluster.pod(name, containers=[{"name": "c", "image": "x", "ports": ports}], nodeName="n1")
    hosts = HostPorts(cluster.network, "172.18.0.2")
    hosts.open({"metadata": {"uid": "a"}, "spec": {"containers": [{"ports": ports}]}}, "10.244.0.5")
    cluster.client.patch("pods", "default", "a", {"status": {"phase": "Running", "podIP": "10.244.0.5", "hostIP": "172.18.0.2"}}, "merge",
                         "status")
    await cluster.settled()
    assert await ask(asyncio.open_connection("127.0.0.1", port)) == ["10.244.0.5", "hello"]
    cluster.client.delete("pods", "default", "a", grace=0)
    await cluster.settled()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_host_port_that_is_taken_is_told(cluster):
    await cluster.start_portmap()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cluster.pod("a", containers=[{"name": "c", "image": "x", "ports": [{"containerPort": 80, "hostPort": port}]}], nodeName="n1")
        cluster.client.patch("pods", "default", "a", {"status": {"phase": "Running", "podIP": "10.244.0.5", "hostIP": "172.18.0.2"}},
                             "merge", "status")
        await cluster.settled()
        ((reason, message),) = cluster.events("a")
    assert reason == "PortUnavailable" and f"127.0.0.1:{port}: another program on this machine uses it." in message


def free_port():
    return next(p for p in random.sample(range(30500, 32700), 2200) if _is_free(p))


def _is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False

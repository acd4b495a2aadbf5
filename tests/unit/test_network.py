"""The simulated wire: listeners, refusals, Services, DNS, half-closes."""
import asyncio
import errno
import socket
from collections import Counter
from types import SimpleNamespace

import pytest

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import Backends, NameNotFound, Network, bridge
from kubeschool.practice.runtime.filesystem import Directory, File, FileSystem
from kubeschool.practice.runtime.process import SIGKILL, ProcessTable

NODE = "172.18.0.2"


async def shout(reader, writer):
    writer.write((await reader.read()).upper())


@pytest.fixture
def network():
    network = Network(Clock(10_000))
    for ip in (NODE, "10.244.0.2", "10.244.0.3"):
        network.attach(ip)
    return network


async def ask(network, source, ip, port, text=b"hi"):
    reader, writer = await network.connect(source, ip, port)
    writer.write(text)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_pods_and_the_host_reach_a_listener(network):
    network.listen("10.244.0.2", 80, shout)
    for source, ip in (("10.244.0.3", "10.244.0.2"), (NODE, "10.244.0.2"), ("10.244.0.2", "127.0.0.1")):
        assert await ask(network, source, ip, 80) == b"HI"


async def test_who_is_bound_to_loopback_is_alone(network):
    network.listen("10.244.0.2", 80, shout, address="127.0.0.1")
    assert await ask(network, "10.244.0.2", "127.0.0.1", 80) == b"HI"
    for source, ip in (("10.244.0.3", "10.244.0.2"), ("10.244.0.2", "10.244.0.2"), ("10.244.0.3", "127.0.0.1")):
        with pytest.raises(ConnectionRefusedError):
            await network.connect(source, ip, 80)


async def test_what_the_kernel_answers_where_nobody_is(network):
    with pytest.raises(ConnectionRefusedError):
        await network.connect(NODE, "10.244.0.2", 81)
    with pytest.raises(OSError) as problem:
        await network.connect(NODE, "10.244.7.7", 80)
    assert problem.value.errno == errno.EHOSTUNREACH
    with pytest.raises(TimeoutError):
        await network.connect(NODE, "192.0.2.1", 80)


async def test_a_port_can_be_taken_once(network):
    network.listen("10.244.0.2", 80, shout)
    for address in ("0.0.0.0", "127.0.0.1", "10.244.0.2"):
        with pytest.raises(OSError) as problem:
            network.listen("10.244.0.2", 80, shout, address=address)
        assert problem.value.errno == errno.EADDRINUSE
    with pytest.raises(OSError) as problem:
        network.listen("10.244.0.2", 81, shout, address="10.244.0.3")
    assert problem.value.errno == errno.EADDRNOTAVAIL
    network.listen("10.244.0.3", 80, shout).close()
    network.listen("10.244.0.3", 80, shout)
    assert network.listen("10.244.0.3", 0, shout).port >= 32768


async def test_services_choose_among_backends(network):
    async def name(reader, writer):
        writer.write(writer.get_extra_info("sockname")[0].encode())
    for ip in ("10.244.0.2", "10.244.0.3"):
        network.listen(ip, 8080, name)
    backends = network.services["10.96.0.1", 80, "TCP"] = Backends([("10.244.0.2", 8080), ("10.244.0.3", 8080)])
    seen = Counter([await ask(network, NODE, "10.96.0.1", 80) for _ in range(60)])
    assert set(seen) == {b"10.244.0.2", b"10.244.0.3"}
    network.services["10.96.0.1", 80, "TCP"] = Backends(backends.addresses, affinity_seconds=10800)
    assert len({await ask(network, NODE, "10.96.0.1", 80) for _ in range(30)}) == 1
    network.services["10.96.0.1", 80, "TCP"] = Backends([])
    with pytest.raises(ConnectionRefusedError):
        await network.connect(NODE, "10.96.0.1", 80)


def test_affinity_ends(network):
    backends = Backends([("a", 1)], affinity_seconds=10)
    backends.choose("x", 0)
    backends.addresses = [("b", 1)]
    assert backends.choose("x", 1) == ("b", 1)


async def test_a_pod_that_goes_resets_its_connections(network):
    waiting = asyncio.Event()

    async def wait(reader, writer):
        await waiting.wait()
    network.listen("10.244.0.2", 80, wait)
    reader, _ = await network.connect(NODE, "10.244.0.2", 80)
    network.detach("10.244.0.2")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)


async def test_a_fast_sender_waits_for_a_slow_reader(network):
    sizes = []

    async def slow(reader, writer):
        await asyncio.sleep(0.01)
        sizes.append(len(await reader.read(-1)))
    network.listen("10.244.0.2", 80, slow)
    _, writer = await network.connect(NODE, "10.244.0.2", 80)
    writer.write(b"x" * 1_000_000)
    waiting = asyncio.ensure_future(writer.drain())
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    writer.write_eof()
    await asyncio.wait_for(writer.peer.wait_closed(), 5)
    assert sizes == [1_000_000]


async def test_real_sockets_can_be_joined_to_a_pod(network):
    network.listen("10.244.0.2", 80, shout)

    async def forward(reader, writer):
        await bridge(reader, writer, *await network.connect(NODE, "10.244.0.2", 80))
    async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"over the bridge")
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b"OVER THE BRIDGE"
        writer.close()


@pytest.fixture
def pod(network):
    """A process table in a pod with the resolver files a kubelet writes."""
    hosts = File(b"127.0.0.1\tlocalhost\n10.244.0.2\tme\n")
    resolver = File(b"search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n")
    fs = FileSystem(Directory({"etc": Directory({"hosts": hosts, "resolv.conf": resolver})}))
    return ProcessTable(fs, network.clock, SimpleNamespace(network=network, stack=network.stacks["10.244.0.2"]))


async def in_pod(pod, program):
    return await asyncio.wait_for(pod.start(["t"], program=program).wait(), 5)


async def test_names_are_found_as_resolv_conf_says(network, pod):
    asked = []
    table = {"web.default.svc.cluster.local": ["10.96.0.1"], "example.com": ["192.0.2.1"]}

    def lookup(name, kind):
        asked.append(name)
        if name not in table:
            raise NameNotFound(name)
        return table[name] if kind == "A" else []
    network.nameservers["10.96.0.10"] = lookup

    async def main(process):
        resolve = process.network.resolve
        assert await resolve("10.1.2.3") == ["10.1.2.3"]
        assert await resolve("localhost") == ["127.0.0.1"] and await resolve("ME") == ["10.244.0.2"] and asked == []
        assert await resolve("web") == ["10.96.0.1"] and asked == ["web.default.svc.cluster.local"]
        assert await resolve("example.com.") == ["192.0.2.1"]
        asked.clear()
        with pytest.raises(socket.gaierror) as problem:
            await resolve("nope")
        assert problem.value.errno == socket.EAI_NONAME
        assert asked == ["nope.default.svc.cluster.local", "nope.svc.cluster.local", "nope.cluster.local", "nope"]
        network.nameservers.clear()
        with pytest.raises(socket.gaierror) as problem:
            await resolve("web")
        assert problem.value.errno == socket.EAI_AGAIN
        return 0
    assert await in_pod(pod, main) == 0


async def test_a_processs_sockets_end_with_it(network, pod):
    async def main(process):
        process.network.listen(80, shout)
        process.network.listen(81, lambda reader, writer: asyncio.sleep(1000))
        reader, writer = await process.network.connect("localhost", 80)
        writer.write(b"x")
        writer.write_eof()
        assert await reader.read() == b"X"
        await process.sleep(10**9)
    process = pod.start(["t"], program=main)
    await asyncio.sleep(0)
    reader, _ = await network.connect(NODE, "10.244.0.2", 81)
    process.signal(SIGKILL, outside=True)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    with pytest.raises(ConnectionRefusedError):
        await network.connect(NODE, "10.244.0.2", 80)

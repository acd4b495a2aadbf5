"""exec, port-forward and logs as the official Python client and kr8s use them, and what hostile clients get."""
import asyncio
import json
import os
import ssl

import aiohttp
import pytest
import streams_server
from kubernetes import client, config
from kubernetes.stream import portforward, stream

from kubeschool.practice.apiserver import spdy

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with streams_server.serve(tmp_path_factory.mktemp("server")) as (kubeconfig, kubelet):
        yield kubeconfig, kubelet


@pytest.fixture
def core(server):
    with config.new_client_from_config(str(server[0])) as api:
        yield client.CoreV1Api(api)


@pytest.fixture
async def http(server):
    cluster = json.loads(server[0].read_text())["clusters"][0]["cluster"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    async with aiohttp.ClientSession(cluster["server"], connector=aiohttp.TCPConnector(ssl=tls)) as session:
        yield session


def test_python_exec_returns_the_output(core):
    assert stream(core.connect_get_namespaced_pod_exec, "web", "default", command=["fail", "0"], stdout=True, stderr=True) == "out\nerr\n"


def test_python_exec_knows_exit_code_and_stdin(core):
    options = dict(stdout=True, stderr=True, _preload_content=False)
    failed = stream(core.connect_get_namespaced_pod_exec, "web", "default", command=["fail", "7"], **options)
    failed.run_forever(timeout=5)
    assert (failed.read_stdout(), failed.read_stderr(), failed.returncode) == ("out\n", "err\n", 7)
    cat = stream(core.connect_get_namespaced_pod_exec, "web", "default", command=["cat"], stdin=True, **options)
    cat.write_stdin("grüße\n")
    assert cat.readline_stdout(timeout=5) == "grüße"
    cat.close_channel(0)
    cat.run_forever(timeout=5)
    assert cat.returncode == 0


def test_python_port_forward_is_binary_safe(core):
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", "default", ports="7")
    data = os.urandom(300_000)
    connection = forward.socket(7)
    connection.setblocking(True)
    connection.sendall(data)
    received = b""
    while len(received) < len(data):
        received += connection.recv(65536)
    connection.close()
    assert received == data


def test_python_port_forward_tells_a_refused_port(core):
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", "default", ports="81")
    assert forward.socket(81).recv(10) == b""
    assert forward.error(81).startswith("error forwarding port 81 to pod")


def test_python_follows_logs(core):
    response = core.read_namespaced_pod_log("web", "default", follow=True, _preload_content=False)
    assert next(iter(response.stream(6))) == b"line 0\n"[:6]
    response.close()


async def test_v4_exec_as_kr8s_speaks_it(http):
    query = "?command=fail&command=7&stdout=true&stderr=true"
    async with http.ws_connect(f"{PODS}/web/exec{query}", protocols=["v4.channel.k8s.io"]) as ws:
        assert ws.protocol == "v4.channel.k8s.io"
        messages = [message.data async for message in ws]
        assert (messages[:3], ws.close_code) == ([b"\1", b"\1out\n", b"\2err\n"], 1000)
    assert json.loads(messages[3][1:]) == {
        "metadata": {},
        "status": "Failure",
        "message": "command terminated with non-zero exit code: error executing command [fail 7], exit code 7",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
    }


async def test_v4_port_forward_of_two_ports(http):
    async with http.ws_connect(f"{PODS}/web/portforward?ports=7,80", protocols=["v4.channel.k8s.io"]) as ws:
        begun = sorted([(await ws.receive()).data for _ in range(4)])
        assert begun == [b"\0\x07\0", b"\1\x07\0", b"\2\x50\0", b"\3\x50\0"]
        await ws.send_bytes(b"\0hello")
        assert (await ws.receive()).data == b"\0hello"
        await ws.send_bytes(b"\2GET / HTTP/1.0\r\n\r\n")
        assert (await ws.receive()).data.startswith(b"\2HTTP/1.0 200 OK")


async def test_output_waits_for_a_slow_client(http, server):
    """100 MB to a client that reads nothing: the process stays blocked, and hears of the client's end."""
    server[1].hung_up.clear()
    ws = await http.ws_connect(f"{PODS}/web/exec?command=fill&command=100000000&stdout=true", protocols=["v5.channel.k8s.io"])
    await ws.receive()
    assert not server[1].hung_up.is_set()
    ws._response.connection.transport.abort()
    assert await asyncio.to_thread(server[1].hung_up.wait, 5)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("web/exec?command=cat&stdout=true", 400, "Upgrade request required"),
        ("two/exec?command=cat", 400,
         "a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [i]"),
        ("two/log?container=z", 400, "container z is not valid for pod two"),
        ("web/log?tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("web/log?tailLines=-1", 422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'),
        ("web/log?sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z", 422,
         'PodLogOptions "web" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'),
        ("web/portforward", 400, "Upgrade request required"),
    ],
)
async def test_wrong_requests_get_a_status(http, path, status, message):
    async with http.get(f"{PODS}/{path}") as response:
        assert (response.status, (await response.json())["message"]) == (status, message)


@pytest.mark.parametrize(
    ("path", "protocols"),
    [("exec?command=cat&stdout=true", ["v9.channel.k8s.io"]), ("portforward", []), ("portforward?ports=x", ["v4.channel.k8s.io"])],
)
async def test_wrong_upgrades_get_a_status(http, path, protocols):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{PODS}/web/{path}", protocols=protocols)
    assert refused.value.status == 400


async def test_nonsense_in_the_spdy_tunnel_ends_it(http):
    for nonsense in (b"\x80\x03\0\x01\0\0\0\x0c" + bytes(10) + b"xx", b"\x80\x03\0\x03\0\0\0\1\0", b"\x80\x03\0\x01\0\0\0\0"):
        async with http.ws_connect(f"{PODS}/web/portforward", protocols=["SPDY/3.1+portforward.k8s.io"]) as ws:
            await ws.send_bytes(nonsense)
            assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


def test_the_spdy_dictionary_is_the_published_one():
    import hashlib

    assert hashlib.sha256(spdy.DICTIONARY).hexdigest() == "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"

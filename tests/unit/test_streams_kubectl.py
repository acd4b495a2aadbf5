"""exec, attach, logs, port-forward and proxy as the real kubectl uses them."""
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import streams_server

from kubeschool.practice.apiserver import remotecommand

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl"
BIG = os.urandom(1 << 20) * 10


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with streams_server.serve(tmp_path_factory.mktemp("server")) as (kubeconfig, kubelet):
        yield kubeconfig, kubelet


@pytest.fixture
def environment(server):
    return {**os.environ, "KUBECONFIG": str(server[0]), "KUBECACHEDIR": str(server[0].parent / "cache")}


@pytest.fixture
def kubectl(environment):
    def run(*arguments, data=b"", **extra):
        return subprocess.run([KUBECTL, *arguments], input=data, capture_output=True, timeout=20, env={**environment, **extra})

    return run


def test_exec_sends_both_outputs_and_the_exit_code(kubectl):
    done = kubectl("exec", "web", "--", "fail", "7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\ncommand terminated with exit code 7\n")


@pytest.mark.parametrize("websockets", ["true", "false"])
def test_exec_carries_10_mb_both_ways_unchanged(kubectl, websockets):
    done = kubectl("exec", "-i", "web", "--", "cat", data=BIG, KUBECTL_REMOTE_COMMAND_WEBSOCKETS=websockets)
    assert (done.returncode, done.stderr, done.stdout == BIG) == (0, b"", True)


def test_stdin_is_half_closed_at_its_end(kubectl):
    assert kubectl("exec", "-i", "web", "--", "count", data=b"12345").stdout == b"5\n"


def test_a_command_that_cannot_start_is_an_internal_error(kubectl):
    for websockets in ("true", "false"):
        done = kubectl("exec", "web", "--", "nosuch", KUBECTL_REMOTE_COMMAND_WEBSOCKETS=websockets)
        assert done.returncode == 1
        why = b'exec: "nosuch": executable file not found in $PATH'
        assert done.stderr == b"error: Internal error occurred: error executing command in container: " + why + b"\n"


def test_a_container_that_does_not_run_is_refused_before_the_upgrade(kubectl):
    done = kubectl("exec", "web", "--", "gone")
    assert (done.returncode, done.stderr) == (1, b'error: unable to upgrade connection: container not found ("c")\n')


def test_a_pod_without_a_node_is_refused_with_a_status(kubectl):
    done = kubectl("exec", "unscheduled", "--", "cat")
    assert (done.returncode, done.stderr) == (1, b"error: unable to upgrade connection: pod unscheduled does not have a host assigned\n")


def test_a_terminal_has_the_size_of_the_learners(environment):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    process = subprocess.Popen([KUBECTL, "exec", "-it", "web", "--", "size"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    assert process.wait(10) == 0
    assert b"33 111 True" in os.read(ours, 4096)


def test_a_process_hears_that_its_client_was_killed(server, environment):
    server[1].hung_up.clear()
    process = subprocess.Popen([KUBECTL, "exec", "-i", "web", "--", "sleep"], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"asleep\n"
    process.kill()
    assert server[1].hung_up.wait(5)
    process.communicate()


def test_a_process_that_never_reads_hears_of_it_too(server, environment, monkeypatch):
    monkeypatch.setattr(remotecommand, "PING_SECONDS", 0.1)
    server[1].hung_up.clear()
    process = subprocess.Popen(
        [KUBECTL, "exec", "-i", "web", "--", "sleep"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout.readline() == b"asleep\n"
    feeding = threading.Thread(target=lambda: process.communicate(BIG))
    feeding.start()
    assert not server[1].hung_up.wait(0.3)
    process.kill()
    assert server[1].hung_up.wait(5)
    feeding.join()


def test_attach(kubectl):
    done = kubectl("attach", "-i", "web", data=b"hello\n")
    assert (done.returncode, done.stdout) == (0, b"hello\n")
    assert kubectl("attach", "web").returncode == 0


def test_logs(kubectl, environment):
    assert kubectl("logs", "web", "--tail=2").stdout == b"line 0\nline 1\n"
    done = kubectl("logs", "-p", "web")
    assert done.stderr == b'Error from server (BadRequest): previous terminated container "c" in pod "web" not found\n'
    process = subprocess.Popen([KUBECTL, "logs", "-f", "web"], stdout=subprocess.PIPE, env=environment)
    assert [process.stdout.readline() for _ in range(3)] == [b"line 0\n", b"line 1\n", b"line 2\n"]
    process.kill()
    process.communicate()


@contextmanager
def forwarded(environment, *ports, **extra):
    command = [KUBECTL, "port-forward", "pod/web", *(f":{p}" for p in ports), "--address=127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**environment, **extra})
    try:
        yield process, [int(process.stdout.readline().split(b" -> ")[0].split(b":")[1]) for _ in ports]
    finally:
        process.kill()
        process.communicate()


def exchange(port: int, data: bytes) -> bytes:
    """Sends, half-closes, reads to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        sender.join()
    return received


@pytest.mark.parametrize("websockets", ["true", "false"])
def test_port_forward_serves_parallel_connections_to_two_ports(environment, websockets):
    with forwarded(environment, 7, 80, KUBECTL_PORT_FORWARD_WEBSOCKETS=websockets) as (_, (echo, http)):
        results: dict[int, bytes] = {}
        texts = [bytes([n]) * 10_000 * (n + 1) for n in range(20)]
        threads = [threading.Thread(target=lambda n=n: results.__setitem__(n, exchange(echo, texts[n]))) for n in range(20)]
        for thread in threads:
            thread.start()
        assert urllib.request.urlopen(f"http://127.0.0.1:{http}/x", timeout=10).read() == b"GET /x\n"
        for thread in threads:
            thread.join()
        assert all(results[n] == texts[n] + b"%d" % len(texts[n]) for n in range(20))


def test_port_forward_carries_10_mb_unchanged(environment):
    with forwarded(environment, 7) as (_, (port,)):
        assert exchange(port, BIG) == BIG + b"%d" % len(BIG)


def test_a_refused_port_ends_port_forward(environment):
    with forwarded(environment, 81) as (process, (port,)):
        assert exchange(port, b"hello") == b""
        _, errors = process.communicate(timeout=5)
        assert process.returncode == 1
        assert b"error forwarding port 81 to pod" in errors and b"connection refused" in errors
        assert errors.endswith(b"error: lost connection to pod\n")


def test_proxy_reaches_pods_and_services(kubectl):
    base = "/api/v1/namespaces/default"
    assert kubectl("get", "--raw", f"{base}/pods/web/proxy/a/b?c=%2F").stdout == b"GET /a/b?c=%2F\n"
    assert kubectl("get", "--raw", f"{base}/pods/http:web:80/proxy/").stdout == b"GET /\n"
    assert kubectl("get", "--raw", f"{base}/pods/web/proxy").stdout == b"GET /\n"
    assert kubectl("get", "--raw", f"{base}/services/shop:8000/proxy/moved").stdout == b"GET /new\n"
    assert kubectl("create", "--raw", f"{base}/services/shop:http/proxy/form", "-f", "-", data=b"a=1").stdout == b"POST /form\na=1"


def test_proxy_says_what_it_cannot_reach(kubectl):
    base = "/api/v1/namespaces/default"
    said = {
        "pods/web:81": "error trying to reach service: dial tcp 10.0.0.1:81: connect: connection refused",
        "services/shop": 'no endpoints available for service "shop"',
        "services/shop:1": 'no service port 1 found for service "shop"',
    }
    for name, message in said.items():
        done = kubectl("get", "--raw", f"{base}/{name}/proxy/")
        assert done.stderr.decode() == f"Error from server (ServiceUnavailable): {message}\n"

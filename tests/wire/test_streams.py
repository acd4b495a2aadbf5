"""logs, exec, attach, cp, port-forward, proxy, run -i, debug."""
import os
import pty
import re
import select
import shlex
import socket
import subprocess
import urllib.request
from contextlib import suppress

import pytest
from conftest import KUBECTL, SECONDS, Kubectl, masked

LOOP = "i=0; while true; do echo line $i; i=$((i+1)); sleep 1; done"


@pytest.fixture
def web(kubectl):
    kubectl("run web --image=nginx:1.25 --port=80")
    kubectl("wait pod/web --for=condition=Ready --timeout=60s")
    return kubectl


def test_logs(kubectl):
    kubectl(f"run talk --image=busybox:1.36 -- sh -c '{LOOP}'")
    kubectl("wait pod/talk --for=condition=Ready --timeout=60s")
    with kubectl.start("logs -f talk") as following:
        assert [following.stdout.readline() for _ in range(3)] == ["line 0\n", "line 1\n", "line 2\n"]
    assert kubectl("logs talk").startswith("line 0\nline 1\nline 2\n")
    assert re.fullmatch(r"line \d+\n", kubectl("logs talk --tail=1"))
    assert kubectl("logs talk --limit-bytes=6") == "line 0"
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) line 0\n", kubectl("logs talk --timestamps"))
    assert kubectl("logs -l run=talk --prefix --tail=1").startswith("[pod/talk/talk] line ")
    assert kubectl.fails("logs talk -c nosuch") == "error: container nosuch is not valid for pod talk out of: talk"
    previous = 'Error from server (BadRequest): previous terminated container "talk" in pod "talk" not found'
    assert kubectl.fails("logs talk -p") == previous
    missing = f'error: error from server (NotFound): pods "nosuch" not found in namespace "{kubectl.namespace}"'
    assert kubectl.fails("logs nosuch") == missing


def test_logs_since_a_time(kubectl):
    kubectl("run talk --image=busybox:1.36 -- sh -c 'echo old; sleep 30; echo new; sleep 100000'")
    kubectl("wait pod/talk --for=condition=Ready --timeout=60s")
    with kubectl.start("logs -f talk --timestamps --since=1h") as following:
        old, new = (following.stdout.readline().split() for _ in range(2))
    assert (old[1], new[1]) == ("old", "new") and old[0] < new[0]
    assert kubectl(f"logs talk --since-time={new[0]}") == "new\n"
    assert kubectl("logs talk --since=1h") == "old\nnew\n"


def test_logs_of_the_run_before(kubectl):
    script = "[ -e /files/seen ] && { echo second; sleep 100000; }; touch /files/seen; echo first; exit 1"
    volume = '{"name":"files","emptyDir":{}}'
    container = '{"name":"app","image":"busybox:1.36","command":["sh","-c","%s"],"volumeMounts":[{"name":"files","mountPath":"/files"}]}'
    spec = f'{{"spec":{{"containers":[{container % script}],"volumes":[{volume}]}}}}'
    kubectl(f"run app --image=busybox:1.36 --overrides='{spec}'")
    kubectl("wait pod/app --for=jsonpath={.status.containerStatuses[0].restartCount}=1 --timeout=60s")
    assert kubectl("logs app --previous") == "first\n"
    assert kubectl("logs app -f --previous --tail=1").endswith("first\n")
    assert kubectl("logs app") == "second\n"


def test_logs_of_a_container_that_waits(kubectl):
    kubectl("run bad --image=nosuch:1")
    kubectl("wait pod/bad --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull --timeout=30s")
    waiting = kubectl.fails("logs bad")
    assert waiting.startswith('Error from server (BadRequest): container "bad" in pod "bad" is waiting to start: ')
    assert waiting.endswith(("image can't be pulled", "trying and failing to pull image"))
    assert kubectl.fails("exec bad -- ls") == 'error: unable to upgrade connection: container not found ("bad")'


def test_exec(web):
    assert web("exec web -- sh -c 'echo $HOSTNAME; id -u; pwd'") == "web\n0\n/\n"
    assert web("exec -i web -- cat", "hello\n") == "hello\n"
    assert web("exec -i web -- sh", "cd /usr/share/nginx\nls\n") == "html\n"
    assert web.fails("exec web -- sh -c 'echo oops >&2; exit 7'", code=7) == "oops\ncommand terminated with exit code 7"
    missing = web.fails("exec web -- nosuch")
    assert re.fullmatch(
        r"error: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "
        r'"[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": '
        r"executable file not found in \$PATH(: unknown)?",
        missing,
    )
    assert web.fails("exec web -c nosuch -- ls") == "error: container nosuch is not valid for pod web out of: web"
    assert web.fails("exec nosuch -- ls") == 'Error from server (NotFound): pods "nosuch" not found'


class Terminal:
    """A kubectl command on a pseudo-terminal, as a person has it."""

    def __init__(self, kubectl: Kubectl, words: str):
        self.ours, theirs = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [KUBECTL, *shlex.split(words)], stdin=theirs, stdout=theirs, stderr=theirs, env=kubectl.environment, start_new_session=True
        )
        os.close(theirs)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *failure) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)

    def until(self, text: str) -> None:
        while text not in self.seen:
            assert select.select([self.ours], [], [], SECONDS)[0], f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.ours, 4096).decode()
        self.seen = self.seen.partition(text)[2]

    def type(self, keys: str, until: str) -> None:
        os.write(self.ours, keys.encode())
        self.until(until)

    def end(self, keys: str) -> int:
        """Its exit status after the last keys."""
        os.write(self.ours, keys.encode())
        return self.process.wait(SECONDS)


@pytest.fixture
def box(kubectl):
    kubectl("run box --image=busybox:1.36 -- sleep 100000")
    kubectl("wait pod/box --for=condition=Ready --timeout=60s")
    return kubectl


def test_exec_with_a_terminal(box):
    up, left = "\x1b[A", "\x1b[D"
    with Terminal(box, "exec -it box -- sh") as shell:
        shell.until("/ # ")
        shell.type("echo $((6*7))\r", "\r\n42\r\n")
        shell.until("/ # ")
        shell.type(up + "\r", "\r\n42\r\n")
        shell.until("/ # ")
        shell.type(f"echo ac{left}b\r", "\r\nabc\r\n")
        shell.until("/ # ")
        shell.type("half a line\x03", "/ # ")
        shell.type("sh -c 'echo started; exec sleep 100000'\r", "\nstarted\r\n")
        shell.type("\x03", "/ # ")
        shell.type("echo status $?\r", "status 130\r\n")
        shell.until("/ # ")
        shell.type("tty; cd /tmp\r", "/dev/pts/")
        shell.until("/tmp # ")
        assert shell.end("exit 3\r") == 3


def test_the_end_of_input_ends_a_shell(box):
    with Terminal(box, "exec -it box -- sh") as shell:
        shell.until("/ # ")
        assert shell.end("\x04") == 0


def test_attach_to_a_terminal(kubectl):
    with Terminal(kubectl, "run shell -it --image=busybox:1.36 --restart=Never") as shell:
        shell.type("\r", "/ # ")
        shell.type("x=kept; echo $((6*7))\r", "\r\n42\r\n")
    with Terminal(kubectl, "attach -it shell") as shell:
        shell.type("\r", "/ # ")
        shell.type("echo still $x\r", "still kept\r\n")
        shell.end("exit 4\r")
    kubectl("wait pod/shell --for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}=4 --timeout=60s")


def test_cp(web):
    (web.folder / "page.html").write_bytes(bytes(range(256)) * 100)
    web("cp page.html web:/usr/share/nginx/html/page.html")
    assert web("exec web -- wc -c /usr/share/nginx/html/page.html").split()[0] == "25600"
    copied = web.run("cp web:/usr/share/nginx/html/page.html back.html")
    assert copied.returncode == 0
    assert (web.folder / "back.html").read_bytes() == (web.folder / "page.html").read_bytes()
    (web.folder / "site" / "css").mkdir(parents=True)
    (web.folder / "site" / "css" / "a b.css").write_text("body {}")
    (web.folder / "site" / "empty").write_text("")
    web("cp site web:/tmp/site")
    assert web("exec web -- cat '/tmp/site/css/a b.css'") == "body {}"
    web("cp web:/tmp/site copy")
    copied = (web.folder / "copy").rglob("*")
    assert sorted(str(path.relative_to(web.folder / "copy")) for path in copied) == ["css", "css/a b.css", "empty"]
    web("cp web:/nosuch here")
    assert not (web.folder / "here").exists()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_port_forward(web):
    port = free_port()
    with web.start(f"port-forward pod/web {port}:80 --address=127.0.0.1") as forwarding:
        assert forwarding.stdout.readline() == f"Forwarding from 127.0.0.1:{port} -> 80\n"
        for _ in range(2):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()
            assert "<h1>Welcome to nginx!</h1>" in page
        assert forwarding.stdout.readline() == f"Handling connection for {port}\n"
    assert '"GET / HTTP/1.1" 200' in web("logs web")


def test_port_forward_to_a_service_and_to_a_closed_port(web):
    web("expose pod web --port=8000 --target-port=80")
    with web.start("port-forward service/web :8000 --address=127.0.0.1") as forwarding:
        port = int(re.search(r":(\d+) -> 80", forwarding.stdout.readline())[1])
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).status == 200
    with web.start("port-forward web :81 --address=127.0.0.1") as forwarding:
        port = int(re.search(r":(\d+) -> 81", forwarding.stdout.readline())[1])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"hello")
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        _, errors = forwarding.communicate(timeout=20)
    assert re.search(
        r"error forwarding port 81 to pod [0-9a-f]{64}, uid : failed to execute portforward in network namespace "
        r'\\"/var/run/netns/cni-.*\\": '
        r'failed to connect to localhost:81 inside namespace \\"[0-9a-f]{64}\\", IPv4: dial '
        r"tcp4 127.0.0.1:81: connect: connection refused IPv6 dial tcp6 \[::1\]:81: connect: connection refused ",
        errors,
    )
    assert errors.endswith("error: lost connection to pod\n")
    assert forwarding.returncode == 1


def test_proxy(web):
    web("expose pod web --port=80")
    base = f"/api/v1/namespaces/{web.namespace}"
    assert "Welcome to nginx!" in web(f"get --raw {base}/pods/web/proxy/")
    web("wait --for=jsonpath={.subsets[0].addresses[0].ip} endpoints/web --timeout=30s")
    assert "Welcome to nginx!" in web(f"get --raw {base}/services/web/proxy/")
    refused = web.fails(f"get --raw {base}/pods/web:81/proxy/")
    assert masked(refused).endswith("error trying to reach service: dial tcp <ip>:81: connect: connection refused")
    with web.start("proxy --port=0") as proxy:
        port = int(proxy.stdout.readline().rsplit(":", 1)[1])
        url = f"http://127.0.0.1:{port}{base}/pods/web/proxy/"
        assert b"Welcome to nginx!" in urllib.request.urlopen(url, timeout=10).read()


def test_attach_and_run_interactively(kubectl):
    assert kubectl("run ask --image=busybox:1.36 --rm -i --restart=Never -- sh", "echo hello; exit 0\n").startswith("hello\n")
    kubectl(f"run talk --image=busybox:1.36 -- sh -c '{LOOP}'")
    kubectl("wait pod/talk --for=condition=Ready --timeout=60s")
    with kubectl.start("attach talk") as attached:
        assert re.fullmatch(r"line \d+\n", attached.stdout.readline())
    failed = kubectl.fails("run ask --image=busybox:1.36 --rm -i --restart=Never -- sh -c 'sleep 1; exit 5'", code=5)
    assert failed.endswith("terminated (Error)")


def test_debug(web, current):
    debugged = web("debug web -i --image=busybox:1.36 --target=web -- sh -c 'echo from the outside; ps'")
    assert "from the outside\n" in debugged
    assert "nginx: master process" in debugged
    names = web("get pod web -o jsonpath={.spec.ephemeralContainers[*].name}")
    assert re.fullmatch(r"debugger-[a-z0-9]{5}", names)


def test_debug_by_a_copy(web, current):
    made = web.run("debug web --image=busybox:1.36 --copy-to=copy --container=shell -- sleep 1d")
    assert (made.returncode, made.stdout) == (0, "")
    web("wait pod/copy --for=condition=Ready --timeout=60s")
    assert web("get pod copy -o jsonpath={.spec.containers[*].name}") == "web shell"


def test_debug_a_node(kubectl, current):
    node = kubectl("get nodes -o name").split()[-1]
    said = kubectl(f"debug {node} --image=busybox:1.36 -- ls /host/etc")
    name = re.search(r"Creating debugging pod (node-debugger-\S+) with container debugger on node", said)[1]
    kubectl(f"wait pod/{name} --for=jsonpath={{.status.phase}}=Succeeded --timeout=60s")
    assert kubectl(f"logs {name}")
    assert kubectl(f"get pod {name} -o jsonpath={{.spec.hostNetwork}}") == "true"


def test_debug_attaches(web, current):
    with Terminal(web, "debug -it web --image=busybox:1.36 --target=web -- sh") as shell:
        shell.type("\r", "/ # ")
        shell.type("wget -q -O - localhost | head -1\r", "<!DOCTYPE html>")
        assert shell.end("exit\r") == 0
    assert web("get pod web -o jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}") in ("", "0")

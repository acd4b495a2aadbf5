"""wget, curl, nc, httpd, nslookup, ping and friends between two pods."""
import asyncio
import re
from types import SimpleNamespace

import pytest
from shell_harness import container, run, start

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import Backends, NameNotFound, Network

WEB, CLIENT, SERVICE, DNS = "10.244.1.5", "10.244.1.6", "10.96.0.20", "10.96.0.10"
NAMES = {"web.default.svc.cluster.local": SERVICE, "web": SERVICE}


def lookup(name: str, kind: str) -> list[str]:
    if name not in NAMES:
        raise NameNotFound(name)
    return [NAMES[name]] if kind == "A" else []


class Pods:
    """A web pod with busybox httpd behind a Service, and a client pod."""

    def __init__(self):
        self.network = Network(Clock(50))
        self.network.nameservers[DNS] = lookup
        self.tables = []
        self.web, self.client = self.pod(WEB), self.pod(CLIENT)

    def pod(self, ip: str):
        table = container(50, SimpleNamespace(network=self.network, stack=self.network.attach(ip)))
        table.fs.write("/etc/resolv.conf", f"nameserver {DNS}\nsearch default.svc.cluster.local\noptions ndots:5\n".encode())
        table.fs.write("/etc/hosts", b"127.0.0.1 localhost\n")
        self.tables.append(table)
        start(table, ["sleep", "1000000"])
        return table

    async def serve(self) -> None:
        start(self.web, ["sh", "-c", "mkdir -p www/sub; echo '<h1>hi</h1>' >www/index.html; echo data >www/f.txt; httpd -f -p 80 -h www"])
        async with asyncio.timeout(5):
            while not self.network.stacks[WEB].listeners:
                await asyncio.sleep(0)
        self.network.services[SERVICE, 80, "TCP"] = Backends([(WEB, 80)])

    async def do(self, script: str, table=None):
        """(stdout, stderr, status) of a script in the client pod (or another), whose other processes go on."""
        process, out, err = start(table or self.client, ["sh", "-c", script])
        async with asyncio.timeout(5):
            output, errors, status = await asyncio.gather(out.read_all(), err.read_all(), process.wait())
        return output.decode(), errors.decode(), status


@pytest.fixture
async def pods():
    pods = Pods()
    await pods.serve()
    yield pods
    for table in pods.tables:
        table.kill_all()


async def test_wget_to_stdout(pods):
    assert await pods.do("wget -q -O - http://web") == ("<h1>hi</h1>\n", "", 0)


async def test_wget_to_a_file_says_what_it_does(pods):
    output, errors, status = await pods.do("wget http://web/f.txt && cat f.txt")
    assert (output, status) == ("data\n", 0)
    first, second, bar, last = errors.splitlines()
    assert first == "Connecting to web (10.96.0.20:80)"
    assert second == "saving to 'f.txt'"
    assert bar.startswith("f.txt                100% |********************************|") and bar.endswith("0:00:00 ETA")
    assert last == "'f.txt' saved"


@pytest.mark.parametrize("command, errors, status", [
    ("wget -q -O - http://web/no", "wget: server returned error: HTTP/1.1 404 Not Found\n", 1),
    ("wget -q -O - http://nosuch", "wget: bad address 'nosuch'\n", 1),
    (f"wget -q -O - http://{WEB}:81", f"wget: can't connect to remote host ({WEB}): Connection refused\n", 1),
    ("wget -q -O - http://10.244.9.9", "wget: can't connect to remote host (10.244.9.9): No route to host\n", 1),
    ("wget -q -T 2 -O - http://192.0.2.1", "wget: download timed out\n", 1),
    ("wget --spider http://web", "Connecting to web (10.96.0.20:80)\nremote file exists\n", 0),
    (f"curl http://{WEB}:81", f"curl: (7) Failed to connect to {WEB} port 81 after 0 ms: Could not connect to server\n", 7),
    ("curl http://nosuch", "curl: (6) Could not resolve host: nosuch\n", 6),
    ("curl -f http://web/no", "curl: (22) The requested URL returned error: 404\n", 22),
    ("curl -sS --connect-timeout 2 http://192.0.2.1", "curl: (28) Connection timed out after 2000 milliseconds\n", 28),
    ("curl -s http://nosuch", "", 6),
    (f"nc {WEB} 81", f"nc: can't connect to remote host ({WEB}): Connection refused\n", 1),
    (f"nc -z {WEB} 80", "", 0),
    (f"nc -z {WEB} 81", "", 1),
    ("nc -zv web 80", f"web ({SERVICE}:80) open\n", 0),
    ("ping -c 1 nosuch", "ping: bad address 'nosuch'\n", 1),
])
async def test_messages_and_exit_codes(pods, command, errors, status):
    _, seen, code = await pods.do(command)
    assert (re.sub(r"after \d+ ms", "after 0 ms", seen), code) == (errors, status)


async def test_curl(pods):
    assert await pods.do("curl -s http://web/") == ("<h1>hi</h1>\n", "", 0)
    assert (await pods.do("curl -s -o /dev/null -w '%{http_code}\\n' http://web/no"))[0] == "404\n"
    output, _, _ = await pods.do("curl -si http://web/f.txt")
    assert output.startswith("HTTP/1.1 200 OK\r\n") and output.endswith("\r\n\r\ndata\n")
    output, _, _ = await pods.do("curl -sI http://web/f.txt")
    assert "Content-Length: 5\r\n" in output and not output.endswith("data\n")
    assert (await pods.do("curl -sL http://web/sub"))[0].count("404") == 2, "followed to /sub/, which has no index.html"
    _, errors, _ = await pods.do("curl -v http://web/f.txt")
    assert "> GET /f.txt HTTP/1.1\n" in errors and "> User-Agent: curl/" in errors and "< HTTP/1.1 200 OK\n" in errors
    assert (await pods.do("curl -sO http://web/f.txt; cat f.txt"))[0] == "data\n"


async def test_curl_sends(pods):
    listening = asyncio.ensure_future(pods.do("nc -l -p 8080", pods.web))
    async with asyncio.timeout(5):
        while not pods.network.stacks[WEB].listener(WEB, 8080):
            await asyncio.sleep(0)
    _, _, status = await pods.do(f"curl -s -X PUT -H 'X-Test: yes' -d a=1 http://{WEB}:8080/path")
    assert status == 52, "nc answers nothing"
    request = (await listening)[0]
    assert request.startswith("PUT /path HTTP/1.1\r\n") and request.endswith("\r\n\r\na=1")
    assert "X-Test: yes\r\n" in request and "Content-Type: application/x-www-form-urlencoded\r\n" in request


async def test_nc_answers_with_a_program(pods):
    start(pods.web, ["sh", "-c", "nc -lk -p 9000 -e cat"])
    async with asyncio.timeout(5):
        while not pods.network.stacks[WEB].listener(WEB, 9000):
            await asyncio.sleep(0)
    for _ in range(2):
        assert (await pods.do(f"echo hello | nc {WEB} 9000"))[0] == "hello\n"


async def test_a_shell_loop_with_nc_is_a_web_server(pods):
    start(pods.web, ["sh", "-c", "while :; do printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n' | nc -l -p 7000; done"])
    async with asyncio.timeout(5):
        while not pods.network.stacks[WEB].listener(WEB, 7000):
            await asyncio.sleep(0)
    assert (await pods.do(f"wget -q -O - http://{WEB}:7000/"))[0] == "ok\n"


async def test_nslookup(pods):
    output, _, status = await pods.do("nslookup web.default.svc.cluster.local")
    assert output.startswith(f"Server:\t\t{DNS}\nAddress:\t{DNS}:53\n\n")
    assert f"Name:\tweb.default.svc.cluster.local\nAddress: {SERVICE}\n" in output and status == 0
    output, _, status = await pods.do("nslookup nosuch.example.com")
    assert "** server can't find nosuch.example.com: NXDOMAIN" in output and status == 1


async def test_ping(pods):
    output, _, status = await pods.do(f"ping -c 2 {WEB}")
    assert output.startswith(f"PING {WEB} ({WEB}): 56 data bytes\n64 bytes from {WEB}: seq=0 ttl=62 time=")
    assert "2 packets transmitted, 2 packets received, 0% packet loss" in output and status == 0
    output, _, status = await pods.do("ping -c 1 -W 1 10.244.9.9")
    assert "1 packets transmitted, 0 packets received, 100% packet loss" in output and status == 1


async def test_looking_at_the_network(pods):
    assert f"inet {CLIENT}/24" in (await pods.do("ip addr"))[0]
    assert (await pods.do("ip route"))[0].startswith("default via 10.244.1.1 dev eth0 \n")
    assert f"inet addr:{CLIENT}" in (await pods.do("ifconfig eth0"))[0]
    assert "0.0.0.0:80" in (await pods.do("netstat -tln", pods.web))[0]
    assert "/httpd" in (await pods.do("netstat -tlnp", pods.web))[0]


async def test_httpd_port_taken(pods):
    assert (await pods.do("httpd -f -p 80", pods.web))[1:] == ("httpd: bind: Address already in use\n", 1)


async def test_no_network_at_all():
    assert await run("wget -q -O - http://web") == ("", "wget: Network unreachable\n", 1)

"""agnhost as Kubernetes' conformance tests use it, and the images beside it in registry.k8s.io/e2e-test-images."""
import asyncio
import json
import re

import pytest
from image_pods import Pods

from kubeschool.practice.runtime.filesystem import Directory, File
from kubeschool.practice.runtime.runtime import Mount

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"


@pytest.fixture
async def pods():
    pods = Pods()
    yield pods
    pods.stop()


@pytest.fixture
async def steady():
    """At real speed: for what gives up after some seconds."""
    pods = Pods(1)
    yield pods
    pods.stop()


async def agnhost(pods, *args, port=0, **config):
    pod = await pods.start(IMAGE, *args, **config)
    return await pod.listens(port) if port else pod


def untimed(log: str) -> list[str]:
    return [re.sub(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", line) for line in log.splitlines()]


# --- netexec ---

@pytest.mark.parametrize(("path", "status", "body"), [
    ("/hostname", 200, "web"), ("/hostName", 200, "web"), ("/healthz", 200, ""), ("/echo?msg=hi&code=418", 418, "hi"),
    ("/echo?code=x", 200, "argument 'code' must be an integer or empty, got \"x\"\n"),
    ("/serverport", 200, "8080"), ("/shell?cmd=echo+hi%3B+exit+3", 200, '{"error":"exit status 3","output":"hi\\n"}'),
    ("/shell?shellCommand=true", 200, "{}"), ("/header?key=Host", 200, "10.244.0.2"),
    ("/exit?code=x", 200, "argument 'code' must be an integer [0-127] or empty, got \"x\"\n"),
    ("/exit?wait=5", 200, "argument 'wait' must be a valid golang duration or empty, got \"5\"\n"),
    ("/dial?host=127.0.0.1&port=8080", 400, "request parameter not specified. <nil>\n"),
    ("/dial?request=x&protocol=quic", 400, "unsupported protocol. quic\n"),
    ("/dial?host=127.0.0.1&port=8080&request=hostname&tries=2", 200, '{"responses":["web","web"]}'),
    ("/dial?host=127.0.0.1&port=8081&request=hostname&protocol=udp", 200, '{"responses":["web"]}'),
    ("/dial?host=127.0.0.1&port=8081&request=echo+Hello&protocol=udp", 200, '{"responses":["hello"]}'),
    ("/dial?host=127.0.0.1&port=1&request=hostname", 200,
     '{"errors":["Get \\"http://127.0.0.1:1/hostname\\": dial tcp 127.0.0.1:1: connect: connection refused"]}'),
    ("/redirect?location=/echo%3Fmsg%3Dx&code=307", 307, '<a href="/echo?msg=x">Temporary Redirect</a>.\n\n'),
])
async def test_netexec(steady, path, status, body):
    pod = await agnhost(steady, "netexec", port=8080)
    answer = await pod.get(path, 8080)
    assert (answer.status, answer.body) == (status, body)


async def test_netexec_over_udp_with_nc(pods):
    """test/e2e/framework/network: DialFromContainer with nc."""
    pod = await agnhost(pods, "netexec", port=8080)
    assert await pod.run(f"echo hostName | nc -w 1 -u {pod.ip} 8081; echo 'echo Hi' | nc -u -w1 localhost 8081") == (0, "webhi")
    assert await pod.run("echo hostName | nc -w 1 -u localhost 1") == (1, "")


async def test_netexec_says_who_asks_and_when(pods):
    pod = await agnhost(pods, "netexec", "--http-port=80", "--udp-port", "-1", port=80)
    assert re.fullmatch(r"172\.18\.0\.2:\d+", (await pod.get("/clientip")).body)
    assert re.fullmatch(r"NOW: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0000 UTC m=\+[\d.]+", (await pod.get("/any")).body)
    assert (await pod.get("/healthz")).status == 412
    answer = await pod.get("/hostname")
    assert list(answer.headers) == ["Date", "Content-Length", "Content-Type", "Connection"]
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert untimed(pod.log) == ["Started HTTP server on port 80", "GET /clientip", "GET /", "GET /healthz", "GET /hostname"]


@pytest.mark.parametrize(("path", "code"), [("/exit?code=7", 7), ("/shutdown", 0), ("/exit?code=3&timeout=1s&wait=2s", 3)])
async def test_netexec_exits_when_asked_to(pods, path, code):
    pod = await agnhost(pods, "netexec", port=8080)
    _, writer = await pods.network.connect("172.18.0.2", pod.ip, 8080)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (await pod.ended())[0] == code


async def test_a_go_program_ends_with_2_at_sigterm(pods):
    pod = await agnhost(pods, "netexec", port=8080)
    await pod.container.stop(30)
    assert pod.container.exit.code == 2
    pod = await agnhost(pods, "netexec", "--delay-shutdown=5", port=8080, name="other")
    await pod.container.stop(30)
    assert pod.container.exit.code == 0 and pod.log.endswith("Sleeping 5 seconds before terminating...\n")


async def test_http_override(pods):
    pod = await agnhost(pods, "netexec", "--http-override=/echo?msg=same&code=503", port=8080)
    answer = await pod.get("/hostname", 8080)
    assert (answer.status, answer.body) == (503, "same")


async def test_upload_then_run(pods):
    pod = await agnhost(pods, "netexec", port=8080)
    body = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n#!/bin/sh\necho uploaded\n\r\n--b--\r\n'
    answer = await pod.get("/upload", 8080, "POST", body, Content_Type="multipart/form-data; boundary=b")
    path = json.loads(answer.body)["output"]
    assert answer.status == 201 and (await pod.get(f"/shell?cmd={path}", 8080)).body == '{"output":"uploaded\\n"}'


# --- the other servers ---

async def test_serve_hostname(pods):
    pod = await agnhost(pods, "serve-hostname", port=9376)
    assert (await pod.get("/", 9376)).body == "web"
    tcp = await agnhost(pods, "serve-hostname", "--http=false", "--tcp", "--port=80", port=80, name="raw")
    reader, _ = await pods.network.connect("172.18.0.2", tcp.ip, 80)
    assert await reader.read() == b"raw"
    await pod.container.stop(3600)
    assert pod.container.exit.code == 0 and untimed(pod.log)[-2:] == ["Shutting down after receiving signal: terminated.",
                                                                    "Awaiting pod deletion."]


async def test_test_webserver_serves_the_root_file_system(pods):
    pod = await agnhost(pods, "test-webserver", port=80)
    assert (await pod.get("/etc/hostname")).body == "web\n"
    assert '<a href="agnhost">agnhost</a>' in (await pod.get("/")).body
    assert ((await pod.get("/etc")).status, (await pod.get("/etc")).headers["Location"]) == (301, "etc/")
    assert ((await pod.get("/none")).status, (await pod.get("/none")).body) == (404, "404 page not found\n")


async def test_porter(pods):
    pod = await agnhost(pods, "porter", "--json-response", env=[("SERVE_PORT_80", "eighty"), ("SERVE_UDP_PORT_81", "udp")], port=80)
    assert (await pod.get("/")).body == '{"Body":"eighty","Method":"GET"}'
    assert await pods.network.ask("172.18.0.2", pod.ip, 81, b"x") == b"udp"


async def test_liveness_is_alive_for_ten_seconds(pods, steady):
    pod = await agnhost(pods, "liveness", port=8080)
    assert await pod.run("sleep 11; curl -s -o /dev/null -w '%{http_code}' localhost:8080/healthz") == (0, "500")
    assert re.fullmatch(r"error: \d+\.\d+", (await pod.get("/healthz", 8080)).body)
    pod = await agnhost(steady, "liveness", port=8080)
    assert (await pod.get("/healthz", 8080)).body == "ok"


async def test_guestbook(steady):
    """test/e2e/kubectl/kubectl.go: the guestbook application."""
    primary = await agnhost(steady, "guestbook", "--http-port", "6379", port=6379, name="agnhost-primary")
    steady.names["agnhost-primary.default.svc.cluster.local"] = primary.ip
    replica = await agnhost(steady, "guestbook", "--replicaof", "agnhost-primary", "--http-port", "6379", port=6379, name="agnhost-replica")
    steady.names["agnhost-replica.default.svc.cluster.local"] = replica.ip
    front = await agnhost(steady, "guestbook", "--backend-port", "6379", port=80, name="frontend")
    await primary.logged("registered.")
    assert (await front.get("/guestbook?cmd=get")).body == '{"data":{}}'
    assert (await front.get("/guestbook?cmd=set&key=messages&value=TestEntry")).body == '{"message":"Updated"}'
    assert (await front.get("/guestbook?cmd=get&key=messages")).body == '{"data":"TestEntry"}'
    assert "Registered to node: agnhost-primary" in replica.log


async def test_port_forward_tester(pods):
    env = [("BIND_PORT", "80"), ("BIND_ADDRESS", "0.0.0.0"), ("EXPECTED_CLIENT_DATA", "abc"), ("CHUNKS", "3"), ("CHUNK_SIZE", "4"),
           ("CHUNK_INTERVAL", "10")]
    pod = await agnhost(pods, "port-forward-tester", env=env, port=80)
    reader, writer = await pods.network.connect("172.18.0.2", pod.ip, 80)
    writer.write(b"abc")
    assert await reader.read() == b"x" * 12
    writer.close()
    assert await pod.ended() == (0, "Accepted client connection\nReceived expected client data\nShutting down connection\nDone\n")


# --- the tools ---

@pytest.mark.parametrize(("args", "code", "output"), [
    (("entrypoint-tester", "foo", "lish", "args"), 0, "[/agnhost entrypoint-tester foo lish args]\n"),
    (("dns-suffix",), 0, "default.svc.cluster.local\n"), (("dns-server-list",), 0, "10.96.0.10\n"),
    (("connect", "127.0.0.1:81"), 1, "REFUSED\n"), (("connect", "nowhere:81"), 1, "DNS: lookup nowhere: no such host\n"),
    (("connect", "10.0.0.1:81", "--timeout=1s"), 1, "TIMEOUT\n"), (("connect", "127.0.0.1"), 1,
                                                                  "UNKNOWN: address 127.0.0.1: missing port in address\n"),
    (("connect", "10.244.9.9:80"), 1, "OTHER: dial tcp 10.244.9.9:80: connect: no route to host\n"),
    (("mounttest", "--fs_type=/data", "--new_file_0644=/data/f", "--file_perm=/data/f", "--file_owner=/data/f"), 0,
     'mount type of "/data": 61267\ncontent of file "/data/f": mount-tester new file\n\nperms of file "/data/f": -rw-r--r--\n'
     'owner UID of "/data/f": 0\nowner GID of "/data/f": 0\n'),
    (("mounttest", "--file_content_in_loop=/data/given", "--retry_time=20"), 0, 'content of file "/data/given": mount-tester new file\n\n'),
    (("mounttest", "--file_mode=/tmp"), 0, 'mode of file "/tmp": dtrwxrwxrwx\n'),
    (("mounttest", "--file_content=/none"), 1, 'error reading file content for "/none": no such file or directory\n'),
    (("nope",), 1, "Error: unknown command \"nope\" for \"app\"\nRun 'app --help' for usage.\n"),
    (("webhook",), 1, "agnhost webhook is not simulated in the practice cluster\n"),
    (("logs-generator",), 255, None), (("pause", "--nope"), 1, None), (("help",), 0, None), (("netexec", "--help"), 0, None),
    (("net", "--runner", "nat-closewait-client", "--options", '{"RemoteAddr":"127.0.0.1:9"}'), 1, None),
])
async def test_tools(pods, args, code, output):
    volume = Directory({"given": File(b"mount-tester new file\n")})
    got, log = await (await agnhost(pods, *args, mounts=[Mount("/data", volume)])).ended()
    assert got == code and (output is None or log == output), log


async def test_logs_generator(pods):
    code, log = await (await agnhost(pods, "logs-generator", "-t", "5", "-d", "5s")).ended()
    lines = log.splitlines()
    assert code == 0 and [int(line.split("] ")[1].split()[0]) for line in lines] == [0, 1, 2, 3, 4]
    assert re.fullmatch(r"I\d{4} \d\d:\d\d:\d\d\.\d{6}       1 logs_generator\.go:76\] 0 (GET|POST|PUT) /api/v1/namespaces/"
                        r"(kube-system|default|ns)/pods/\w{3,4} [2-5]\d\d", lines[0])


async def test_pause_is_what_it_does_by_default(pods):
    pod = await agnhost(pods)
    await pod.logged("Paused\n")
    assert await pod.run("/agnhost-2", "entrypoint-tester", "x") == (0, "[/agnhost-2 entrypoint-tester x]\n")
    await pod.container.stop(30)
    assert pod.container.exit.code == 2


async def test_close_wait_runners(pods):
    server = await agnhost(pods, "net", "--runner", "nat-closewait-server", "--options", '{"LocalAddr":"0.0.0.0:11302"}', port=11302)
    client = await agnhost(pods, "net", "--runner", "nat-closewait-client", "--options", json.dumps({"RemoteAddr": f"{server.ip}:11302"}),
                           name="client")
    (code, log), (server_code, _) = await asyncio.gather(client.ended(), server.ended())
    assert (code, server_code) == (0, 0) and "Server has half-closed the connection" in log


# --- beside it ---

async def test_curl_image(pods):
    web = await agnhost(pods, "netexec", "--http-port=80", port=80)
    curl = await pods.start("curlimages/curl", "-s", f"http://{web.ip}/hostname", name="curl")
    assert await curl.ended() == (0, "web")
    shell = await pods.start("curlimages/curl:8.10.1", "sh", "-c", "id -un; pwd; command -v curl", name="sh")
    assert await shell.ended() == (0, "curl_user\n/home/curl_user\n/usr/bin/curl\n")


async def test_end_to_end_busybox_and_nginx(pods):
    busybox = await pods.start("registry.k8s.io/e2e-test-images/busybox:1.36.1-1", "sh", "-c", "echo $HOSTNAME", name="one")
    assert await busybox.ended() == (0, "one\n")
    nginx = await (await pods.start("registry.k8s.io/e2e-test-images/nginx:1.14-4", name="two")).listens(80)
    assert (await nginx.get("/")).headers["Server"] == "nginx/1.14.2"

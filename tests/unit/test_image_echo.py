"""The small servers that tutorials use to see who answers, and the Job that computes pi."""
import json
import re

import pytest
from image_pods import Pods


@pytest.fixture
async def pods():
    pods = Pods()
    yield pods
    pods.stop()


async def serving(pods, image, port, *args, **config):
    return await (await pods.start(image, *args, **config)).listens(port)


async def test_http_echo(pods):
    pod = await serving(pods, "hashicorp/http-echo", 5678, "-text=hello", "-status-code=202")
    answer = await pod.get("/any", 5678)
    assert (answer.status, answer.body, answer.headers["X-App-Name"]) == (202, "hello\n", "http-echo")
    log = pod.log.splitlines()
    assert log[0].endswith("[INFO] server is listening on :5678")
    assert re.fullmatch(rf'{pod.ip} 172\.18\.0\.2:\d+ "GET /any HTTP/1\.1" 202 6 "" \S+', log[1])
    other = await serving(pods, "hashicorp/http-echo:1.0", 80, "-listen=:80", name="other", env=[("ECHO_TEXT", "from env")])
    assert (await other.get()).body == "from env\n"
    wrong = await pods.start("hashicorp/http-echo", name="wrong")
    assert await wrong.ended() == (127, "Missing -text option!\n")


async def test_nginx_hello(pods):
    pod = await serving(pods, "nginxdemos/hello:plain-text", 80)
    assert re.fullmatch(rf"Server address: {pod.ip}:80\nServer name: web\nDate: \d\d/\w+/\d{{4}}:[\d:]+ \+0000\nURI: /a\?b=c\n"
                        r"Request ID: [0-9a-f]{32}\n", (await pod.get("/a?b=c")).body)
    page = await (await serving(pods, "nginxdemos/hello", 80, name="page")).get()
    assert page.headers["Content-Type"] == "text/html" and "<span>Server name:</span> <span>page</span>" in page.body


async def test_hello_app_has_two_versions(pods):
    for tag, version in (("1.0", "1.0.0"), ("2.0", "2.0.0")):
        pod = await serving(pods, f"gcr.io/google-samples/hello-app:{tag}", 8080, name=f"hello{tag[0]}")
        assert (await pod.get("/", 8080)).body == f"Hello, world!\nVersion: {version}\nHostname: hello{tag[0]}\n"
        assert re.sub(r"\d{4}/\S+ \S+ ", "", pod.log) == "Server listening on port 8080\nServing request: /\n"


async def test_kicbase_echo_server(pods):
    pod = await serving(pods, "kicbase/echo-server:1.0", 8080)
    assert (await pod.get("/x", 8080, X_One="1")).body == (
        f"Request served by web\n\nGET /x HTTP/1.1\n\nHost: {pod.ip}\nConnection: close\nX-One: 1\n")


async def test_echo_server(pods):
    pod = await serving(pods, "ealen/echo-server", 80, env=[("COLOUR", "blue")])
    answer = json.loads((await pod.get("/a?b=c", X_Test="yes")).body)
    assert answer["host"]["ip"] == "::ffff:172.18.0.2" and answer["http"]["originalUrl"] == "/a?b=c"
    assert (answer["request"]["query"], answer["request"]["headers"]["x-test"], answer["environment"]["COLOUR"]) == (
        {"b": "c"}, "yes", "blue")
    changed = await pod.get("/?echo_code=503&echo_env_body=COLOUR&echo_time=50")
    assert (changed.status, changed.body) == (503, '"blue"')


async def test_hpa_example_uses_the_cpu(pods):
    pod = await serving(pods, "registry.k8s.io/hpa-example", 80)
    idle = pod.container.usage()[0]
    assert (await pod.get()).body == "OK!" and pod.container.usage()[0] > idle


async def test_perl_computes_pi(pods):
    pod = await pods.start("perl:5.34.0", command=("perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"))
    code, log = await pod.ended()
    assert code == 0 and len(log) == 2002 and log.startswith("3.14159265358979323846264338327950288")
    five = await pods.start("perl", command=("perl", "-Mbignum=bpi", "-wle", "print bpi(5)"), name="five")
    assert await five.ended() == (0, "3.1416\n")
    code, log = await (await pods.start("perl", command=("perl", "-e", "print 1"), name="other")).ended()
    assert code == 1 and log.startswith("perl is not simulated in the practice cluster")

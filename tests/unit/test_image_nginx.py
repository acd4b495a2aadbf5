"""The nginx image: what it serves, what it logs, how it ends, and its words for a wrong configuration."""
import asyncio
import re

import pytest

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import NameNotFound, Network
from kubeschool.practice.runtime import images
from kubeschool.practice.runtime.filesystem import Directory, File
from kubeschool.practice.runtime.process import SIGHUP, SIGKILL
from kubeschool.practice.runtime.reference import parse
from kubeschool.practice.runtime.runtime import ContainerConfig, DnsConfig, Mount, Runtime
from kubeschool.practice.runtime.streams import Pipe

HOST = "172.18.0.1"


class Pod:
    """One nginx container, and what a learner would do with it."""

    def __init__(self, runtime: Runtime):
        self.runtime = runtime
        dns = DnsConfig(["10.96.0.10"], ["default.svc.cluster.local"], ["ndots:5"])
        self.sandbox = runtime.run_sandbox("web", "default", "uid", "web", dns)
        self.ip = self.sandbox.ip

    async def start(self, image: str = "nginx:1.27", **config) -> "Pod":
        await self.runtime.pull_image(image)
        self.container = self.runtime.create_container(self.sandbox, ContainerConfig("nginx", image, **config))
        await self.container.start()
        await self.logged("start worker process ")
        return self

    async def logged(self, text: str) -> None:
        """Waits until the log has the text, or the container has ended."""
        async with asyncio.timeout(5):
            async for _ in self.container.log.follow():
                if text in self.log:
                    return

    @property
    def log(self) -> str:
        return self.container.log.read().decode()

    def configure(self, text: str, path: str = "/etc/nginx/conf.d/default.conf") -> None:
        self.container.fs.write(path, text.encode())

    async def run(self, *argv: str) -> tuple[int, str]:
        """(exit code, output and errors) of a command in the container."""
        output, errors = Pipe(), Pipe()
        process = await self.container.exec(list(argv), stdout=output, stderr=errors)
        return await asyncio.wait_for(process.wait(), 5), (await output.read_all() + await errors.read_all()).decode()

    async def reload(self, text: str) -> None:
        """A new configuration in place of the image's, taken up."""
        self.configure(text)
        before = self.log.count("start worker processes")
        assert (await self.run("nginx", "-s", "reload"))[0] == 0
        async with asyncio.timeout(5):
            async for _ in self.container.log.follow():
                if self.log.count("start worker processes") > before or "[emerg]" in self.log:
                    return

    async def get(self, path: str = "/", port: int = 80, method: str = "GET", body: str = "", **headers: str) -> "Answer":
        reader, writer = await self.runtime.network.connect(HOST, self.ip, port)
        lines = {"Host": self.ip, "Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body:
            lines["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode())
        return Answer(await asyncio.wait_for(reader.read(), 5))


class Answer:
    def __init__(self, data: bytes):
        head, _, self.body = data.decode().partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        self.status = int(status.split()[1])
        self.reason = status.split(None, 2)[2]
        self.headers = dict(line.split(": ", 1) for line in lines)


@pytest.fixture
async def runtime():
    clock = Clock(1000)
    runtime = Runtime("node", clock, Network(clock))
    yield runtime
    for sandbox in list(runtime.sandboxes.values()):
        runtime.remove_sandbox(sandbox)


@pytest.fixture
async def pod(runtime):
    return await Pod(runtime).start()


# --- the image as it is ---

def test_tags_and_what_they_share():
    latest, numbered, alpine = (images.find(parse(name)) for name in ("nginx", "nginx:1.29", "nginx:alpine"))
    assert latest.digest == numbered.digest != alpine.digest
    assert latest.layers[0] == images.find(parse("nginx:1.28")).layers[0]
    assert alpine.layers[0] == images.find(parse("alpine")).layers[0]
    assert images.find(parse("nginx:nope")) is None
    assert latest.stop_signal == 3 and latest.ports == ["80/tcp"] and 70e6 < latest.size < 75e6


async def test_the_welcome_page(pod):
    answer = await pod.get()
    assert (answer.status, len(answer.body), "<title>Welcome to nginx!</title>" in answer.body) == (200, 615, True)
    assert answer.headers["Server"] == "nginx/1.27.5" and answer.headers["Content-Type"] == "text/html"
    assert answer.headers["Content-Length"] == "615" and re.fullmatch(r'"[0-9a-f]+-267"', answer.headers["ETag"])


@pytest.mark.parametrize(("image", "size"), [("nginx:1.14.2", 612), ("nginx:1.16.1-alpine", 612), ("nginx:1.28", 615), ("nginx", 615)])
async def test_other_versions(runtime, image, size):
    pod = Pod(runtime)
    await runtime.pull_image(image)
    container = runtime.create_container(pod.sandbox, ContainerConfig("nginx", image))
    await container.start()
    async with asyncio.timeout(5):
        while ("0.0.0.0", 80) not in pod.sandbox.stack.listeners:
            await asyncio.sleep(0.001)
    answer = await pod.get()
    assert len(answer.body) == size and answer.headers["Server"] == "nginx/" + dict(container.image.env)["NGINX_VERSION"]


async def test_the_start_is_logged_as_the_image_does(pod):
    lines = pod.log.splitlines()
    assert lines[:5] == [
        "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
        "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/",
        "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh",
        "10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf",
        "10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf"]
    assert "/docker-entrypoint.sh: Configuration complete; ready for start up" in lines
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[notice\] 1#1: nginx/1\.27\.5", lines[lines.index(
        "/docker-entrypoint.sh: Configuration complete; ready for start up") + 2])


async def test_access_and_error_lines(pod):
    assert (await pod.get("/nope?x=1", User_Agent="curl/8.5.0")).status == 404
    await pod.get("/", Referer="http://a/b", User_Agent='sly"agent')
    log = pod.log
    assert re.search(r"\[error\] (\d+)#\1: \*\d+ open\(\) ", log)
    assert (f'"/usr/share/nginx/html/nope" failed (2: No such file or directory), client: {HOST}, server: localhost, '
            f'request: "GET /nope?x=1 HTTP/1.1", host: "{pod.ip}"\n') in log
    assert re.search(rf"^{HOST} - - \[\d\d/\w{{3}}/\d{{4}}:\d\d:\d\d:\d\d \+0000\] ", log, re.MULTILINE)
    assert '] "GET /nope?x=1 HTTP/1.1" 404 153 "-" "curl/8.5.0" "-"\n' in log
    assert '"GET / HTTP/1.1" 200 615 "http://a/b" "sly\\x22agent" "-"' in log


async def test_what_is_in_the_container(pod):
    processes = [process.argv[0] for process in pod.container.processes.processes.values()]
    assert processes[0] == "nginx: master process nginx -g daemon off;" and set(processes[1:]) == {"nginx: worker process"}
    assert {process.uid for process in pod.container.processes.processes.values()} == {0, 101}
    fs = pod.container.fs
    assert fs.read("/run/nginx.pid") == b"1\n" and fs.readlink("/var/log/nginx/access.log") == "/dev/stdout"
    assert b"Debian" in fs.read("/etc/os-release") and b"nginx:x:101:101" in fs.read("/etc/passwd")
    assert await pod.run("nginx", "-v") == (0, "nginx version: nginx/1.27.5\n")
    assert (await pod.run("nginx", "-z")) == (1, 'nginx: invalid option: "z"\n')


async def test_files_written_into_the_container_are_served(pod):
    fs = pod.container.fs
    fs.write("/usr/share/nginx/html/index.html", b"hello\n")
    assert (await pod.get()).body == "hello\n"
    fs.mkdir("/usr/share/nginx/html/sub")
    answer = await pod.get("/sub")
    assert (answer.status, answer.headers["Location"]) == (301, f"http://{pod.ip}/sub/")
    assert (await pod.get("/sub/")).status == 403
    assert 'directory index of "/usr/share/nginx/html/sub/" is forbidden' in pod.log
    fs.write("/usr/share/nginx/html/closed", b"")
    fs.chmod("/usr/share/nginx/html/closed", 0)
    assert (await pod.get("/closed")).status == 403 and "(13: Permission denied)" in pod.log
    fs.write("/usr/share/nginx/html/a b.json", b"{}")
    assert (await pod.get("/a%20b.json")).headers["Content-Type"] == "application/json"


async def test_methods_conditions_and_ranges(pod):
    assert (await pod.get(method="HEAD")).body == "" and (await pod.get(method="POST", body="x")).status == 405
    answer = await pod.get()
    for headers in ({"If_Modified_Since": answer.headers["Last-Modified"]}, {"If_None_Match": answer.headers["ETag"]}):
        unchanged = await pod.get(**headers)
        assert (unchanged.status, unchanged.body) == (304, "")
    part = await pod.get(Range="bytes=0-14")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, "<!DOCTYPE html>", "bytes 0-14/615")
    assert (await pod.get(Range="bytes=999-")).status == 416
    assert (await pod.get("/../etc/passwd")).status == 400
    for path in ("/%2e%2e/%2e%2e/etc/passwd", "/%zz"):
        assert (await pod.get(path)).status == 400


async def test_a_connection_is_kept_alive_and_bad_requests_are_refused(pod):
    reader, writer = await pod.runtime.network.connect(HOST, pod.ip, 80)
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b"Connection: keep-alive" in head and len(await reader.readexactly(615)) == 615
    writer.write(b"nonsense\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 Bad Request\r\n")


# --- configuration ---

async def test_locations(pod):
    await pod.reload("""server {
        listen 80;
        location / { return 200 prefix; }
        location = /exact { return 200 exact; }
        location ^~ /static/ { return 200 static; }
        location /images/ { return 200 images; }
        location ~ \\.png$ { return 200 "regex $uri\\n"; }
        location ~* ^/user/(?<name>\\w+)/(\\d+)$ { return 200 "$name $2"; }
        location /nested/ { location /nested/in { return 200 inner; } return 200 outer; }
    }""")
    for path, body in {"/x": "prefix", "/exact": "exact", "/exact/": "prefix", "/static/a.png": "static", "/images/b": "images",
                       "/images/a.png": "regex /images/a.png\n", "/USER/ann/7": "ann 7"}.items():
        assert (await pod.get(path)).body == body, path
    assert (await pod.get("/nested/index")).body == "inner"


async def test_servers_are_chosen_by_port_and_name(pod):
    await pod.reload("""
        server { listen 80; server_name a.example; return 200 a; }
        server { listen 80 default_server; server_name _; return 200 default; }
        server { listen 80; server_name *.b.example; return 200 wild; }
        server { listen 8080; return 200 "port $server_port host $host"; }""")
    for host, body in {"a.example": "a", "A.example:80": "a", "x.b.example": "wild", "other": "default"}.items():
        assert (await pod.get(Host=host)).body == body
    assert (await pod.get(port=8080, Host="h:1")).body == "port 8080 host h"


async def test_files_aliases_and_fallbacks(pod):
    fs = pod.container.fs
    fs.mkdir("/srv/app/docs", parents=True)
    fs.write("/srv/app/index.html", b"app")
    fs.write("/srv/app/docs/a.txt", b"text")
    fs.write("/srv/oops.html", b"sorry")
    await pod.reload("""server {
        listen 80; root /srv/app; error_page 404 /oops.html; error_page 418 =200 @tea;
        add_header X-Always yes always; add_header X-Fine yes;
        location / { try_files $uri $uri/ /index.html; }
        location /files/ { alias /srv/app/docs/; autoindex on; }
        location /strict/ { try_files $uri =404; }
        location = /oops.html { root /srv; internal; }
        location /old { rewrite ^/old/(.*)$ /files/$1 last; }
        location /moved { return 301 /files/; }
        location /tea { return 418; }
        location @tea { return 200 teapot; }
        location /deny { deny all; }
        location /small { client_max_body_size 2; return 200 ok; }
    }""")
    assert (await pod.get("/any/route")).body == "app"
    assert (await pod.get("/files/a.txt")).body == "text" == (await pod.get("/old/a.txt")).body
    assert '<a href="a.txt">a.txt</a>' in (await pod.get("/files/")).body
    missing = await pod.get("/strict/x")
    assert (missing.status, missing.body, missing.headers["X-Always"], "X-Fine" in missing.headers) == (404, "sorry", "yes", False)
    assert (await pod.get("/moved")).headers["Location"] == f"http://{pod.ip}/files/"
    assert (await pod.get("/tea")).body == "teapot"
    assert (await pod.get("/oops.html")).status == 404
    assert (await pod.get("/small", method="POST", body="abc")).status == 413
    assert (await pod.get("/deny")).status == 403 and "access forbidden by rule" in pod.log


async def test_proxying(runtime, pod):
    other = await Pod(runtime).start()
    await other.reload("""server {
        listen 80;
        location / { return 200 "$request_uri $http_host $http_x_real_ip $http_x_forwarded_for"; }
        location /go { return 302 http://backend/there; }
    }""")
    runtime.network.nameservers["10.96.0.10"] = lambda name, kind: [other.ip] if name == "backend.default.svc.cluster.local" else []
    await pod.reload("""
        upstream pool { server 127.0.0.1:9; server backend; }
        server {
            listen 80;
            location /plain { proxy_pass http://backend; }
            location /cut/ { proxy_pass http://backend/; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
                             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
            location /pool { proxy_pass http://pool; }
            location /dead { proxy_pass http://127.0.0.1:9; }
        }""")
    assert (await pod.get("/plain/a?b=c")).body == "/plain/a?b=c backend  "
    assert (await pod.get("/cut/a?b", Host="me")).body == f"/a?b me {HOST} {HOST}"
    assert (await pod.get("/cut")).headers["Location"] == f"http://{pod.ip}/cut/"
    assert (await pod.get("/cut/go")).headers["Location"] == f"http://{pod.ip}/cut/there"
    assert [(await pod.get("/pool")).status for _ in range(2)] == [200, 200]
    assert (await pod.get("/dead")).status == 502
    assert 'connect() failed (111: Connection refused) while connecting to upstream, client: ' in pod.log
    assert 'upstream: "http://127.0.0.1:9/dead"' in pod.log


DEFAULT = "/etc/nginx/conf.d/default.conf"


@pytest.mark.parametrize(("text", "words"), [
    ("server { listen 80; ", f'unexpected end of file, expecting "}}" in {DEFAULT}:1'),
    ("server { listen 80 }", f'unexpected "}}" in {DEFAULT}:1'),
    ("server { listen 80; }\n}", f'unexpected "}}" in {DEFAULT}:2'),
    ("server { listen 80", f'unexpected end of file, expecting ";" or "}}" in {DEFAULT}:1'),
    ("server {\n  listen 80\n  server_name x;\n}", f'invalid parameter "server_name" in {DEFAULT}:3'),
    ("server { lisen 80; }", f'unknown directive "lisen" in {DEFAULT}:1'),
    ("listen 80;", f'"listen" directive is not allowed here in {DEFAULT}:1'),
    ("server { root /a /b; }", f'invalid number of arguments in "root" directive in {DEFAULT}:1'),
    ("server { listen 99999; }", f'invalid port in "99999" of the "listen" directive in {DEFAULT}:1'),
    ("server { root /a; root /b; }", f'"root" directive is duplicate in {DEFAULT}:1'),
    ("server { location / {} \n location / {} }", f'duplicate location "/" in {DEFAULT}:2'),
    ("server { return 200 $nope; }", 'unknown "nope" variable'),
    ("server { autoindex maybe; }", f'invalid value "maybe" in "autoindex" directive, it must be "on" or "off" in {DEFAULT}:1'),
    ("server { location / { proxy_pass backend; } }", f"invalid URL prefix in {DEFAULT}:1"),
    ("server { location / { proxy_pass http://backend:8080; } }", f'host not found in upstream "backend" in {DEFAULT}:1'),
    ("server { listen 80; listen 80; }", f"a duplicate listen 0.0.0.0:80 in {DEFAULT}:1"),
    ("server { location /a { location /b { } } }", f'location "/b" is outside location "/a" in {DEFAULT}:1'),
    ("server { location / { alias /a; root /b; } }",
     f'"root" directive is duplicate, "alias" directive was specified earlier in {DEFAULT}:1'),
    ("server { error_page abc /x; }", f'invalid value "abc" in {DEFAULT}:1'),
    ("server { allow 300.1.1.1; }", f'invalid parameter "300.1.1.1" in {DEFAULT}:1'),
    ("server { keepalive_timeout soon; }", f'"keepalive_timeout" directive invalid value in {DEFAULT}:1'),
    ("server { error_log stderr loud; }", f'invalid log level "loud" in {DEFAULT}:1'),
    ("server { listen 80; location ~ ( { } }", f'pcre2_compile() failed: missing closing parenthesis in "(" in {DEFAULT}:1'),
    (f"include {__file__};", f'open() "{__file__}" failed (2: No such file or directory) in {DEFAULT}:1'),
    ("include /etc/nginx/missing;", f'open() "/etc/nginx/missing" failed (2: No such file or directory) in {DEFAULT}:1'),
    ("server { access_log /dev/stdout fancy; }", f'unknown log format "fancy" in {DEFAULT}:1'),
    ("server { listen 80 default_server; } server { listen 80 default_server; }",
     f"a duplicate default server for 0.0.0.0:80 in {DEFAULT}:1"),
])
async def test_a_wrong_configuration_gets_nginxs_words(runtime, pod, text, words):
    def lookup(name, kind):
        raise NameNotFound(name)
    runtime.network.nameservers["10.96.0.10"] = lookup
    pod.configure(text)
    status, said = await pod.run("nginx", "-t")
    assert status == 1
    assert said.endswith(f"nginx: [emerg] {words}\nnginx: configuration file /etc/nginx/nginx.conf test failed\n")


async def test_a_wrong_configuration_ends_the_container(runtime):
    volume = Directory({"default.conf": File(b"server { listen 80; rot /x; }")})
    pod = await Pod(runtime).start(mounts=[Mount("/etc/nginx/conf.d", volume, read_only=True)])
    end = await asyncio.wait_for(pod.container.wait(), 5)
    words = f'unknown directive "rot" in {DEFAULT}:1\n'
    assert (end.code, end.reason) == (1, "Error")
    assert pod.log.endswith(f"nginx: [emerg] {words}") and f"[emerg] 1#1: {words}" in pod.log
    assert "info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)" in pod.log


async def test_a_wrong_configuration_does_not_end_a_running_server(pod):
    pod.configure("server { rot /x; }")
    status, said = await pod.run("nginx", "-s", "reload")
    assert status == 1 and said.endswith(f'nginx: [emerg] unknown directive "rot" in {DEFAULT}:1\n')
    pod.container.signal(SIGHUP)
    await pod.logged("[emerg] 1#1: unknown directive")
    assert (await pod.get()).status == 200


# --- the process ---

async def test_quit_ends_gracefully(pod):
    await pod.container.stop(30)
    assert (pod.container.exit.code, pod.container.exit.reason) == (0, "Completed")
    assert "signal 3 (SIGQUIT) received, shutting down" in pod.log and "gracefully shutting down" in pod.log
    assert pod.log.splitlines()[-1].endswith("1#1: exit")


async def test_quit_does_not_wait_for_idle_connections(pod):
    reader, writer = await pod.runtime.network.connect(HOST, pod.ip, 80)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"</html>\n")
    await asyncio.wait_for(pod.container.stop(10_000), 5)
    assert pod.container.exit.code == 0 and await asyncio.wait_for(reader.read(), 5) == b""


async def test_reload_keeps_serving_and_replaces_workers(pod):
    workers = {process.pid for process in pod.container.processes.processes.values()} - {1}
    pod.configure("server { listen 81; return 200 new; }")
    pod.container.signal(SIGHUP)
    for pid in workers:
        await pod.logged(f"worker process {pid} exited with code 0")
    assert (await pod.get(port=81)).body == "new"
    with pytest.raises(ConnectionRefusedError):
        await pod.get()
    assert not workers & set(pod.container.processes.processes)


async def test_a_killed_worker_is_replaced(pod):
    worker = next(process for process in pod.container.processes.processes.values() if process.pid != 1)
    worker.signal(SIGKILL)
    await pod.logged(f"worker process {worker.pid} exited on signal 9")
    assert (await pod.get()).status == 200


async def test_a_second_nginx_in_the_pod_cannot_bind(runtime, pod):
    second = runtime.create_container(pod.sandbox, ContainerConfig("second", "nginx:1.27"))
    await second.start()
    end = await asyncio.wait_for(second.wait(), 5)
    log = second.log.read().decode()
    assert end.code == 1 and log.count("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)") == 5
    assert log.endswith("nginx: [emerg] still could not bind()\n")


async def test_without_daemon_off_the_container_ends(runtime):
    pod = await Pod(runtime).start(command=["nginx"])
    assert (await asyncio.wait_for(pod.container.wait(), 5)).code == 0


async def test_limits_of_an_unprivileged_or_read_only_container(runtime):
    pod = await Pod(runtime).start(uid=1000)
    assert (await asyncio.wait_for(pod.container.wait(), 5)).code == 1
    assert pod.log.endswith('nginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)\n')
    pod = await Pod(runtime).start(read_only_root=True)
    assert (await asyncio.wait_for(pod.container.wait(), 5)).code == 1
    assert pod.log.endswith('nginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)\n')


async def test_templates_are_filled_in_from_the_environment(runtime):
    templates = Directory({"default.conf.template": File(b"server { listen ${PORT}; return 200 $uri; }")})
    pod = await Pod(runtime).start("nginx:1.27-alpine", env=[("PORT", "8080")], mounts=[Mount("/etc/nginx/templates", templates)])
    assert (await pod.get("/x", port=8080)).body == "/x"
    assert "Running envsubst on /etc/nginx/templates/default.conf.template to /etc/nginx/conf.d/default.conf" in pod.log
    assert b"Alpine" in pod.container.fs.read("/etc/os-release")

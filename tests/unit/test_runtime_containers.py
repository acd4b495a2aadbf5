"""Images, sandboxes and containers: pulling, starting, logs, exec, attach, stopping, limits."""
import asyncio
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import Network
from kubeschool.practice.runtime import images, log
from kubeschool.practice.runtime.filesystem import Directory, File
from kubeschool.practice.runtime.images.image import Image, Layer, executable, script, tree
from kubeschool.practice.runtime.log import Log
from kubeschool.practice.runtime.reference import InvalidReference, parse
from kubeschool.practice.runtime.runtime import (
    PULL_LATENCY,
    PULL_RATE,
    ContainerConfig,
    DnsConfig,
    ExecError,
    Mount,
    PullError,
    Runtime,
    StartError,
)
from kubeschool.practice.runtime.streams import Pipe, Terminal


async def app(process):
    """Does what its arguments say."""
    verb, *rest = [*process.argv[1:], "wait"]
    if verb == "fail":
        process.stderr.write(b"going down\n")
        return 3
    if verb == "eat":
        process.memory = int(rest[0])
    if verb == "graceful":
        ended = []
        process.on_signal(15, ended.append)
        await process.sleep(10**6)
        process.stdout.write(b"bye\n")
        return 0
    if verb == "show":
        process.stdout.write(process.fs.read(rest[0]))
        return 0
    if verb == "env":
        process.stdout.write("\n".join(f"{key}={value}" for key, value in process.env.items()).encode() + b"\n")
        return 0
    if verb == "copy":
        while data := await process.stdin.read():
            process.stdout.write(data)
        return 0
    await process.sleep(10**6)
    return 0


BASE = Layer("base", 100_000_000)


def build(tag):
    files = {"/bin/app": executable(app), "/bin/run": script("#!/bin/app fail\n"), "/bin/junk": script("junk"), "/etc/data": "data\n",
             "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nweb:x:101:101::/srv:/bin/sh\n"}
    layers = (BASE, Layer(f"app:{tag}", 20_000_000))
    return Image("docker.io/library/app", tag, layers, lambda: tree(files), [], ["app"] if tag != "bare" else [], [("MODE", "test")])


@pytest.fixture
async def runtime(monkeypatch):
    known = {"docker.io/library/app": SimpleNamespace(TAGS=("latest", "2", "bare"), build=build)}
    monkeypatch.setattr(images, "repositories", lambda: known)
    images._build.cache_clear()
    clock = Clock(1000)
    runtime = Runtime("node-1", clock, Network(clock), "10.244.3.0/24", "172.18.0.4")
    for image in ("app", "app:bare"):
        await runtime.pull_image(image)
    yield runtime
    for sandbox in list(runtime.sandboxes.values()):
        runtime.remove_sandbox(sandbox)
    images._build.cache_clear()


def sandbox(runtime, **more):
    return runtime.run_sandbox("web-1", "default", "uid", "web-1", DnsConfig(["10.96.0.10"], ["a.local", "b.local"], ["ndots:5"]), **more)


async def started(runtime, *args, **config):
    container = runtime.create_container(sandbox(runtime), ContainerConfig("c", config.pop("image", "app"), args=["app", *args], **config))
    await container.start()
    return container


async def output(runtime, *args, **config):
    container = await started(runtime, *args, **config)
    await asyncio.wait_for(container.wait(), 5)
    return container.log.read().decode()


# --- images ---

@pytest.mark.parametrize(("text", "full"), [
    ("nginx", "docker.io/library/nginx:latest"), ("nginx:1.27", "docker.io/library/nginx:1.27"), ("me/app", "docker.io/me/app:latest"),
    ("docker.io/nginx", "docker.io/library/nginx:latest"), ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
    ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
    ("nginx@sha256:" + "0" * 64, "docker.io/library/nginx@sha256:" + "0" * 64),
])
def test_references_are_normalised(text, full):
    assert str(parse(text)) == full


@pytest.mark.parametrize(("text", "words"), [
    ("", "invalid reference format"), ("a b", "invalid reference format"), ("nginx:", "invalid reference format"),
    ("nginx:-x", "invalid reference format"), ("a@sha256:zz", "invalid reference format"), ("-a", "invalid reference format"),
    ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
])
def test_bad_references_are_refused(text, words):
    with pytest.raises(InvalidReference) as problem:
        parse(text)
    assert str(problem.value) == words


@pytest.mark.parametrize(("image", "words"), [
    ("app:9", 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/app:9": failed to resolve reference '
              '"docker.io/library/app:9": docker.io/library/app:9: not found'),
    ("nope", 'failed to pull and unpack image "docker.io/library/nope:latest": failed to resolve reference '
             '"docker.io/library/nope:latest": pull access denied, repository does not exist or may require '
             'authorization: server message: insufficient_scope: '
             "authorization failed"),
    ("reg.example/x:1", 'failed to pull and unpack image "reg.example/x:1": failed to resolve reference "reg.example/x:1": failed to do '
                        'request: Head "https://reg.example/v2/x/manifests/1": dial tcp: lookup reg.example: no such host'),
])
async def test_pull_errors_are_containerds(runtime, image, words):
    with pytest.raises(PullError) as problem:
        await runtime.pull_image(image)
    assert str(problem.value) == words and runtime.image_status(image) is None


async def test_pulling_takes_time_by_size_and_shares_layers(runtime, monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
    monkeypatch.setattr(runtime.clock, "sleep", sleep)
    image = await runtime.pull_image("app:2")
    assert sum(slept) == pytest.approx(PULL_LATENCY + 20_000_000 / PULL_RATE), "the layer of 100 MB is there already"
    assert image is runtime.image_status("docker.io/library/app:2") and image.size == 120_000_000
    assert runtime.image_status(image.repo_digest) is image and image.repo_digest.startswith("docker.io/library/app@sha256:")
    runtime.remove_image("app:2")
    assert runtime.image_status("app:2") is None


# --- sandboxes ---

async def test_pods_get_addresses_and_files(runtime):
    aliases = ({"ip": "1.2.3.4", "hostnames": ["foo", "bar"]},)
    first, second = sandbox(runtime), sandbox(runtime, host_aliases=aliases, domain_name="web-1.sub.x")
    assert (first.ip, second.ip) == ("10.244.3.2", "10.244.3.3")
    runtime.remove_sandbox(first)
    assert sandbox(runtime).ip == "10.244.3.4"
    assert second.files["/etc/hosts"].data.decode().splitlines()[0] == "# Kubernetes-managed hosts file."
    assert second.files["/etc/hosts"].data.decode().endswith(
        "10.244.3.3\tweb-1.sub.x\tweb-1\n\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n")
    assert second.files["/etc/resolv.conf"].data == b"search a.local b.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    assert second.files["/etc/hostname"].data == b"web-1\n"
    host = sandbox(runtime, host_network=True)
    assert (host.ip, host.hostname) == ("172.18.0.4", "node-1")


async def test_a_node_runs_out_of_addresses(runtime):
    runtime.pod_cidr = "10.244.9.0/30"
    assert sandbox(runtime).ip == "10.244.9.2"
    with pytest.raises(OSError, match="no IP addresses available"):
        sandbox(runtime)


# --- containers ---

async def test_command_and_args_as_in_a_pod(runtime):
    for config, argv in (({}, ["app"]), ({"args": ["app", "x"]}, ["app", "x"]), ({"command": ["a"], "args": ["b"]}, ["a", "b"])):
        assert runtime.create_container(sandbox(runtime), ContainerConfig("c", "app", **config)).argv == argv
    with pytest.raises(StartError, match="no command specified"):
        runtime.create_container(sandbox(runtime), ContainerConfig("c", "app:bare"))


async def test_the_environment(runtime):
    text = await output(runtime, "env", env=[("MODE", "pod"), ("A", "1")], uid=101)
    assert {"MODE=pod", "A=1", "HOSTNAME=web-1", "HOME=/srv"} <= set(text.splitlines())


@pytest.mark.parametrize(("command", "words"), [
    ("nope", 'exec: "nope": executable file not found in $PATH'), ("/nope", 'exec: "/nope": stat /nope: no such file or directory'),
    ("/etc/data", 'exec: "/etc/data": permission denied'),
])
async def test_what_cannot_start_says_why(runtime, command, words):
    container = runtime.create_container(sandbox(runtime), ContainerConfig("c", "app", command=[command]))
    with pytest.raises(StartError) as problem:
        await container.start()
    assert str(problem.value) == ("failed to create containerd task: failed to create shim task: OCI runtime create failed: "
                                  "runc create failed: unable to start container process: error during container init: " + words)
    running = await started(runtime)
    with pytest.raises(ExecError) as problem:
        await running.exec([command])
    assert str(problem.value).endswith("OCI runtime exec failed: exec failed: unable to start container process: " + words)
    assert running.running


async def test_exits(runtime):
    for args, code, reason in ((["fail"], 3, "Error"), (["show", "/etc/data"], 0, "Completed"), (["eat", str(65 << 20)], 137, "OOMKilled")):
        container = await started(runtime, *args, memory_limit=64 << 20)
        end = await asyncio.wait_for(container.wait(), 5)
        assert (end.code, end.reason) == (code, reason) and end.started_at <= end.finished_at
    container = runtime.create_container(sandbox(runtime), ContainerConfig("c", "app", command=["/bin/junk"]))
    await container.start()
    assert (await container.wait()).code == 255 and container.log.read() == b"exec /bin/junk: exec format error\n"


async def test_stop_asks_and_then_kills(runtime):
    container = await started(runtime, "graceful")
    await asyncio.sleep(0)
    await container.stop(30)
    assert (container.exit.code, container.log.read()) == (0, b"bye\n")
    stubborn = await started(runtime)
    before = time.monotonic()
    await stubborn.stop(30)
    assert (stubborn.exit.code, stubborn.exit.signal, stubborn.exit.reason) == (137, 9, "Error")
    assert 0.03 <= time.monotonic() - before < 5


async def test_exec_runs_beside_the_container(runtime):
    container = await started(runtime)
    stdin, stdout, stderr = Pipe(), Pipe(), Pipe()
    process = await container.exec(["app", "copy"], stdin, stdout, stderr)
    stdin.write(b"to and fro")
    stdin.close()
    assert await asyncio.wait_for(stdout.read_all(), 5) == b"to and fro" and await stderr.read_all() == b""
    assert await process.wait() == 0 and process.ppid == 0 and container.running and container.log.read() == b""
    running = await container.exec(["app"])
    await container.stop(0)
    assert await running.wait() == 137
    with pytest.raises(ExecError, match="CONTAINER_EXITED"):
        await container.exec(["app"])


async def test_attach_and_stdin(runtime):
    container = await started(runtime, "copy", stdin=True)
    seen, gone = Pipe(), Pipe()
    stdin = container.attach(seen)
    container.attach(gone)
    gone.reader.close()
    stdin.write(b"line\n")
    stdin.close()
    assert await asyncio.wait_for(seen.read_all(), 5) == b"line\n" and container.log.read() == b"line\n"
    assert (await container.wait()).code == 0


async def test_a_container_with_a_terminal(runtime):
    container = await started(runtime, "copy", stdin=True, tty=True)
    assert isinstance(container.stdin, Terminal) and container.env["TERM"] == "xterm"
    container.stdin.type_in(b"hi\r\x04")
    assert (await asyncio.wait_for(container.wait(), 5)).code == 0
    assert container.log.read() == b"hi\r\nhi\r\n"


async def test_mounts_and_read_only_roots(runtime):
    key = File(b"value")
    mounts = [Mount("/data", Directory({"key": key})), Mount("/etc/data", key, read_only=True), Mount("/new/deep", Directory())]
    container = await started(runtime, mounts=mounts, read_only_root=True)
    assert container.fs.read("/data/key") == b"value" == container.fs.read("/etc/data") and container.fs.isdir("/new/deep")
    with pytest.raises(OSError):
        container.fs.write("/etc/x", b"")
    container.fs.write("/data/x", b"")


@pytest.mark.parametrize(("mounts", "words"), [
    ([Mount("/etc/data", Directory())], "not a directory"), ([Mount("/etc", File())], "not a directory"),
    ([Mount("/v", Directory(), read_only=True), Mount("/v/inner", Directory())], "read-only file system"),
])
async def test_what_cannot_be_mounted(runtime, mounts, words):
    with pytest.raises(StartError, match=f"error during container init: error mounting .*: {words}$"):
        await started(runtime, mounts=mounts)


async def test_proc_and_dev(runtime):
    container = await started(runtime, env=[("A", "1")])
    fs = container.fs
    assert fs.read("/proc/1/cmdline") == b"app\0" and b"A=1\0" in fs.read("/proc/1/environ")
    assert b"Name:\tapp\n" in fs.read("/proc/1/status") and b"PPid:\t0\n" in fs.read("/proc/1/status")
    assert b"MemTotal:" in fs.read("/proc/meminfo") and b" / overlay rw" in fs.read("/proc/mounts")
    fs.open("/proc/1/fd/1", "w").write(b"into the log\n")
    assert container.log.read() == b"into the log\n"
    zero, random = fs.open("/dev/zero"), fs.open("/dev/urandom")
    assert await zero.read(4) == bytes(4) and len(await random.read(8)) == 8 and await fs.open("/dev/null").read() == b""
    for path in ("/dev/full", "/dev/tty"):
        with pytest.raises(OSError):
            fs.open(path, "w").write(b"x")


async def test_usage_counts_memory_and_the_seconds_of_a_core(runtime, monkeypatch):
    at = [1000.0]
    monkeypatch.setattr("kubeschool.practice.runtime.process.time.monotonic", lambda: at[0] / runtime.clock.speed)
    container = await started(runtime, cpu_limit=0.5)
    process = container.processes.processes[1]
    at[0] += 10
    begin, _ = container.usage()
    process.memory = 10 << 20
    process.use_cpu(3 / runtime.clock.speed)
    at[0] += 10
    assert container.usage() == (pytest.approx(begin + 3), 10 << 20)
    process.cpu = 4
    at[0] += 10
    assert container.usage()[0] == pytest.approx(begin + 3 + 5) and process.cpu_seconds > 40  # the limit: half a core
    process.cpu = 0
    at[0] += 10
    assert container.usage()[0] == pytest.approx(begin + 3 + 5 + 1)  # a second's work was left to catch up on
    at[0] += 10
    assert container.usage()[0] == pytest.approx(begin + 3 + 5 + 1)


# --- logs ---

async def test_log_options():
    entries = Log()
    entries.write("stdout", b"one\ntw")
    entries.write("stderr", b"problem\n")
    entries.write("stdout", b"o\nrest")
    assert entries.read() == b"one\nproblem\ntwo\n"
    entries.close()
    assert entries.read() == b"one\nproblem\ntwo\nrest"
    assert entries.read(tail=2) == b"two\nrest" and entries.read(tail=0) == b"" and entries.read(limit_bytes=5) == b"one\np"
    assert entries.read(stream="Stderr") == b"problem\n"
    assert entries.read(since=datetime.now(UTC) + timedelta(seconds=1)) == b""
    stamp, _, text = entries.read(tail=1, timestamps=True).partition(b" ")
    assert text == b"rest" and len(stamp) == len("2026-01-01T00:00:00.000000000Z")


async def test_following_a_log():
    entries = Log()
    entries.write("stdout", b"1\n2\n")

    async def follow():
        return [chunk async for chunk in entries.follow(tail=1)]
    following = asyncio.ensure_future(follow())
    await asyncio.sleep(0)
    entries.write("stdout", b"3\n")
    await asyncio.sleep(0)
    entries.write("stderr", b"4")
    entries.close()
    assert b"".join(await asyncio.wait_for(following, 5)) == b"2\n3\n4"


def test_a_log_keeps_the_newest_lines(monkeypatch):
    monkeypatch.setattr(log, "MAX_BYTES", 1000)
    entries = Log()
    for number in range(100):
        entries.write("stdout", b"%d\n" % number)
    assert entries.read().startswith(b"8") and entries.read().endswith(b"99\n")

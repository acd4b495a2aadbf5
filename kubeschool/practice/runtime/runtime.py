"""One node's container runtime: images, pod sandboxes and containers, behind an API like CRI. Only the kubelet calls it."""
import asyncio
import errno
import ipaddress
import posixpath
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..clock import Clock, now
from ..component_log import ComponentLog
from ..network.network import Network, Stack
from . import images, procfs
from .filesystem import Directory, File, FileSystem
from .images.image import Image, Layer
from .log import Log
from .process import DEFAULT_PATH, SIGKILL, PidNamespace, Process, ProcessTable
from .reference import InvalidReference, Reference, parse
from .streams import Null, Pipe, Sink, Stream, Terminal

PULL_RATE = 400e6
"""Bytes a second, unpacking included: nginx in about a quarter of a second."""
PULL_LATENCY = 0.05
PAUSE = "registry.k8s.io/pause:3.10.1"
KERNEL = "6.12.57"
HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\n" \
        "fe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"


RUNC_FAILED = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: " \
              "unable to start container process: "
START_FAILED = f"{RUNC_FAILED}error during container init: "


class PullError(Exception):
    """The message is containerd's own."""


class StartError(Exception):
    """The container's process could not be started; the message is containerd's."""


class ExecError(Exception):
    """A command could not be started in a container; the message is containerd's."""


@dataclass
class DnsConfig:
    """What goes into /etc/resolv.conf."""

    nameservers: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)


@dataclass
class Mount:
    path: str
    source: Directory | File
    read_only: bool = False


@dataclass
class ContainerConfig:
    """`env` in order, later entries win; `memory_limit` bytes, `cpu_limit` cores; `uid`/`gid` None for the image's user,
    `groups` the supplemental ones; `attempt` counts the container's restarts (CRI ContainerMetadata); `target` is the container whose
    processes it shall see (NamespaceMode TARGET)."""

    name: str
    image: str
    command: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    env: list[tuple[str, str]] = field(default_factory=list)
    working_dir: str = ""
    mounts: list[Mount] = field(default_factory=list)
    uid: int | None = None
    gid: int | None = None
    tty: bool = False
    stdin: bool = False
    memory_limit: int | None = None
    cpu_limit: float | None = None
    stop_signal: int | None = None
    read_only_root: bool = False
    attempt: int = 0
    target: str = ""
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Exit:
    """`reason` is Completed, Error or OOMKilled; `signal` what killed it (0: it ended by itself)."""

    code: int
    reason: str
    signal: int
    started_at: datetime
    finished_at: datetime


@dataclass
class Machine:
    """The simulated computer under a node, as /proc shows it: memory in bytes, `uptime` in seconds."""

    cpus: int = 4
    memory: int = 8 << 30
    kernel: str = KERNEL
    booted: float = field(default_factory=time.time)
    memory_in_use: Callable[[], int] = lambda: 0

    @property
    def uptime(self) -> float:
        return time.time() - self.booted


class Sandbox:
    """A pod's shared parts: network namespace, hostname, /etc/hosts and /etc/resolv.conf, and with shareProcessNamespace its processes, of
    which pause is the first. `ready` until it is stopped."""

    def __init__(self, uid: str, network: Network, stack: Stack, hostname: str, host_network: bool):
        self.id = secrets.token_hex(32)
        self.uid, self.ready = uid, True
        self.network, self.stack, self.hostname, self.host_network = network, stack, hostname, host_network
        self.files: dict[str, File] = {}
        self.containers: list[Container] = []
        self.pause: ProcessTable | None = None

    @property
    def ip(self) -> str:
        return self.stack.ip

    def pid_namespace(self, target: str) -> PidNamespace | None:
        """The one its containers share, or that of a running container; None for a new one."""
        tables = [self.pause] if self.pause else [c.processes for c in self.containers if c.running and c.config.name == target]
        return tables[-1].namespace if tables else None


class Container:
    """Made by Runtime.create_container. It runs once: a restart is a new container."""

    def __init__(self, runtime: "Runtime", sandbox: Sandbox, config: ContainerConfig, image: Image):
        self.id = secrets.token_hex(32)
        self.runtime, self.sandbox, self.config, self.image = runtime, sandbox, config, image
        self.log = Log()
        self.stdin: Pipe | Terminal | None = None
        self.exit: Exit | None = None
        self.started_at: datetime | None = None
        self._exited = asyncio.Event()
        self._attached: list[tuple[Stream | None, Stream | None]] = []
        self.fs = FileSystem(image.root)
        self.fs.groups = config.groups
        self.processes = ProcessTable(self.fs, runtime.clock, sandbox, self, config.memory_limit, sandbox.pid_namespace(config.target))
        self.processes.on_exit = self._process_ended
        self.env = self._environment()
        self.uid = image.uid if config.uid is None else config.uid
        self.gid = (image.gid if config.uid is None else 0) if config.gid is None else config.gid
        self.cwd = config.working_dir or image.working_dir

    @property
    def hostname(self) -> str:
        return self.sandbox.hostname

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.exit is None

    def _environment(self) -> dict[str, str]:
        env = {"PATH": DEFAULT_PATH, "HOSTNAME": self.sandbox.hostname, **dict(self.image.env), **dict(self.config.env)}
        if self.config.tty:
            env.setdefault("TERM", "xterm")
        return env

    def _mount(self) -> None:
        fs = self.fs
        fs.umask = 0
        fs.mount("/proc", procfs.proc(self.processes, self.runtime.machine), kind="proc")
        fs.mount("/dev", procfs.dev(), kind="tmpfs")
        fs.mount("/sys", Directory(mode=0o555), read_only=True, kind="sysfs")
        for path, file in self.sandbox.files.items():
            if not any(posixpath.normpath(mount.path) == path for mount in self.config.mounts):
                fs.mount(path, file)
        for mount in sorted(self.config.mounts, key=lambda mount: mount.path.count("/")):
            try:
                fs.mount(mount.path, mount.source, mount.read_only)
            except OSError as problem:
                source = f"/var/lib/kubelet/pods/{self.sandbox.uid}/volumes"
                raise StartError(f'{START_FAILED}error mounting "{source}" to rootfs at "{mount.path}": mount src={source}, '
                                 f"dst={mount.path}, flags=MS_BIND|MS_REC: {problem.strerror.lower()}") from None
        if not fs.exists(self.cwd):
            fs.mkdir(self.cwd, 0o755, parents=True)
        fs.umask = 0o022
        if self.config.read_only_root:
            fs.make_read_only()
        if "HOME" not in self.env:
            self.env["HOME"] = self._home()

    def _home(self) -> str:
        """As runc: the user's home in /etc/passwd, else /."""
        try:
            users = (line.split(":") for line in self.fs.read("/etc/passwd").decode().splitlines())
            return next((user[5] for user in users if len(user) > 5 and user[2] == str(self.uid)), "/")
        except OSError:
            return "/"

    @property
    def argv(self) -> list[str]:
        """Kubernetes' command replaces the image's entrypoint and drops its command; args replace the image's command."""
        config, image = self.config, self.image
        if config.command:
            return config.command + config.args
        return image.entrypoint + (config.args or image.command)

    async def start(self) -> None:
        """Raises StartError."""
        self._mount()
        stdout, stderr = Sink(lambda data: self._output("stdout", data)), Sink(lambda data: self._output("stderr", data))
        terminal = None
        if self.config.tty:
            self.stdin = terminal = Terminal(lambda data: self._output("stdout", data))
            streams = {"terminal": terminal}
        else:
            self.stdin = Pipe() if self.config.stdin else None
            streams = {"stdin": self.stdin or Null(), "stdout": stdout, "stderr": stderr}
        self.started_at = now()
        try:
            self._run(self.argv, streams)
        except OSError as problem:
            self.started_at = None
            raise StartError(START_FAILED + _words(self.argv[0], problem)) from problem

    def _run(self, argv: list[str], streams: dict, env: dict[str, str] | None = None) -> Process:
        try:
            return self.processes.start(argv, env or self.env, cwd=self.cwd, uid=self.uid, gid=self.gid, **streams)
        except OSError as problem:
            if problem.errno != errno.ENOEXEC:
                raise
            words = f"exec {argv[0]}: exec format error\n".encode()

            async def failed(process: Process) -> int:
                process.stderr.write(words)
                return 255
            return self.processes.start(argv, env or self.env, cwd="/", program=failed, **streams)

    async def exec(self, argv: list[str], stdin: Stream | Pipe | None = None, stdout: Stream | Pipe | None = None,
                   stderr: Stream | Pipe | None = None, terminal: Terminal | None = None) -> Process:
        """Starts a command beside the container's own; `await process.wait()` for its exit code. The streams are handed over: a Pipe given
        as stdout ends when the command has. Raises ExecError."""
        streams = {"terminal": terminal} if terminal else {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        env = {**self.env, "TERM": "xterm"} if terminal else self.env
        if not self.running:
            state = "CONTAINER_EXITED" if self.exit else "CONTAINER_CREATED"
            raise ExecError(f"failed to exec in container: container is in {state} state")
        try:
            return self._run(argv, streams, env)
        except OSError as problem:
            raise ExecError(f'failed to exec in container: failed to start exec "{secrets.token_hex(32)}": OCI runtime exec failed: '
                            f"exec failed: unable to start container process: {_words(argv[0], problem)}") from problem

    def attach(self, stdout: Stream | Pipe | None, stderr: Stream | Pipe | None = None) -> Pipe | Terminal | None:
        """Copies what the container writes from now on to these streams (handed over; closed when the container ends, dropped when their
        reader closes) and returns its standard input: a Pipe, a Terminal when it has one, or None."""
        ends = tuple(stream.writer if isinstance(stream, Pipe) else stream for stream in (stdout, stderr))
        if self.exit:
            _close(ends)
        else:
            self._attached.append(ends)
        return self.stdin

    def _output(self, name: str, data: bytes) -> None:
        self.log.write(name, data)
        for ends in list(self._attached):
            stream = ends[name == "stderr"]
            try:
                if stream:
                    stream.write(data)
            except BrokenPipeError:
                self._attached.remove(ends)

    def _process_ended(self, process: Process) -> None:
        if process is not self.processes.init:
            return
        oom = self.processes.oom_killed
        reason = "OOMKilled" if oom else "Error" if process.exit_code else "Completed"
        self.exit = Exit(process.exit_code, reason, process.killed_by or 0, self.started_at, now())
        self.log.close()
        for ends in self._attached:
            _close(ends)
        self._attached = []
        self._exited.set()

    async def wait(self) -> Exit:
        await self._exited.wait()
        return self.exit

    def signal(self, n: int) -> None:
        """Sends a signal to its first process from outside, as the runtime does."""
        if self.running:
            self.processes.init.signal(n, outside=True)

    async def stop(self, grace_seconds: float) -> None:
        """The stop signal, then SIGKILL after `grace_seconds` of cluster time; returns when the container has ended."""
        if not self.running:
            return
        self.signal(self.config.stop_signal or self.image.stop_signal)
        try:
            async with asyncio.timeout(self.runtime.clock.real(grace_seconds)):
                await self._exited.wait()
        except TimeoutError:
            self.signal(SIGKILL)
            await self._exited.wait()

    def usage(self) -> tuple[float, int]:
        """(cluster seconds of a core used so far, bytes of memory in use)."""
        return self.processes.cpu_seconds, self.processes.memory


def _close(ends: tuple[Stream | None, ...]) -> None:
    for stream in ends:
        if stream:
            stream.close()


def _words(name: str, problem: OSError) -> str:
    """Go's os/exec words for a command that cannot be started."""
    if isinstance(problem, FileNotFoundError):
        return f'exec: "{name}": ' + (f"stat {name}: no such file or directory" if "/" in name else "executable file not found in $PATH")
    if isinstance(problem, PermissionError):
        return f'exec: "{name}": permission denied'
    return f'exec: "{name}": {(problem.strerror or str(problem)).lower()}'


class Runtime:
    """`pod_cidr` is the node's share of the pod network (spec.podCIDR), `node_ip` the address of hostNetwork pods."""

    def __init__(self, node_name: str, clock: Clock, network: Network, pod_cidr: str = "10.244.0.0/24", node_ip: str = "172.18.0.2"):
        self.node_name, self.clock, self.network = node_name, clock, network
        self.pod_cidr, self.node_ip = pod_cidr, node_ip
        self.machine = Machine()
        self.machine.memory_in_use = lambda: sum(c.processes.memory for s in self.sandboxes.values() for c in s.containers)
        self.sandboxes: dict[str, Sandbox] = {}
        self.components: Mapping[str, ComponentLog] = {}
        """What is real behind the images of the cluster's own components."""
        self._images: dict[str, Image] = {}
        self._layers: set[Layer] = set()
        self._pulling: dict[Layer, asyncio.Future] = {}
        self._next_host = 2

    # --- images ---

    async def pull_image(self, reference: str) -> Image:
        """Raises PullError; takes as long as its missing layers are big."""
        try:
            name = parse(reference)
        except InvalidReference as problem:
            raise PullError(f'failed to parse image reference "{reference}": {problem}') from None
        await self.clock.sleep(PULL_LATENCY)
        image = _resolve(name)
        for layer in image.layers:
            await self._pull_layer(layer)
        self._images[image.repo_tag] = image
        return image

    async def _pull_layer(self, layer: Layer) -> None:
        if layer in self._layers:
            return
        if layer in self._pulling:
            await asyncio.shield(self._pulling[layer])
            return
        self._pulling[layer] = asyncio.ensure_future(self.clock.sleep(layer.size / PULL_RATE))
        try:
            await asyncio.shield(self._pulling[layer])
            self._layers.add(layer)
        finally:
            del self._pulling[layer]

    def image_status(self, reference: str) -> Image | None:
        """The image when it is on this node. Raises InvalidReference."""
        name = parse(reference)
        if name.digest:
            return next((i for i in self._images.values() if i.repository == name.repository and i.digest == name.digest), None)
        return self._images.get(str(name))

    def list_images(self) -> list[Image]:
        return list(self._images.values())

    def load_image(self, reference: str) -> None:
        """Puts an image on the node without a pull: one that was on its disk before."""
        try:
            image = _resolve(parse(reference))
        except (InvalidReference, PullError):
            return
        self._layers |= set(image.layers)
        self._images[image.repo_tag] = image

    def remove_image(self, reference: str) -> None:
        image = self.image_status(reference)
        if image:
            del self._images[image.repo_tag]
            self._layers &= {layer for kept in self._images.values() for layer in kept.layers}

    # --- sandboxes ---

    def run_sandbox(self, pod_name: str, namespace: str, uid: str, hostname: str, dns: DnsConfig, host_network: bool = False,
                    host_aliases: tuple[dict, ...] = (), domain_name: str = "", share_processes: bool = False) -> Sandbox:
        """`host_aliases` as in the pod's spec ({ip, hostnames}); `domain_name` is the pod's full name when it has a subdomain. Raises
        OSError when the node has no pod address left."""
        stack = self.network.attach(self.node_ip if host_network else self._address())
        sandbox = Sandbox(uid, self.network, stack, self.node_name if host_network else hostname, host_network)
        hosts = HOSTS if host_network else "# Kubernetes-managed hosts file.\n" + HOSTS
        if host_network:
            hosts = "# Kubernetes-managed hosts file (host network).\n" + hosts
        else:
            hosts += f"{stack.ip}\t{domain_name}\t{hostname}\n" if domain_name else f"{stack.ip}\t{hostname}\n"
        if host_aliases:
            hosts += "\n# Entries added by HostAliases.\n"
            hosts += "".join("\t".join([alias["ip"], *alias.get("hostnames", [])]) + "\n" for alias in host_aliases)
        lines = ["search " + " ".join(dns.searches)] if dns.searches else []
        lines += [f"nameserver {server}" for server in dns.nameservers]
        lines += ["options " + " ".join(dns.options)] if dns.options else []
        sandbox.files = {"/etc/hostname": File(f"{sandbox.hostname}\n".encode()), "/etc/hosts": File(hosts.encode()),
                         "/etc/resolv.conf": File("".join(line + "\n" for line in lines).encode())}
        self.sandboxes[sandbox.id] = sandbox
        if share_processes:
            self._start_pause(sandbox)
        return sandbox

    def _start_pause(self, sandbox: Sandbox) -> None:
        image = _resolve(parse(PAUSE))
        sandbox.pause = ProcessTable(FileSystem(image.root), self.clock)
        sandbox.pause.on_exit = lambda process: self.stop_sandbox(sandbox)
        sandbox.pause.start(image.entrypoint, uid=image.uid, gid=image.gid)

    def _address(self) -> str:
        """The next free address of the node's range, as CNI's host-local allocates: in turn, not the lowest."""
        network = ipaddress.ip_network(self.pod_cidr)
        usable = network.num_addresses - 3
        for _ in range(usable):
            ip = str(network[self._next_host])
            self._next_host = 2 + (self._next_host - 1) % usable
            if ip not in self.network.stacks:
                return ip
        raise OSError(errno.EADDRNOTAVAIL, f"failed to allocate for range 0: no IP addresses available in range set: "
                                           f"{network[1]}-{network[-2]}")

    def stop_sandbox(self, sandbox: Sandbox) -> None:
        """Kills what still runs in it and frees its address; its containers' logs stay."""
        for container in sandbox.containers:
            container.signal(SIGKILL)
        if sandbox.pause:
            sandbox.pause.kill_all()
        if sandbox.ready:
            sandbox.ready = False
            self.network.detach(sandbox.ip)

    def remove_sandbox(self, sandbox: Sandbox) -> None:
        """Stops it and forgets it."""
        self.stop_sandbox(sandbox)
        self.sandboxes.pop(sandbox.id, None)

    # --- containers ---

    def create_container(self, sandbox: Sandbox, config: ContainerConfig) -> Container:
        """Raises StartError when the image says nothing to run and neither does the pod; the image must be on this node."""
        image = self.image_status(config.image)
        if image is None:
            raise StartError(f'failed to create containerd container: image "{config.image}": not found')
        if not (config.command or config.args or image.entrypoint or image.command):
            raise StartError("failed to generate container spec: no command specified")
        container = Container(self, sandbox, config, image)
        sandbox.containers.append(container)
        return container

    def remove_container(self, container: Container) -> None:
        """Kills it when it runs, and forgets it and its files."""
        container.signal(SIGKILL)
        if container in container.sandbox.containers:
            container.sandbox.containers.remove(container)


def _resolve(name: Reference) -> Image:
    """The image as the registry knows it; raises PullError in containerd's words (core/remotes/docker/resolver.go)."""
    prefix = f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": '
    try:
        image = images.find(name)
    except KeyError:
        known = {repository.partition("/")[0] for repository in images.repositories()}
        if name.domain == "docker.io":
            raise PullError(prefix + "pull access denied, repository does not exist or may require authorization: server message: "
                                     "insufficient_scope: authorization failed") from None
        if name.domain not in known:
            host = name.domain.partition(":")[0]
            kind = f"manifests/{name.tag or name.digest}"
            raise PullError(f'{prefix}failed to do request: Head "https://{name.domain}/v2/{name.path}/{kind}": dial tcp: '
                            f"lookup {host}: no such host") from None
        image = None
    if image is None:
        raise PullError(f"rpc error: code = NotFound desc = {prefix}{name}: not found")
    return image

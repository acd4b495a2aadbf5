"""What the API server asks of a node (a real kubelet serves it on port 10250): logs, exec, attach, port-forward; and the
metrics server: what containers use (`pkg/kubelet/server/server.go`, `pkg/kubelet/kubelet_pods.go`)."""
import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from ..apiserver.errors import ApiError, bad_request, not_found
from ..clock import now, parse
from ..runtime.runtime import ExecError
from ..runtime.streams import Pipe, Terminal
from .usage import ContainerUsage, usage

if TYPE_CHECKING:
    from .kubelet import Kubelet
    from .pod_worker import PodWorker
    from .runs import Run

PULL_PROBLEMS = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


class KubeletServer:
    def __init__(self, kubelet: "Kubelet"):
        self._kubelet = kubelet

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        previous: bool = False,
        tail: int | None = None,
        since_seconds: int | None = None,
        since_time: str | None = None,
        timestamps: bool = False,
        limit_bytes: int | None = None,
        stream: str = "All",
    ) -> AsyncIterator[bytes]:
        """Raises ApiError 400 when there is no such run of the container."""
        run = self._run_with_log(self._worker(namespace, pod), container, previous)
        if run.container is None:
            return _once(f"unable to retrieve container logs for {run.container_id}".encode())
        log = run.container.log
        since = parse(since_time) if since_time else now() - timedelta(seconds=since_seconds) if since_seconds else None
        if follow and not previous:
            return log.follow(tail, since, timestamps, limit_bytes, stream)
        return _once(log.read(tail, since, timestamps, limit_bytes, stream))

    async def exec(
        self, namespace: str, pod: str, container: str, command: list[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> "Session":
        """Raises ApiError; reason InternalError when the runtime cannot start the command."""
        running = self._running(namespace, pod, container).container
        session = Session(stdin, tty)
        try:
            if tty:
                session.process = await running.exec(command, terminal=session.terminal)
            else:
                session.process = await running.exec(command, session.stdin, *session.outputs.values())
        except ExecError as error:
            words = f"Internal error occurred: error executing command in container: {error}"
            raise ApiError(500, "InternalError", words) from None
        session.watch(session.process.wait())
        return session

    async def attach(self, namespace: str, pod: str, container: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> "Session":
        running = self._running(namespace, pod, container).container
        session = Session(False, False)
        into = running.attach(*session.outputs.values())
        if stdin:
            session.stdin = into
            session.terminal = into if isinstance(into, Terminal) else None
            session.once = _stdin_once(self._worker(namespace, pod).pod, container)

        async def ended() -> int:
            return (await running.wait()).code

        session.watch(ended())
        return session

    async def port_forward(self, namespace: str, pod: str, port: int) -> tuple:
        """(reader, writer) of a connection to a port of the pod, as from inside it. Raises ApiError with what the client is told
        (containerd `internal/cri/server/sandbox_portforward_linux.go`)."""
        worker = self._worker(namespace, pod)
        sandbox = worker.sandbox
        if sandbox is None or not sandbox.ready:
            raise ApiError(500, "", f"error forwarding port {port} to pod {worker.uid}, uid : container not running ({worker.uid})")
        try:
            return await self._kubelet.runtime.network.connect(sandbox.ip, "127.0.0.1", port)
        except OSError as error:
            why = "connect: connection refused" if isinstance(error, ConnectionRefusedError) else f"connect: {error.strerror or error}"
            raise ApiError(
                500,
                "",
                f"error forwarding port {port} to pod {sandbox.id}, uid : failed to execute portforward in network namespace "
                f'"/var/run/netns/cni-{UUID(sandbox.id[:32])}": failed to connect to localhost:{port} inside namespace "{sandbox.id}", '
                f"IPv4: dial tcp4 127.0.0.1:{port}: {why} IPv6 dial tcp6 [::1]:{port}: {why} ",
            ) from error

    def usage(self) -> list[ContainerUsage]:
        """What every container on the node uses now."""
        return list(usage(self._kubelet.workers.values(), asyncio.get_running_loop().time(), self._kubelet.clock.speed))

    def _worker(self, namespace: str, pod: str) -> "PodWorker":
        worker = self._kubelet.worker(namespace, pod)
        if worker is None:
            raise not_found("pods", pod)
        return worker

    def _running(self, namespace: str, pod: str, container: str) -> "Run":
        run = self._worker(namespace, pod).current(container)
        if run is None or not run.running:
            raise ApiError(500, "", f'container not found ("{container}")')
        return run

    def _run_with_log(self, worker: "PodWorker", container: str, previous: bool) -> "Run":
        """The run whose log is meant (`kubelet_pods.go` validateContainerLogStatus)."""
        name = worker.pod["metadata"]["name"]
        runs = worker.seen.runs.get(container, [])
        reason = worker.seen.waiting.get(container, ("",))[0]
        if previous:
            waits = bool(reason) and bool(runs)
            if len(runs) < (1 if waits else 2):
                raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
            return runs[-1] if waits else runs[-2]
        if runs:
            return runs[-1]
        if worker.seen.ended:
            raise bad_request(f'container "{container}" in pod "{name}" is terminated')
        reason = reason or ("PodInitializing" if worker.pod["spec"].get("initContainers") else "ContainerCreating")
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {PULL_PROBLEMS.get(reason, reason)}')


class Session:
    """A client's hold on a process: exec's own, or what runs in an attached container. A client that reads slowly holds the process up."""

    def __init__(self, stdin: bool, tty: bool):
        self.process = None
        self.once = True
        """Whether the end of the client's input is the end of the process's."""
        self.outputs = {"stdout": Pipe(), "stderr": Pipe()}
        self.terminal: Terminal | None = Terminal(self.outputs["stdout"].write) if tty else None
        self.stdin: Pipe | Terminal | None = self.terminal or (Pipe() if stdin else None)
        self._code: asyncio.Task | None = None

    def watch(self, ending: Coroutine) -> None:
        """`ending` is awaited for the exit code; the output ends with it, whoever else still holds the pipes."""
        self._code = asyncio.create_task(ending)
        self._code.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task) -> None:
        for pipe in self.outputs.values():
            pipe.ended = True
            pipe.wake()

    async def write_stdin(self, data: bytes) -> None:
        """Waits while the process does not read. Raises BrokenPipeError when it never will."""
        if isinstance(self.stdin, Terminal):
            self.stdin.type_in(data)
        elif self.stdin:
            self.stdin.write(data)
            await self.stdin.drain()

    def close_stdin(self) -> None:
        if isinstance(self.stdin, Pipe) and self.once and not self.stdin.ended:
            self.stdin.close()

    def resize(self, rows: int, columns: int) -> None:
        if self.terminal:
            self.terminal.resize(rows, columns)

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """("stdout" | "stderr", bytes) until the process has ended and all is read; what was written first comes first."""
        pieces: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(1)

        async def pump(name: str, pipe: Pipe) -> None:
            while data := await pipe.read():
                await pieces.put((name, data))
            await pieces.put((name, b""))

        pumps = [asyncio.create_task(pump(*output)) for output in self.outputs.items()]
        unfinished = len(pumps)
        try:
            while unfinished:
                name, data = await pieces.get()
                if data:
                    yield name, data
                else:
                    unfinished -= 1
        finally:
            for task in pumps:
                task.cancel()

    async def wait(self) -> int:
        return await self._code

    def close(self) -> None:
        """The client is gone: a command of its own loses its terminal or its input, and whoever writes on finds nobody reading."""
        for pipe in self.outputs.values():
            if not pipe.abandoned:
                pipe.reader.close()
        if self.process is None:
            if self._code:
                self._code.cancel()
        elif self.terminal:
            self.terminal.hang_up()
        else:
            self.once = True
            self.close_stdin()


def _stdin_once(pod: dict, container: str) -> bool:
    spec = next((c for kind in ("containers", "initContainers", "ephemeralContainers") for c in pod["spec"].get(kind, ())
                 if c["name"] == container), {})
    return spec.get("stdinOnce", False)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    if data:
        yield data

"""One run of a container, as the runtime reports it (`pkg/kubelet/container/runtime.go` Status)."""
import asyncio
from datetime import datetime

from ..clock import now, parse, timestamp

NEVER = "1970-01-01T00:00:00Z"
MAX_MESSAGE = 4096
MAX_LOG_MESSAGE, MAX_LOG_LINES = 2048, 80


class Run:
    """A runtime container and what the kubelet knows of it."""

    def __init__(self, container, message_path: str = "", message_from_log: bool = False):
        """`message_path` is where the container writes its termination message."""
        self.container = container
        self.container_id = f"containerd://{container.id}"
        self.name, self.restart_count = container.config.name, container.config.attempt
        self.image, self.image_id = image_name(container.image), container.image.repo_digest
        self.spec_image = container.config.image
        self.start_error: tuple[str, datetime] | None = None
        self._message_path, self._message_from_log = message_path, message_from_log

    @property
    def user(self) -> dict:
        container = self.container
        groups = sorted({container.gid, *container.config.groups})
        return {"uid": container.uid, "gid": container.gid, "supplementalGroups": groups}

    @property
    def running(self) -> bool:
        return self.container.running

    @property
    def exited(self) -> bool:
        return self.container.exit is not None or self.start_error is not None

    @property
    def exit_code(self) -> int | None:
        if self.start_error:
            return 128
        return self.container.exit.code if self.container.exit else None

    @property
    def started(self) -> float:
        """Loop time it was started."""
        return _loop_time(self.container.started_at or now())

    @property
    def finished(self) -> float:
        """Loop time it ended."""
        return _loop_time(self.start_error[1] if self.start_error else self.container.exit.finished_at)

    def state(self) -> dict:
        """A v1.ContainerState."""
        if self.start_error:
            message, at = self.start_error
            return _terminated(128, "StartError", message, NEVER, timestamp(at), self.container_id)
        if exit_ := self.container.exit:
            times = timestamp(exit_.started_at), timestamp(exit_.finished_at)
            return _terminated(exit_.code, exit_.reason, self._message(exit_.code), *times, self.container_id)
        if self.running:
            return {"running": {"startedAt": timestamp(self.container.started_at)}}
        return {"waiting": {}}

    def _message(self, code: int) -> str:
        """The termination message (`kuberuntime_container.go` getTerminationMessage)."""
        mount = next((m for m in self.container.config.mounts if m.path == self._message_path), None)
        text = mount.source.data[:MAX_MESSAGE].decode(errors="replace") if mount else ""
        if not text and self._message_from_log and code:
            text = self.container.log.read(tail=MAX_LOG_LINES)[-MAX_LOG_MESSAGE:].decode(errors="replace")
        return text


class LostRun:
    """A run that the API knows of and the runtime no longer has: the node was started anew. One that ran has ended, as containerd says
    after a reboot, with exit code 255 and reason Unknown."""

    running, exited, container, spec_image, user = False, True, None, "", None

    def __init__(self, status: dict, state: dict):
        ended = state.get("terminated")
        self.name, self.restart_count = status["name"], status.get("restartCount", 0)
        self.image, self.image_id = status["image"], status.get("imageID", "")
        self.container_id = status.get("containerID") or (ended or {}).get("containerID", "")
        if ended is None:
            ended = _terminated(255, "Unknown", "", state["running"]["startedAt"], timestamp(), self.container_id)["terminated"]
        self.exit_code = ended["exitCode"]
        self.finished = _loop_time(parse(ended["finishedAt"])) if ended.get("finishedAt") else asyncio.get_running_loop().time()
        self._state = {"terminated": ended}

    def state(self) -> dict:
        return self._state


def image_name(image) -> str:
    """As containerd names it, registry included: docker.io/library/nginx:1.27."""
    return image.repo_tag


def _terminated(code: int, reason: str, message: str, started: str, finished: str, container_id: str) -> dict:
    state = {"exitCode": code, "reason": reason, "message": message, "startedAt": started, "finishedAt": finished}
    state["containerID"] = container_id
    return {"terminated": {k: v for k, v in state.items() if v or k == "exitCode"}}


def _loop_time(at: datetime) -> float:
    return asyncio.get_running_loop().time() - (now() - at).total_seconds()

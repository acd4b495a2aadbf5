"""What the containers of several pods write, together; each line says by a shape and a name whose it is."""
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from html import escape

from kubernetes.client.exceptions import ApiException

from kubeschool.api import Api, Watch, message
from kubeschool.inspectors.controls import Filter, Toggle
from kubeschool.inspectors.feed import LOST, NOT_CONNECTED, RETRY_SECONDS
from kubeschool.inspectors.subject import Pods
from kubeschool.inspectors.view import PRE, Line, Picture, View, inspector

SHAPES = "◆▲■●★✚◇△□○"
HUES = (210, 25, 140, 280, 0, 175, 235, 50, 320, 90)
MOST = len(SHAPES)
"""Containers followed at a time: each is a connection (kubectl's --max-log-requests is 5)."""
KEPT = 1000
"""Lines kept of each container."""
QUIET_SECONDS = 3600


@inspector
def logs(cluster, target, tail: int = 20) -> View:
    """The last `tail` lines of each container, then what is new. A live view shows lines by time; its text goes pod by pod, as
    `kubectl logs -l` does."""
    pods = Pods(cluster, target)
    streams = Streams(cluster.api, tail)
    follow, words = streams.follow, Filter()

    def model() -> list[Line | Picture]:
        found = pods.objects
        followed = streams.sync(found)
        lines = [line for line in (_by_time(followed) if streams.live else _by_pod(followed)) if words.keeps(" ".join(line[1:]))]
        more = len(streams.left_out)
        heads = [Line(f"{more} more containers are not followed", "choose fewer pods", "waiting")] if more else []
        heads += [Line(log.label, log.trouble, "bad") for log in followed if log.trouble]
        if not found:
            return [pods.missing]
        if not lines:
            return [*heads, Line(f"{pods}", "nothing written" + (" with these words" if words.value else " yet"), "gone")]
        return [*heads, Picture([Line(prefix=head + text) for _, head, text in lines], _live(lines))]

    return View(f"logs of {target}", pods.feeds, model, [follow, words], streams)


class Log:
    """The lines of one run of a container: (time, text); `shape` is an index of SHAPES."""

    def __init__(self, path: str, container: str):
        self.path, self.container = path, container
        self.label, self.shape, self.trouble = "", 0, ""
        self.lines: deque[tuple[str, str]] = deque(maxlen=KEPT)
        self.since = ""
        self.stream: Stream | None = None

    def add(self, raw: str) -> None:
        """A line with its timestamp; one that was there before is left out (following begins with the second of the last line)."""
        at, _, text = raw.partition(" ")
        if at.removesuffix("Z") > self.since:
            self.lines.append((at.removesuffix("Z"), text.rstrip("\r\n")))

    def mark(self) -> None:
        """What is read from here on is new only when it is later than the last line."""
        self.since = self.lines[-1][0] if self.lines else ""


class Streams:
    """Reads logs while a view is live: a connection for each container that runs, ended with the view or when `follow` is off."""

    def __init__(self, api: Api, tail: int):
        self._api, self._tail = api, tail
        self._logs: dict[tuple, Log] = {}
        self._changed: Callable[[], None] = lambda: None
        self.follow = Toggle("follow", True)
        self.live = False
        self.left_out: list[tuple] = []

    def start(self, changed: Callable[[], None]) -> None:
        self._changed, self.live = changed, True
        changed()

    def stop(self) -> None:
        self.live = False
        for log in self._logs.values():
            self._end(log)

    def sync(self, pods: list[dict]) -> list[Log]:
        """Read what is new of the containers that have started. The logs of those that are there now, by pod and container."""
        runs = [(pod, status) for pod in pods for status in _started(pod)]
        keys = [(pod["metadata"]["uid"], status["name"], status.get("restartCount", 0)) for pod, status in runs]
        self.left_out = keys[MOST:]
        for key in self._logs.keys() - set(keys[:MOST]):
            self._end(self._logs.pop(key))
        for shape, ((pod, status), key) in enumerate(zip(runs[:MOST], keys, strict=False)):
            if key not in self._logs:
                meta = pod["metadata"]
                self._logs[key] = Log(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log", status["name"])
                self._read(self._logs[key])
            log = self._logs[key]
            several = len(pod["spec"]["containers"]) + len(pod["spec"].get("initContainers", ())) > 1
            log.label, log.shape = pod["metadata"]["name"] + (f"/{status['name']}" if several else ""), shape
            if self.live and self.follow.value and log.stream is None and ("running" in status.get("state", {}) or log.trouble):
                log.stream = Stream(self._api, log, lambda: self._changed())
            elif not self.follow.value:
                self._end(log)
        return [self._logs[key] for key in keys[:MOST]]

    def _read(self, log: Log) -> None:
        try:
            said = self._api.get(log.path, container=log.container, tailLines=self._tail, timestamps=True)["text"]
        except ApiException as refusal:
            log.trouble = message(refusal)
        else:
            for line in filter(None, said.split("\n")):
                log.add(line)
            log.mark()

    def _end(self, log: Log) -> None:
        if log.stream:
            log.stream.close()
            log.stream = None
            log.mark()


class Stream(threading.Thread):
    """Follows one container's log until it ends or `close()`. Outlives lost connections."""

    def __init__(self, api: Api, log: Log, changed: Callable[[], None]):
        super().__init__(daemon=True, name=f"following {log.path}")
        self._api, self._log, self._changed = api, log, changed
        self._stopped = threading.Event()
        self._response: Watch | None = None
        self.start()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
                return
            except ApiException as refusal:
                self._say(message(refusal))
            except (*LOST, AttributeError):  # AttributeError: urllib3's, of a response that close() ended
                self._say(NOT_CONNECTED)
            self._stopped.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        since = {"sinceTime": f"{self._log.since[:19]}Z"} if self._log.since else {}
        query = {"container": self._log.container, "follow": True, "timestamps": True, **since}
        self._response = self._api.stream(self._log.path, QUIET_SECONDS, **query)
        if self._stopped.is_set():
            return self.close()
        self._say("")
        try:
            for line in self._response.lines():
                self._log.add(line.decode(errors="replace"))
                self._changed()
        finally:
            self._log.mark()

    def _say(self, trouble: str) -> None:
        if trouble != self._log.trouble and not self._stopped.is_set():
            self._log.trouble = trouble
            self._changed()

    def close(self) -> None:
        self._stopped.set()
        if self._response:
            with contextlib.suppress(Exception):  # already over
                self._response.close()


def _started(pod: dict) -> list[dict]:
    """The statuses of containers that have something to say."""
    status = pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return [s for s in statuses if {"running", "terminated"} & {*s.get("state", {}), *s.get("lastState", {})}]


def _by_time(logs: list[Log]) -> list[tuple[Log, str, str]]:
    return [line for _, *line in sorted(_lines(logs), key=lambda each: each[0])]


def _by_pod(logs: list[Log]) -> list[tuple[Log, str, str]]:
    return [line for _, *line in _lines(logs)]


def _lines(logs: list[Log]) -> list[tuple[str, Log, str, str]]:
    """(time, log, what says whose it is, text)."""
    wide = max((len(log.label) for log in logs), default=0)
    prefixes = {id(log): f"{SHAPES[log.shape]} {log.label:{wide}} │ " if len(logs) > 1 else "" for log in logs}
    return [(at, log, prefixes[id(log)], text) for log in logs for at, text in list(log.lines)]


def _live(lines: list[tuple[Log, str, str]]) -> str:
    """Newest last, and the newest in sight: the box is filled from its end."""
    rows = "\n".join(f"<span style='color:{_colour(log.shape)}'>{escape(head)}</span>{escape(text)}" for log, head, text in lines[-KEPT:])
    box = f"{PRE};max-height:24em;overflow:auto;display:flex;flex-direction:column-reverse"
    return f"<div role='log' aria-live='off' tabindex='0' aria-label='log lines' style='{box}'><pre style='{PRE}'>{rows}</pre></div>"


def _colour(shape: int) -> str:
    """Readable on light and on dark: mixed into the theme's own text colour."""
    return f"color-mix(in srgb, hsl({HUES[shape]} 75% 45%) 70%, var(--jp-ui-font-color1,#222))"

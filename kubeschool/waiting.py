"""Waiting for objects: by watching them, with a line of progress, and with the reason when the time is up."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubeschool.api import Api, Watch
from kubeschool.errors import CourseError
from kubeschool.progress_line import Progress
from kubeschool.target import Target

Wanted = str | Callable[[dict], bool]
SLICE = 0.2
"""Seconds between two looks at the clock; an interrupt is noticed within one (on Windows a wait cannot be interrupted)."""
LIST_SECONDS = 1
"""Between two looks at what cannot be watched."""


class TimedOut(CourseError):
    """What was waited for did not come true in time; the message says what was seen instead."""


def wait(api: Api, target: Target, wanted: Wanted, what: str, timeout: float, check: Callable[[], None] = lambda: None) -> None:
    """Return when `wanted` holds for every object of `target` (and there is one), or, for "Deleted", when there is none.

    `wanted` is a condition ("Ready"), a phase ("Running"), the reason of a container's state ("CrashLoopBackOff"), "Deleted",
    or a function of an object; `what` says it in words. `timeout` in seconds. `check` is called while nothing happens and
    may raise. Raises TimedOut, ApiException.
    """
    deadline, objects = time.monotonic() + timeout, {}
    with Progress(f"waiting for {target} to be {what}") as progress, contextlib.closing(_Watcher(api, target, timeout)) as watcher:
        while True:
            try:
                objects = watcher.objects.get(timeout=SLICE)
                if isinstance(objects, Exception):
                    raise objects
            except queue.Empty:
                check()
                progress.tick()
            else:
                if not objects if wanted == "Deleted" else objects and all(holds(obj, wanted) for obj in objects.values()):
                    return
                seen = sorted({summary(obj) for obj in objects.values()} - {""})
                progress.say(f"waiting for {target} to be {what}" + (f": now {', '.join(seen)}" if seen else ""))
            if time.monotonic() > deadline:
                from kubeschool.diagnosis import diagnose

                raise TimedOut(f"{target}: not {what} after {timeout:g} s.\n{diagnose(api, target)}")


def holds(obj: dict, wanted: Wanted) -> bool:
    """Whether one object is as wanted. A function that looks for what is not there yet (KeyError, IndexError) says no."""
    if callable(wanted):
        try:
            return bool(wanted(obj))
        except LookupError:
            return False
    status = obj.get("status", {})
    conditions = {c["type"]: c["status"] for c in status.get("conditions", ())}
    reasons = [state.get("reason") for _, state in _container_states(obj)]
    return conditions.get(wanted) == "True" or status.get("phase") == wanted or wanted in reasons


def summary(obj: dict) -> str:
    """An object's state in a word or two, near to what kubectl prints in STATUS or READY."""
    status, spec = obj.get("status", {}), obj.get("spec", {})
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for _, state in _container_states(obj):
        if state.get("reason"):
            return state["reason"]
    if isinstance(spec, dict) and "replicas" in spec:
        return f"{status.get('readyReplicas', 0)} of {spec['replicas']} ready"
    return status.get("phase", "")


def _container_states(obj: dict) -> list[tuple[str, dict]]:
    """(container, its waiting or terminated state) for every container of a pod that is not running."""
    status = obj.get("status", {})
    found = []
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        state = container.get("state", {})
        if "waiting" in state or "terminated" in state:
            found.append((container["name"], state.get("waiting") or state["terminated"]))
    return found


class _Watcher(threading.Thread):
    """Puts {name: object} into `objects` after every change, or the ApiException that ended it. Outlives lost connections."""

    def __init__(self, api: Api, target: Target, seconds: float):
        super().__init__(daemon=True, name=f"waiting for {target}")
        self.objects: queue.SimpleQueue[dict[str, dict] | Exception] = queue.SimpleQueue()
        self._api, self._target, self._seconds = api, target, seconds
        self._stopped = threading.Event()
        self._watch: Watch | None = None
        self.start()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except ApiException as error:
                if error.status == 405:  # metrics can be listed, not watched
                    self._stopped.wait(LIST_SECONDS)
                elif error.status != 410:
                    self.objects.put(error)
                    return
            except (HTTPError, OSError, ValueError):
                self._stopped.wait(SLICE)

    def _follow(self) -> None:
        """One list and the watch that follows it."""
        listed = self._api.get(self._target.path, **self._target.query)
        current = {obj["metadata"]["name"]: obj for obj in listed["items"]}
        self.objects.put(dict(current))
        self._watch = self._api.watch(
            self._target.path, self._seconds, resourceVersion=listed["metadata"].get("resourceVersion", ""), **self._target.query
        )
        if self._stopped.is_set():
            self.close()
        for type, obj in self._watch:
            if type == "ERROR":
                return
            if type == "BOOKMARK":
                continue
            current.pop(obj["metadata"]["name"], None)
            if type != "DELETED":
                current[obj["metadata"]["name"]] = obj
            self.objects.put(dict(current))

    def close(self) -> None:
        self._stopped.set()
        if self._watch:
            with contextlib.suppress(Exception):  # already over
                self._watch.close()

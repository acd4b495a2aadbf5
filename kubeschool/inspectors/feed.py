"""One watch per resource and namespace, shared by all views (an informer on the notebook's side of the API)."""
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubeschool.api import Api, Resource, Watch, message

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
WATCH_SECONDS = 300
INTERVAL = 0.1
"""Seconds between two refreshes of a view, however many changes arrive."""
LOST = (HTTPError, OSError, ValueError)
"""What is raised when nobody answers, or breaks off."""
NOT_CONNECTED = "not connected to the cluster; trying again"


class Feed:
    """`objects` maps names (NAMESPACE/NAME in a feed of all namespaces) to the objects of a resource, as of the last change.
    `trouble` says in words why it stands still. Runs while somebody listens.
    """

    def __init__(self, api: Api, resource: Resource, namespace: str):
        self._api, self._everywhere = api, resource.namespaced and not namespace
        self._path = f"{resource.prefix}/{resource.name}" if self._everywhere else resource.path(namespace)
        self.objects: dict[str, dict] = {}
        self.trouble = ""
        self._version = 0
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._watch: Watch | None = None
        self._lock = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether it was ever listed."""
        return bool(self._version)

    def refresh(self) -> None:
        """List now, so that a view that is made now shows what the cell before it did."""
        try:
            self._list()
        except ApiException as refusal:
            self.trouble = _refused(refusal)
        except LOST:
            self.trouble = NOT_CONNECTED

    def subscribe(self, listener: "Listener") -> None:
        with self._lock:
            self._listeners.add(listener)
            if not self._thread:
                self._thread = threading.Thread(target=self._run, daemon=True, name=f"feed {self._path}")
                self._thread.start()

    def unsubscribe(self, listener: "Listener") -> None:
        with self._lock:
            self._listeners.discard(listener)
            if not self._listeners and self._watch:
                with contextlib.suppress(Exception):  # already over
                    self._watch.close()

    def _list(self) -> None:
        listed = self._api.get(self._path)
        head = {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List")}
        version = int(listed["metadata"]["resourceVersion"])
        with self._lock:
            if version >= self._version or self.trouble:  # else the watch is ahead of this list
                self.objects = {self._key(obj): {**head, **obj} for obj in listed["items"]}
                self._version = version
            self.trouble = ""

    def _key(self, obj: dict) -> str:
        meta = obj["metadata"]
        return f"{meta['namespace']}/{meta['name']}" if self._everywhere else meta["name"]

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return
            try:
                self._follow()
            except ApiException as refusal:
                self._say(_refused(refusal))
            except (*LOST, AttributeError):  # AttributeError: urllib3's, of a response that unsubscribe() closed
                self._say(NOT_CONNECTED)
            if self.trouble and self._listeners:
                time.sleep(RETRY_SECONDS)

    def _follow(self) -> None:
        if self.trouble or not self._version:
            self._list()
            self._tell()
        watch = self._watch = self._api.watch(self._path, WATCH_SECONDS, resourceVersion=str(self._version))
        try:
            for type_, obj in watch:
                if type_ == "ERROR":
                    self._version = 0
                    return
                self._apply(type_, obj)
                if not self._listeners:
                    return
        finally:
            self._watch = None
            with contextlib.suppress(Exception):
                watch.close()

    def _apply(self, type_: str, obj: dict) -> None:
        with self._lock:
            version, key = int(obj["metadata"]["resourceVersion"]), self._key(obj)
            if version <= self._version:
                return
            self._version = version
            objects = {k: v for k, v in self.objects.items() if k != key}
            self.objects = objects if type_ == "DELETED" else {**objects, key: obj}
        self._tell()

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble and self._listeners:
            self.trouble = trouble
            self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener.changed()


def _refused(refusal: ApiException) -> str:
    return f"the cluster refuses: {message(refusal)}"


class Listener:
    """Calls `refresh` after a change, on the painter's thread. `close()` ends it."""

    def __init__(self, refresh: Callable[[], None]):
        self.refresh = refresh
        self.closed = False

    def changed(self) -> None:
        """From any thread."""
        if not self.closed:
            _painter.add(self)

    def close(self) -> None:
        self.closed = True


class Painter:
    """One thread that refreshes what changed, at most every INTERVAL: views move while a cell waits, which keeps the kernel's loop busy."""

    def __init__(self):
        self._due: dict[Listener, None] = {}
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, listener: Listener) -> None:
        with self._condition:
            self._due[listener] = None
            if not self._thread:
                self._thread = threading.Thread(target=self._run, daemon=True, name="painter of views")
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._due)
            time.sleep(INTERVAL)
            with self._condition:
                due, self._due = self._due, {}
            for listener in due:
                try:
                    if not listener.closed:
                        listener.refresh()
                except Exception:  # of one view: the others move on
                    log.exception("a view could not be drawn")


_painter = Painter()
_feeds: "weakref.WeakValueDictionary[tuple[int, str], Feed]" = weakref.WeakValueDictionary()


def feed(api: Api, resource: Resource, namespace: str) -> Feed:
    """The shared feed of a resource in a namespace ("": in all), listed now. Where that is not possible it says so in `trouble`."""
    made = Feed(api, resource, namespace)
    shared = _feeds.setdefault((id(api), made._path), made)  # a feed holds its api, so the id is not another's
    shared.refresh()
    return shared

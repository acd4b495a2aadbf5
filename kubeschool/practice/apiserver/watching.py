"""Watch streams and consistent lists (`k8s.io/apiserver/pkg/storage/cacher`, `pkg/endpoints/handlers/watch.go`)."""
import asyncio
import base64
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence

import orjson

from ..store import Compacted, Stored
from . import errors
from .errors import ApiError
from .options import ListOptions
from .registry import Registry, Request

BOOKMARK_SECONDS = 60
SNAPSHOTS, SNAPSHOT_SECONDS = 100, 300
"""How many lists are kept for their pages, and how long: etcd's compaction interval."""
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token "
    "results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and "
    "now may show up in the list."
)
Encode = Callable[[Stored, bool], bytes]
"""encode(stored, first of its stream) -> JSON of the object as the client asked for it."""


class Pager:
    """`limit` and `continue`: pages of one list are cut from one snapshot, as etcd serves them at one revision."""

    def __init__(self):
        self._snapshots: OrderedDict[str, tuple[int, list[Stored], float]] = OrderedDict()

    def page(self, registry: Registry, request: Request, options: ListOptions) -> tuple[list[Stored], dict]:
        """(objects, ListMeta). Raises 400 for a bad token, 410 for one that is too old, 504 for a version that is not yet."""
        start, limit, selectors = 0, options.limit, (options.labels, options.fields)
        snapshot, after = _decode_token(options.token) if options.token else ("", None)
        if options.token and options.version:
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        self._expire()
        if snapshot and snapshot not in self._snapshots:
            raise ApiError(410, "Expired", TOO_OLD, metadata={"continue": _token("", after)})
        if snapshot:
            revision, stored, made = self._snapshots[snapshot]
        else:
            revision, stored = _snapshot(registry, request, options)
            snapshot, made = f"{revision}/{request.resource.name}/{request.namespace}/{options.labels}/{options.fields}", time.monotonic()
        if after:
            start = bisect_right(stored, after, key=lambda s: list(s.key[1:]))
        metadata = {"resourceVersion": str(revision)}
        if not limit or start + limit >= len(stored):
            return stored[start:], metadata
        self._snapshots[snapshot] = (revision, stored, made)
        metadata["continue"] = _token(snapshot, stored[start + limit - 1].key[1:])
        if not any(selectors):
            metadata["remainingItemCount"] = len(stored) - start - limit
        return stored[start : start + limit], metadata

    def _expire(self) -> None:
        old = [name for name, (_, _, made) in self._snapshots.items() if made < time.monotonic() - SNAPSHOT_SECONDS]
        for name in (*old, *list(self._snapshots)[: max(len(self._snapshots) - SNAPSHOTS, 0)]):
            self._snapshots.pop(name, None)


def _token(snapshot: str, after: Sequence[str]) -> str:
    """`after`: namespace and name of the last object given out. Without a snapshot the rest comes from the newest objects."""
    return base64.urlsafe_b64encode(orjson.dumps({"snapshot": snapshot, "after": after})).decode()


def _decode_token(token: str) -> tuple[str, list[str]]:
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(token))
        namespace, name = decoded["after"]
        return str(decoded["snapshot"]), [str(namespace), str(name)]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.bad_request(f"invalid continue token: continue key is not valid: {error}") from None


def _snapshot(registry: Registry, request: Request, options: ListOptions) -> tuple[int, list[Stored]]:
    """(revision, matching objects): the newest, or those of an exact version."""
    store, wanted = registry.store, options.version
    if wanted and wanted > store.revision:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        message = f"Timeout: Too large resource version: {wanted}, current: {store.revision}"
        raise ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
    if not options.exact or wanted == store.revision:
        return store.revision, registry.list(request, *options.selectors)
    if wanted < store.oldest:
        raise errors.expired("The resourceVersion for the provided list is too old.")
    matches = registry.matcher(request.resource, *options.selectors) or (lambda stored: True)
    found = [s for s in store.at(wanted) if s.key[0] == request.resource.storage and request.namespace in ("", s.key[1]) and matches(s)]
    return wanted, sorted(found, key=lambda s: s.key)


class WatchStream:
    """One client's watch. Raises ApiError for bad selectors. `close()` when done."""

    def __init__(self, registry: Registry, request: Request, options: ListOptions, encode: Encode):
        self._registry, self._request, self._encode = registry, request, encode
        self._selectors, self._bookmarks = options.selectors, options.bookmarks
        self._matches = registry.matcher(request.resource, *options.selectors) or (lambda stored: True)
        since = min(options.version, registry.store.revision) if options.version else None
        self._initial = not since if options.send_initial_events is None else options.send_initial_events
        self._marked = bool(options.send_initial_events) and options.bookmarks
        self._first = True
        self._too_old = b""
        try:
            since = None if self._initial else since
            self._watch = registry.watch(request, options.fields, since)
        except Compacted as error:
            self._watch = registry.store.watch(request.resource.storage)
            status = errors.expired(f"too old resource version: {since} ({error.oldest})").status
            self._too_old = _line(b"ERROR", orjson.dumps(status))

    def close(self) -> None:
        self._watch.close()

    async def lines(self, seconds: float) -> AsyncIterator[bytes]:
        """JSON lines for at most `seconds`; none when that is negative."""
        if seconds < 0:
            return
        if self._too_old:
            yield self._too_old
            return
        if self._initial:
            for stored in self._registry.list(self._request, *self._selectors):
                yield self._event(b"ADDED", stored)
            if self._marked:
                yield self._bookmark({"k8s.io/initial-events-end": "true"})
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while (left := deadline - now()) > 0:
            try:
                async with asyncio.timeout(min(left, BOOKMARK_SECONDS)):
                    event = await anext(self._watch)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if self._bookmarks:
                    yield self._bookmark({})
                continue
            if seen := event.seen_through(self._matches):
                yield self._event(seen[0].encode(), seen[1])

    def _event(self, type_: bytes, stored: Stored) -> bytes:
        line = _line(type_, self._encode(stored, self._first))
        self._first = False
        return line

    def _bookmark(self, annotations: dict) -> bytes:
        resource, revision = self._request.resource, self._registry.store.revision
        metadata = {"resourceVersion": str(revision), "creationTimestamp": None, **({"annotations": annotations} if annotations else {})}
        data = orjson.dumps({"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata})
        return _line(b"BOOKMARK", data)


def _line(type_: bytes, obj: bytes) -> bytes:
    return b'{"type":"' + type_ + b'","object":' + obj + b"}\n"

"""What was written, by whom: the newest writes as audit events (`k8s.io/apiserver/pkg/apis/audit/v1`).

`metadata` makes the events watchable like objects: its resourceVersion counts them. Two annotations are the practice cluster's own:
MANAGER, who wrote (as in managedFields), and CHANGED, the fields a write changed, as `spec.nodeName,status.phase`.
"""
import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from ..clock import micro_timestamp
from ..store import Stored
from .registry import Request

LIMIT = 2000
MANAGER, CHANGED = "kubeschool.dev/manager", "kubeschool.dev/changed"
RENEWAL = ("spec.renewTime",)
"""What the renewal of a Lease changes: not recorded, as audit policies have it, for there is no end to them."""
_BOOKKEEPING = {"resourceVersion", "managedFields", "generation"}


@dataclass(slots=True, frozen=True)
class Record:
    """One write. `revision` is the resourceVersion it made, "" when the object is gone; `changed` is empty for a new object."""

    number: int
    at: str
    user: str
    manager: str
    verb: str
    resource: tuple[str, str, str]
    namespace: str
    name: str
    subresource: str
    uid: str
    revision: str
    changed: tuple[str, ...]

    def event(self) -> dict:
        group, version, plural = self.resource
        reference = {
            "resource": plural, "namespace": self.namespace, "name": self.name, "uid": self.uid, "apiGroup": group, "apiVersion": version,
            "resourceVersion": self.revision, "subresource": self.subresource,
        }
        return {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "metadata": {"name": str(self.number), "resourceVersion": str(self.number)},
            "level": "Metadata",
            "auditID": str(self.number),
            "stage": "ResponseComplete",
            "verb": self.verb,
            "user": {"username": self.user},
            "objectRef": {key: value for key, value in reference.items() if value},
            "stageTimestamp": self.at,
            "annotations": {MANAGER: self.manager, CHANGED: ",".join(self.changed)},
        }


Matches = Callable[[Record], bool]


class Audit:
    """The newest LIMIT writes. `observe` is the registry's hook."""

    def __init__(self):
        self._records: deque[Record] = deque(maxlen=LIMIT)
        self._written = asyncio.Event()
        self.number = 0

    def observe(self, request: Request, current: Stored | None, previous: Stored | None) -> None:
        changed = tuple(_changed(previous.object, current.object)) if previous and current else ()
        if changed == RENEWAL:
            return
        self.number += 1
        resource, meta = request.resource, (current or previous).object["metadata"]
        self._records.append(
            Record(
                self.number,
                micro_timestamp(),
                request.user.name,
                request.manager,
                "patch" if request.verb == "apply" else request.verb,
                (resource.group, resource.version, resource.plural),
                meta.get("namespace", ""),
                meta["name"],
                request.subresource,
                meta["uid"],
                meta["resourceVersion"] if current else "",
                changed,
            )
        )
        self._written.set()
        self._written = asyncio.Event()

    def list(self, matches: Matches) -> list[Record]:
        return [record for record in self._records if matches(record)]

    async def watch(self, matches: Matches, since: int) -> AsyncIterator[Record]:
        """Records after number `since`, for ever."""
        while True:
            written = self._written
            for record in self.list(matches):
                if record.number > since:
                    since = record.number
                    yield record
            await written.wait()


def _changed(old: dict, new: dict) -> Iterator[str]:
    """Paths, two fields deep, of what differs."""
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if not isinstance(before, dict) or not isinstance(after, dict):
            yield key
            continue
        for field in {**before, **after}:
            if before.get(field) != after.get(field) and not (key == "metadata" and field in _BOOKKEEPING):
                yield f"{key}.{field}"

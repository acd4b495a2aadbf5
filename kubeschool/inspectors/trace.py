"""Who wrote what: every API write of one object, from the API server's audit events, oldest first."""
from datetime import datetime

from kubeschool.api import Resource
from kubeschool.errors import CourseError
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.subject import parse
from kubeschool.inspectors.view import Line, View, inspector

MANAGER, CHANGED = "kubeschool.dev/manager", "kubeschool.dev/changed"
ACCOUNT, NODE = "system:serviceaccount:kube-system:", "system:node:"


@inspector
def trace(cluster, target) -> View:
    writes = Writes(cluster, target)
    return View(f"API writes of {target}", writes.feeds, lambda: _lines(writes.now) or [Line(f"no writes of {target}", state="gone")])


class Writes:
    """The audit events of an object, oldest first: of the newest where there were several of its name. Raises CourseError on a cluster
    that does not tell."""

    def __init__(self, cluster, target):
        able = cluster.can("trace")
        if not able:
            raise CourseError(able.reason)
        self.target = parse(cluster, target)
        if not self.target.name:
            raise CourseError(f"one object is followed, as in \"pod/web\", not {self.target}")
        resource = self.target.resource
        self.feeds = [feed(cluster.api, Resource("/kubeschool", "audit", "Event", "audit", resource.namespaced), self.target.namespace)]

    @property
    def now(self) -> list[dict]:
        writes = [e for e in self.feeds[0].objects.values() if _is_about(e["objectRef"], self.target.resource, self.target.name)]
        writes.sort(key=lambda e: int(e["metadata"]["resourceVersion"]))
        return [e for e in writes if e["objectRef"]["uid"] == writes[-1]["objectRef"]["uid"]]


def _is_about(reference: dict, resource: Resource, name: str) -> bool:
    group = resource.prefix.split("/")[2] if resource.prefix.startswith("/apis/") else ""
    return (reference["resource"], reference.get("apiGroup", ""), reference["name"]) == (resource.name, group, name)


def _lines(writes: list[dict]) -> list[Line]:
    wide = max((len(who(e)) for e in writes), default=0)
    verbs = max((len(verb(e)) for e in writes), default=0)
    lines = []
    for event in writes:
        after = (_time(event["stageTimestamp"]) - _time(writes[0]["stageTimestamp"])).total_seconds()
        lines.append(Line(f"{who(event):{wide}}  {verb(event):{verbs}}", what(event), prefix=f"+{after:.3f}s  ".rjust(11)))
    return lines


def who(event: dict) -> str:
    manager, user = event["annotations"][MANAGER], event["user"]["username"]
    for prefix in (ACCOUNT, NODE):
        if user.startswith(prefix) and user.removeprefix(prefix) != manager:
            return f"{manager} ({user.removeprefix(prefix)})"
    return manager


def verb(event: dict) -> str:
    subresource = event["objectRef"].get("subresource")
    return f"{event['verb']} {subresource}" if subresource else event["verb"]


def what(event: dict) -> str:
    if "resourceVersion" not in event["objectRef"]:
        return "the object is gone"
    return event["annotations"][CHANGED].replace(",", ", ") or "the object is there"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))

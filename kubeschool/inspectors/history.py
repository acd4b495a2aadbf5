"""The namespace as it was at every revision of the store: a slider through time (practice)."""
from collections import OrderedDict

from kubeschool.api import Resource
from kubeschool.errors import CourseError
from kubeschool.inspectors.controls import Steps
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.tree import branch, children_by_owner
from kubeschool.inspectors.view import Line, View, inspector

KEPT = 64
NOISE = {("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")}
"""What every namespace has."""
BOOKKEEPING = ("resourceVersion", "managedFields", "generation")


@inspector
def history(cluster, namespace: str = "") -> View:
    """Left is the past, and the right end is now. Raises nothing: a cluster that forgets its past says so."""
    able = cluster.can("history")
    if not able:
        raise CourseError(able.reason)
    past = Past(cluster.api, namespace or cluster.namespace)
    steps = Steps("revision", seconds=0.4)

    def model() -> list[Line]:
        count = past.catch_up()
        return past.lines(steps.of(count)) if count else [Line(f"nothing was written in {past.namespace}", state="gone")]

    return View(f"history of {past.namespace}", [past.written], model, [steps])


class Past:
    """`changes` are the writes of a namespace, oldest first; `written` tells of new ones."""

    def __init__(self, api, namespace: str):
        self._api, self.namespace = api, namespace
        self.written = feed(api, Resource("/kubeschool", "audit", "Event", "audit", True), namespace)
        self.changes: list[dict] = []
        self._states: OrderedDict[int, dict[str, dict]] = OrderedDict()

    def catch_up(self) -> int:
        since = self.changes[-1]["revision"] if self.changes else 0
        new = self._api.get(f"/kubeschool/namespaces/{self.namespace}/history", since=since)["items"]
        self.changes += [change for change in new if (change["resource"], change["name"]) not in NOISE]
        return len(self.changes)

    def at(self, revision: int) -> dict[str, dict]:
        """By uid. What was does not change, so it is asked once."""
        if revision not in self._states:
            items = self._api.get(f"/kubeschool/namespaces/{self.namespace}/history/{revision}")["items"]
            self._states[revision] = {obj["metadata"]["uid"]: obj for obj in items}
            if len(self._states) > KEPT:
                self._states.popitem(last=False)
        return self._states[revision]

    def lines(self, step: int) -> list[Line]:
        revision = self.changes[step]["revision"]
        before = self.at(self.changes[step - 1]["revision"]) if step else {}
        return lines(revision, f"{step + 1} of {len(self.changes)}", before, self.at(revision))


def lines(revision: int, where: str, before: dict[str, dict], after: dict[str, dict]) -> list[Line]:
    notes = {uid: "created" for uid in after.keys() - before.keys()}
    for uid in after.keys() & before.keys():
        if fields := list(changed(before[uid], after[uid])):
            notes[uid] = f"changed: {', '.join(fields)}"
    gone = [Line(f"{obj['kind']} {obj['metadata']['name']}", "◀ deleted", "gone") for uid, obj in before.items() if uid not in after]
    there = [obj for obj in after.values() if (f"{obj['kind'].lower()}s", obj["metadata"]["name"]) not in NOISE]
    children = children_by_owner(there)
    roots = [obj for obj in there if not any(owner["uid"] in after for owner in obj["metadata"].get("ownerReferences", ()))]
    roots.sort(key=lambda obj: (obj["kind"], obj["metadata"]["name"]))
    tree = [line for obj in roots for line in branch(obj, children, notes=notes)]
    return [Line(f"revision {revision}", f"write {where}"), *tree, *gone]


def changed(old: dict, new: dict):
    """Paths, two fields deep, of what differs."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            fields = sorted({*before, *after})
            yield from (f"{key}.{f}" for f in fields if before.get(f) != after.get(f) and not (key == "metadata" and f in BOOKKEEPING))
        elif before != after:
            yield key

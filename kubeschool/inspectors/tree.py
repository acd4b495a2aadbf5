"""Who owns whom: an object and what its controller made, down to the pods (`metadata.ownerReferences`) and their containers."""
from collections.abc import Iterable, Mapping

from kubeschool.inspectors.controls import Toggle
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.states import container_state, state
from kubeschool.inspectors.subject import Subject
from kubeschool.inspectors.view import Line, View, inspector

OWNED = ("replicasets", "statefulsets", "daemonsets", "jobs", "pods")


@inspector
def tree(cluster, target, containers: bool = False) -> View:
    """An object that is not there is said to be missing, and appears when it does. `containers` shows those of each pod as well."""
    subject = Subject(cluster, target)
    children = [feed(cluster.api, cluster.api.resource(word), subject.namespace) for word in OWNED]
    expanded = Toggle("containers", containers)

    def model() -> list[Line]:
        owned = children_by_owner(child for each in children for child in each.objects.values())
        return [line for obj in subject.objects for line in branch(obj, owned, expanded=expanded.value)] or [subject.missing]

    return View(f"owners of {target}", [*subject.feeds, *children], model, [expanded])


def children_by_owner(objects: Iterable[dict]) -> dict[str, list[dict]]:
    """By the owner's uid."""
    owned: dict[str, list[dict]] = {}
    for obj in objects:
        for owner in obj["metadata"].get("ownerReferences", ()):
            owned.setdefault(owner["uid"], []).append(obj)
    return owned


def branch(obj: dict, owned: dict[str, list[dict]], first="", rest="", expanded=False, notes: Mapping[str, str] = {}) -> list[Line]:
    """An object and what it owns; `first` and `rest` draw the branches, `notes` are words about objects by uid."""
    (word, mark), uid = state(obj), obj["metadata"]["uid"]
    note = f"{'  ' if word else ''}◀ {notes[uid]}" if uid in notes else ""
    lines = [Line(f"{obj['kind']} {obj['metadata']['name']}", word + note, mark, first)]
    mine = sorted(owned.get(uid, ()), key=lambda o: (o["metadata"]["creationTimestamp"], o["metadata"]["name"]))
    statuses = [s for key in ("initContainerStatuses", "containerStatuses") for s in obj.get("status", {}).get(key, ())] if expanded else []
    for i, child in enumerate([*mine, *statuses], 1):
        last = i == len(mine) + len(statuses)
        start, going_on = rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  ")
        if i <= len(mine):
            lines += branch(child, owned, start, going_on, expanded, notes)
        else:
            lines.append(_container(child, start))
    return lines


def _container(status: dict, prefix: str) -> Line:
    word, mark = container_state(status)
    restarts = f", restarted {n} time{'' if n == 1 else 's'}" if (n := status.get("restartCount")) else ""
    return Line(f"container {status['name']}", f"{word}  {status['image']}{restarts}", mark, prefix)

"""What happened to an object, in the words of its events."""
from kubeschool.inspectors.controls import Toggle
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.subject import Subject
from kubeschool.inspectors.view import Line, View, inspector


@inspector
def events(cluster, target) -> View:
    """Events about `target`, oldest first, also after it was deleted; repeats are counted."""
    subject = Subject(cluster, target)
    namespace = subject.namespace if subject.target.resource.namespaced else "default"  # where events of nodes are
    source = feed(cluster.api, cluster.api.resource("events"), namespace)
    warnings = Toggle("warnings only", False)

    def model() -> list[Line]:
        names = {subject.name} if subject.name else {obj["metadata"]["name"] for obj in subject.objects}
        about = [e for e in source.objects.values() if any(is_about(e, subject.kind, name) for name in names)]
        if warnings.value:
            about = [e for e in about if e["type"] != "Normal"]
        about.sort(key=lambda e: (happened(e), e["metadata"]["name"]))
        return [line_of(e) for e in about] or [Line(f"no {'warnings' if warnings.value else 'events'} about {target}", state="gone")]

    return View(f"events of {target}", [*subject.feeds, source], model, [warnings])


def is_about(event: dict, kind: str, name: str) -> bool:
    about = event["involvedObject"]
    return about.get("kind") == kind and about.get("name") == name


def happened(event: dict) -> str:
    """When it happened first, as RFC 3339."""
    return event.get("firstTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]


def line_of(event: dict) -> Line:
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    times = f" (×{count})" if count > 1 else ""
    who = event.get("source", {}).get("component") or event.get("reportingComponent", "")
    return Line(f"{event['reason']}{times}", f"{event.get('message', '')}  [{who}]", "good" if event["type"] == "Normal" else "bad")

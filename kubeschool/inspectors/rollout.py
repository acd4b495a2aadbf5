"""How a Deployment goes from one revision to the next: a ReplicaSet for each, how many pods each has, and what the controller says.

Revisions are the annotation deployment.kubernetes.io/revision of ReplicaSets; progress is told by the conditions Progressing and Available
(pkg/controller/deployment). StatefulSets and DaemonSets keep ControllerRevisions, and their pods carry the revision's hash as a label."""
from kubeschool.errors import CourseError
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.states import state
from kubeschool.inspectors.subject import Subject
from kubeschool.inspectors.view import Line, View, inspector

REVISION, CAUSE, HASH = "deployment.kubernetes.io/revision", "kubernetes.io/change-cause", "controller-revision-hash"
KINDS = {"Deployment": "replicasets", "StatefulSet": "controllerrevisions", "DaemonSet": "controllerrevisions"}
WIDEST = 30


@inspector
def rollout(cluster, target) -> View:
    subject = Subject(cluster, target)
    if subject.kind not in KINDS:
        raise CourseError(f"{subject} has no rollout: Deployments, StatefulSets and DaemonSets have one")
    history = feed(cluster.api, cluster.api.resource(KINDS[subject.kind]), subject.namespace)
    pods = feed(cluster.api, cluster.api.resource("pods"), subject.namespace)

    def model() -> list[Line]:
        return [line for obj in subject.objects for line in _lines(obj, history.objects, pods.objects)] or [subject.missing]

    return View(f"rollout of {target}", [*subject.feeds, history, pods], model)


def _lines(obj: dict, history: dict[str, dict], pods: dict[str, dict]) -> list[Line]:
    word, mark = state(obj)
    lines = [Line(f"{obj['kind']} {obj['metadata']['name']}", word or _daemons(obj), mark)]
    lines += [Line(_strategy(obj["spec"]), prefix="  ")]
    owned = [each for each in history.values() if _owned(each, obj)]
    revisions = sorted(owned, key=_number, reverse=True)
    for each in revisions:
        mine = _pods_of(each, pods)
        lines.append(_revision(each, mine, newest=each is revisions[0]))
    conditions = sorted(obj.get("status", {}).get("conditions", ()), key=lambda condition: condition["type"])
    return lines + [_condition(condition) for condition in conditions]


def _number(revision: dict) -> int:
    return int(revision["metadata"].get("annotations", {}).get(REVISION) or revision.get("revision", 0))


def _pods_of(revision: dict, pods: dict[str, dict]) -> list[dict]:
    hashes = (revision["metadata"]["name"], revision["metadata"].get("labels", {}).get(HASH))
    mine = [
        pod for pod in pods.values()
        if _owned(pod, revision)
        or (revision["kind"] == "ControllerRevision" and pod["metadata"].get("labels", {}).get(HASH) in hashes)
    ]
    return sorted(mine, key=lambda pod: pod["metadata"]["name"])


def _owned(obj: dict, owner: dict) -> bool:
    return any(each["uid"] == owner["metadata"]["uid"] for each in obj["metadata"].get("ownerReferences", ()))


def _revision(revision: dict, pods: list[dict], newest: bool) -> Line:
    marks = [state(pod)[1] for pod in pods]
    ready = marks.count("good")
    shapes = "●" * ready + "◐" * marks.count("waiting") + "✖" * marks.count("bad") + "○" * marks.count("gone")
    many = f"{shapes[:WIDEST]}{'…' if len(shapes) > WIDEST else ''}"
    wanted = revision.get("spec", {}).get("replicas", len(pods))
    cause = revision["metadata"].get("annotations", {}).get(CAUSE)
    detail = f"{ready} of {wanted} ready  {', '.join(_images(revision))}  {revision['metadata']['name']}{f'  “{cause}”' if cause else ''}"
    mark = "gone" if not wanted and not pods else "good" if ready == wanted == len(pods) else "bad" if "bad" in marks else "waiting"
    return Line(f"revision {_number(revision)}{' (newest)' if newest else ''}{f'  {many}' if many else ''}", detail, mark, "  ")


def _images(revision: dict) -> list[str]:
    data = revision.get("data", revision)
    return [c["image"] for c in data.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())]


def _strategy(spec: dict) -> str:
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    limits = [f"at most {rolling[key]} {words}" for key, words in (("maxSurge", "above"), ("maxUnavailable", "missing")) if key in rolling]
    paused = ", paused" if spec.get("paused") else ""
    return f"strategy {strategy.get('type', 'RollingUpdate')}{': ' if limits else ''}{' and '.join(limits)}{paused}"


def _condition(condition: dict) -> Line:
    good = (condition["status"] == "True") == (condition["type"] != "ReplicaFailure")
    lost = condition.get("reason") == "ProgressDeadlineExceeded" or condition["type"] == "ReplicaFailure"
    mark = "good" if good else "bad" if lost else "waiting"
    said = f"{condition.get('reason', '')}: {condition.get('message', '')}"
    return Line(f"condition {condition['type']} {condition['status']}", said, mark, "  ")


def _daemons(obj: dict) -> str:
    status = obj.get("status", {})
    return f"{status.get('numberReady', 0)}/{status.get('desiredNumberScheduled', 0)} ready"

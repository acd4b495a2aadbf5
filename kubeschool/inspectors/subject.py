"""Which objects a view is about: "deploy/web", "pods -l app=web", or a model of the official client; and the pods of those."""
from kubeschool.errors import CourseError
from kubeschool.inspectors.feed import Feed, feed
from kubeschool.inspectors.view import Line
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.selectors import from_label_selector, matches, parse_labels
from kubeschool.target import Target


class Subject:
    """Raises CourseError when `target` means nothing, ApiException and urllib3's errors when the cluster cannot be asked what it means."""

    def __init__(self, cluster, target):
        self.target = parse(cluster, target)
        self.feed = feed(cluster.api, self.target.resource, self.target.namespace if self.target.resource.namespaced else "")
        self._was_there = False
        try:
            self._wanted = parse_labels(self.target.selector)
        except ApiError as refusal:
            raise CourseError(refusal.message) from None
        self.name, self.kind, self.namespace = self.target.name, self.target.resource.kind, self.target.namespace

    def __str__(self) -> str:
        return str(self.target)

    @property
    def feeds(self) -> list[Feed]:
        return [self.feed]

    @property
    def objects(self) -> list[dict]:
        """Sorted by name."""
        if self.name:
            found = [obj] if (obj := self.feed.objects.get(self.name)) else []
        else:
            found = [obj for _, obj in sorted(self.feed.objects.items()) if matches(self._wanted, obj["metadata"].get("labels"))]
        self._was_there |= bool(found)
        return found

    @property
    def missing(self) -> Line:
        """What to show where there is no object."""
        what = f"{self.kind} {self.name}" if self.name else f"{self.target.resource.name} with {self.target.selector}"
        return Line(what, "was deleted" if self._was_there else "is not there", "gone")


class Pods:
    """The pods meant: themselves, or those that the objects meant select (`spec.selector` of a Deployment, a Service, a Job …)."""

    def __init__(self, cluster, target):
        self.subject = Subject(cluster, target)
        self.pods = feed(cluster.api, cluster.api.resource("pods"), self.subject.namespace)

    def __str__(self) -> str:
        return str(self.subject)

    @property
    def feeds(self) -> list[Feed]:
        return list({id(each): each for each in (self.subject.feed, self.pods)}.values())

    @property
    def objects(self) -> list[dict]:
        """Sorted by name."""
        if self.subject.kind == "Pod":
            return self.subject.objects
        selectors = [obj["spec"].get("selector") for obj in self.subject.objects if isinstance(obj.get("spec"), dict)]
        wanted = [from_label_selector(s if "matchLabels" in s or "matchExpressions" in s else {"matchLabels": s}) for s in selectors if s]
        return [pod for _, pod in sorted(self.pods.objects.items()) if any(matches(w, pod["metadata"].get("labels")) for w in wanted)]

    @property
    def missing(self) -> Line:
        if self.subject.objects and self.subject.kind != "Pod":
            return Line(str(self), "has no pods", "gone")
        return self.subject.missing


def parse(cluster, target) -> Target:
    """Raises CourseError."""
    if isinstance(target, str):
        return Target.parse(target, cluster.namespace, cluster.api)
    return Target.of(target, cluster.namespace, cluster.api)

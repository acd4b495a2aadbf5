"""What the API knows about one object and its surroundings: containers, events, owner, node, pods. Each is read when a sign asks for it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from kubernetes.client.exceptions import ApiException

from kubeschool.api import Api, Resource

RECENT_SECONDS = 600
"""An end of a container counts as trouble for so long: the time after which the kubelet forgets its back-off."""
LINES = 4


@dataclass(frozen=True)
class Container:
    """A container of a pod: what is wanted (`spec`) and how it is (`status`, empty until the kubelet reports)."""

    spec: dict
    status: dict
    init: bool
    policy: str
    """The pod's restartPolicy, or a native sidecar's own."""

    @property
    def name(self) -> str:
        return self.spec["name"]

    @property
    def waiting(self) -> dict:
        return self.status.get("state", {}).get("waiting", {})

    @property
    def running(self) -> dict:
        return self.status.get("state", {}).get("running", {})

    @property
    def terminated(self) -> dict:
        """How it ended, when it did not start again."""
        return self.status.get("state", {}).get("terminated", {})

    @property
    def last_end(self) -> dict:
        """How its present or its last run ended."""
        return self.terminated or self.status.get("lastState", {}).get("terminated", {})

    @property
    def goes_on(self) -> bool:
        """Whether it is meant never to end."""
        return self.policy == "Always" and (not self.init or "restartPolicy" in self.spec)

    @property
    def restarts(self) -> str:
        times = self.status.get("restartCount", 0)
        if not times:
            return f"restartPolicy is {self.policy}"
        often = "once so far" if times == 1 else f"{times} times so far, with longer and longer pauses"
        return f"It was started again {often}"

    @property
    def words(self) -> dict[str, str]:
        limits = self.spec.get("resources", {}).get("limits", {})
        return {
            "container": self.name,
            "image": self.spec.get("image", ""),
            "memory": limits.get("memory", "none of its own"),
            "code": str(self.last_end.get("exitCode", "")),
            "restarts": self.restarts,
            "previous": "" if self.waiting or self.terminated else " --previous",
            "command": " ".join([*self.spec.get("command", ()), *self.spec.get("args", ())]) or "the image's own",
        }


class Evidence:
    """One object with what belongs to it. `words` fills the texts of the tables."""

    def __init__(self, api: Api, resource: Resource, obj: dict):
        self.api, self.resource, self.obj = api, resource, obj
        self.kind, self.type = resource.kind, resource.singular
        self.name, self.uid = obj["metadata"]["name"], obj["metadata"].get("uid", "")
        self.namespace = obj["metadata"].get("namespace", "")
        self.spec, self.status = obj.get("spec") or {}, obj.get("status") or {}
        self.ref = f"{self.type}/{self.name}"

    @cached_property
    def words(self) -> dict[str, str]:
        owner = self.owner
        return {
            "type": self.type,
            "name": self.name,
            "ref": self.ref,
            "n": f" -n {self.namespace}" if self.namespace else "",
            "namespace": self.namespace,
            "node": self.spec.get("nodeName", ""),
            "owner": owner,
            "change": self._change,
        }

    @property
    def _change(self) -> str:
        """How to change a template or a manifest."""
        if self.owner.startswith("job/"):
            return f"change the manifest, delete {self.owner} and create it anew"
        if self.owner.startswith("pod/"):
            return "change the manifest, then kubectl replace --force -f FILE"
        return f"kubectl edit {self.owner} -n {self.namespace}"

    @cached_property
    def owner(self) -> str:
        """Where a change of the pod's template belongs: "deployment/web"; the object itself when nobody owns it."""
        ref, obj = self.ref, self.obj
        while controller := next((o for o in obj["metadata"].get("ownerReferences", ()) if o.get("controller")), None):
            ref = f"{controller['kind'].lower()}/{controller['name']}"
            obj = controller["kind"] in ("ReplicaSet", "Job") and self.find(controller["kind"].lower(), controller["name"])
            if not obj:
                break
        return ref

    def find(self, word: str, name: str) -> dict | None:
        """Another object, of this namespace where the type has one; None when it is not there or may not be read."""
        try:
            return self.api.find(self.api.resource(word).path(self.namespace, name))
        except ApiException:
            return None

    def every(self, word: str, **query: str) -> list[dict]:
        """Other objects; none when they may not be read."""
        try:
            return self.api.get(self.api.resource(word).path(self.namespace), **query)["items"]
        except ApiException:
            return []

    @cached_property
    def conditions(self) -> dict[str, dict]:
        return {condition["type"]: condition for condition in self.status.get("conditions") or ()}

    @property
    def terminating(self) -> bool:
        return "deletionTimestamp" in self.obj["metadata"]

    @property
    def overdue(self) -> bool:
        """Whether the grace period of a deletion is over (with some seconds for the cluster to act on it)."""
        return self.terminating and _age(self.obj["metadata"]["deletionTimestamp"]) > 5

    @cached_property
    def containers(self) -> list[Container]:
        """Init containers first, in the order in which they start."""
        found = []
        for list_, statuses, init in ("initContainers", "initContainerStatuses", True), ("containers", "containerStatuses", False):
            known = {status["name"]: status for status in self.status.get(statuses) or ()}
            policy = self.spec.get("restartPolicy", "Always")
            found += [
                Container(spec, known.get(spec["name"], {}), init, spec.get("restartPolicy", policy)) for spec in self.spec.get(list_) or ()
            ]
        return found

    def lately(self, container: Container) -> dict:
        """How a container ended, unless it runs well since long, or its pod was told to end."""
        end = container.last_end
        told = self.terminating or self.status.get("reason")
        return {} if not end or told or (container.running and _age(end.get("finishedAt")) > RECENT_SECONDS) else end

    def ended(self, container: Container) -> dict:
        """The same when that is trouble: with an error, or again and again although it should go on."""
        end = self.lately(container)
        return end if end and (end["exitCode"] or (container.goes_on and container.waiting)) else {}

    def last_words(self, container: Container) -> str:
        """The end of the log of the run that ended."""
        query = {"container": container.name, "tailLines": LINES} | ({} if container.terminated else {"previous": True})
        try:
            return self.api.get(f"/api/v1/namespaces/{self.namespace}/pods/{self.name}/log", **query).get("text", "").strip()
        except ApiException:
            return ""

    @cached_property
    def events(self) -> list[dict]:
        """About this object, the newest first. The kubelet gives a node's name for its uid."""
        query = f"involvedObject.kind={self.kind},involvedObject.name={self.name}"
        try:
            events = self.api.get(f"/api/v1/namespaces/{self.namespace or 'default'}/events", fieldSelector=query)["items"]
        except ApiException:
            return []
        mine = [event for event in events if event["involvedObject"].get("uid") in (self.uid, self.name, "", None)]
        return sorted(mine, key=_seen, reverse=True)

    def said(self, reason: str, message: str = "", container: str = "") -> re.Match | None:
        """The match of the newest event with this reason and message, about this container if one is named."""
        for event in self.events:
            about = re.search(r"\{(.*)\}", event["involvedObject"].get("fieldPath", ""))
            match = re.search(message, event.get("message") or "", re.DOTALL)
            if match and re.fullmatch(reason, event.get("reason") or "") and (not container or not about or about[1] == container):
                return match
        return None

    @cached_property
    def pods(self) -> list[dict]:
        """The pods that a workload or a Service picks by its selector."""
        selector = self.spec.get("selector") or {}
        labels = selector.get("matchLabels", {}) if "matchLabels" in selector or "matchExpressions" in selector else selector
        if self.kind not in PICKS or not labels:
            return []
        return self.every("pods", labelSelector=",".join(f"{key}={value}" for key, value in labels.items()))

    @cached_property
    def troubled_pods(self) -> list["Evidence"]:
        """Those of them that are not ready, and not done either; the newest first, by second and revision."""
        pods = [Evidence(self.api, self.api.resource("pods"), pod) for pod in self.pods]
        pods = [pod for pod in pods if not pod.well and (pod.overdue or not pod.terminating)]
        about = [replicaset["metadata"] for replicaset in self.every("replicasets")] if len(pods) > 1 else []
        revisions = {each["name"]: int(each.get("annotations", {}).get("deployment.kubernetes.io/revision", 0)) for each in about}

        def born(pod: "Evidence") -> tuple[str, int]:
            owners = pod.obj["metadata"].get("ownerReferences", ())
            return pod.obj["metadata"].get("creationTimestamp", ""), max((revisions.get(owner["name"], 0) for owner in owners), default=0)

        return sorted(pods, key=born, reverse=True)

    @cached_property
    def serving_pods(self) -> list[dict]:
        return [pod for pod in self.pods if Evidence(self.api, self.api.resource("pods"), pod).serves]

    @property
    def ready(self) -> bool:
        return self.conditions.get("Ready", {}).get("status") == "True"

    @property
    def serves(self) -> bool:
        """Whether a pod is ready, or done."""
        return self.status.get("phase") == "Succeeded" or (self.ready and not self.terminating)

    @property
    def well(self) -> bool:
        """The same, and no container of it ended a moment ago that should not have."""
        return self.serves and not any(self.ended(c) or (c.goes_on and self.lately(c)) for c in self.containers)

    @cached_property
    def node_ready(self) -> dict:
        """The Ready condition of a pod's node."""
        node = self.spec.get("nodeName") and self.find("node", self.spec["nodeName"])
        return next((c for c in (node or {}).get("status", {}).get("conditions", ()) if c["type"] == "Ready"), {})


PICKS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "Service")
"""Kinds whose selector picks pods."""


def _age(text: str | None) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(text.replace("Z", "+00:00"))).total_seconds() if text else 0.0


def _seen(event: dict) -> tuple[str, str]:
    """When it was seen last (RFC 3339, to the second), and among equals the one that began last: an event's name ends with when it did."""
    series, about = event.get("series") or {}, event["metadata"]
    last = event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime") or about["creationTimestamp"]
    return last[:19], about.get("name", "")

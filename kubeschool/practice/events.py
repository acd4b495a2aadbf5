"""Event recorders (client-go `tools/record/events_cache.go`, `tools/events/event_recorder.go`)."""
import logging
import time
from datetime import timedelta

from .apiserver.errors import ApiError
from .client import Client
from .clock import micro_timestamp, now, parse, timestamp

SIMILAR = 10
"""More similar events than this within ten minutes are combined into one."""
SIMILAR_WINDOW = timedelta(minutes=10)


class EventRecorder:
    """Writes Events about objects in a component's name.

    `host` is the node for kubelets. `series` writes the events.k8s.io form (the scheduler's): eventTime and
    reportingController in place of counts.
    """

    def __init__(self, client: Client, component: str, host: str = "", series: bool = False):
        self._client, self._component, self._host, self._series = client, component, host, series
        self._log = logging.getLogger(component)
        self._seen: dict[tuple, tuple[str, str]] = {}
        self._similar: dict[tuple, tuple[str, set[str]]] = {}

    def event(self, obj: dict, type_: str, reason: str, message: str, field_path: str = "", action: str = "") -> None:
        """`type_` Normal or Warning; `field_path` e.g. spec.containers{web}. Never raises: an event must not stop its sender."""
        reference = self._reference(obj, field_path)
        self._log.debug(
            '"Event occurred" object="%s" kind="%s" type="%s" reason="%s" message="%s"',
            f"{reference.get('namespace', '')}/{reference['name']}", reference["kind"], type_, reason, message,
        )
        about = (reference["uid"] or reference["name"], field_path, type_, reason)
        message = self._combine(about, message)
        identity = (*about, message)
        try:
            if not (identity in self._seen and self._repeat(*self._seen[identity])):
                created = self._client.create("events", self._new(reference, type_, reason, message, action))
                self._seen[identity] = (created["metadata"]["namespace"], created["metadata"]["name"])
        except ApiError:
            self._seen.pop(identity, None)

    def _reference(self, obj: dict, field_path: str) -> dict:
        meta = obj["metadata"]
        reference = {
            "kind": obj["kind"],
            "namespace": meta.get("namespace"),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "apiVersion": obj["apiVersion"],
            "resourceVersion": meta.get("resourceVersion"),
            "fieldPath": field_path,
        }
        return {k: v for k, v in reference.items() if v or k == "uid"}

    def _new(self, reference: dict, type_: str, reason: str, message: str, action: str) -> dict:
        namespace = reference.get("namespace", "default")
        event = {
            "metadata": {"name": f"{reference['name']}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": reference,
            "type": type_,
            "reason": reason,
            "message": message,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }
        if self._series:
            instance = f"{self._component}-practice"
            return event | {"eventTime": micro_timestamp(), "action": action, "reportingInstance": instance, "source": {}}
        source = {"component": self._component, **({"host": self._host} if self._host else {})}
        return event | {"source": source, "count": 1, "firstTimestamp": timestamp(), "lastTimestamp": timestamp(), "eventTime": None}

    def _repeat(self, namespace: str, name: str) -> bool:
        """Count one more of an event that is still there."""
        try:
            event = self._client.get("events", namespace, name)
            if self._series:
                count = event.get("series", {}).get("count", 1) + 1
                change = {"series": {"count": count, "lastObservedTime": micro_timestamp()}}
            else:
                change = {"count": event.get("count", 1) + 1, "lastTimestamp": timestamp()}
            self._client.patch("events", namespace, name, change)
            return True
        except ApiError:
            return False

    def _combine(self, about: tuple, message: str) -> str:
        since, messages = self._similar.get(about, (timestamp(), set()))
        if now() - parse(since) > SIMILAR_WINDOW:
            since, messages = timestamp(), set()
        messages.add(message)
        self._similar[about] = (since, messages)
        return message if len(messages) <= SIMILAR else f"(combined from similar events): {message}"

"""Event of core/v1, the form in which events of events.k8s.io are stored too (`pkg/apis/core/validation/events.go`)."""

from ..errors import FieldError, invalid_value, required
from ..printers import since
from ..resource import Column, Resource

_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


class Event(Resource):
    kind, plural = "Event", "events"
    short_names = ("ev",)
    allow_create_on_update = True
    columns = (
        Column("Last Seen"),
        Column("Type"),
        Column("Reason"),
        Column("Object"),
        Column("Subobject", priority=1),
        Column("Source", priority=1),
        Column("Message"),
        Column("First Seen", priority=1),
        Column("Count", type="integer", priority=1),
        Column("Name", format="name", priority=1),
    )
    model = "CoreV1Event"

    def validate(self, obj: dict) -> list[FieldError]:
        involved, namespace = obj.get("involvedObject") or {}, obj["metadata"].get("namespace")
        if obj.get("eventTime"):
            found = []
            if namespace != (involved.get("namespace") or "default"):
                found.append(invalid_value("involvedObject.namespace", involved.get("namespace", ""), "does not match event.namespace"))
            for field in ("reportingComponent", "reportingInstance", "action", "reason"):
                if not obj.get(field):
                    found.append(required("reportingController" if field == "reportingComponent" else field))
            return found
        if involved.get("namespace") and namespace != involved["namespace"]:
            return [invalid_value("involvedObject.namespace", involved["namespace"], "does not match event.namespace")]
        if not involved.get("namespace") and namespace not in ("default", "kube-system"):
            return [invalid_value("involvedObject.namespace", "", "does not match event.namespace")]
        return []

    def fields(self, obj: dict) -> dict[str, str]:
        involved, source = obj.get("involvedObject") or {}, obj.get("source") or {}
        return {
            **{f"involvedObject.{f}": involved.get(f, "") for f in _REFERENCE},
            "reason": obj.get("reason", ""),
            "reportingComponent": obj.get("reportingComponent", ""),
            "source": source.get("component") or obj.get("reportingComponent", ""),
            "type": obj.get("type", ""),
        }

    def row(self, obj: dict) -> list:
        involved, source, series = obj.get("involvedObject") or {}, obj.get("source") or {}, obj.get("series") or {}
        first = since(obj.get("firstTimestamp") or obj.get("eventTime"))
        last = since(series.get("lastObservedTime") or obj.get("lastTimestamp"), first)
        name, kind = involved.get("name", ""), involved.get("kind", "").lower()
        emitter = source.get("component") or obj.get("reportingComponent", "")
        return [
            last,
            obj.get("type", ""),
            obj.get("reason", ""),
            f"{kind}/{name}" if name else kind,
            involved.get("fieldPath", ""),
            f"{emitter}, {source['host']}" if source.get("host") else emitter,
            obj.get("message", "").strip(),
            first,
            series.get("count") or obj.get("count") or 1,
            obj["metadata"]["name"],
        ]

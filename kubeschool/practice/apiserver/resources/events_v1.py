"""Event of events.k8s.io/v1: another view of the events of core/v1 (`pkg/apis/events/v1/conversion.go`)."""

from ..errors import FieldError
from ..resource import Resource
from .events import Event as CoreEvent

_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_CORE = CoreEvent()


class Event(Resource):
    group, kind, plural = "events.k8s.io", "Event", "events"
    short_names = ("ev",)
    model = "EventsV1Event"
    storage = "events"
    converts = True
    allow_create_on_update = True
    columns = CoreEvent.columns

    def from_storage(self, obj: dict) -> dict:
        return {"kind": "Event", "apiVersion": "events.k8s.io/v1", **_renamed(obj, {v: k for k, v in _NAMES.items()})}

    def to_storage(self, obj: dict) -> dict:
        return {"kind": "Event", "apiVersion": "v1", **_renamed(obj, _NAMES)}

    def validate(self, obj: dict) -> list[FieldError]:
        return _CORE.validate(self.to_storage(obj))

    def fields(self, obj: dict) -> dict[str, str]:
        values = _CORE.fields(self.to_storage(obj))
        return {k.replace("involvedObject", "regarding").replace("reportingComponent", "reportingController"): v for k, v in values.items()}

    def row(self, obj: dict) -> list:
        return _CORE.row(self.to_storage(obj))


def _renamed(obj: dict, names: dict[str, str]) -> dict:
    return {names.get(k, k): v for k, v in obj.items() if k not in ("kind", "apiVersion")}

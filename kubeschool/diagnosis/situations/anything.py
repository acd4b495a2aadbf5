"""What any object may tell when no table knows its trouble: finalizers, conditions that do not hold, warnings."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import event, when
from kubeschool.diagnosis.situation import Clue, Situation
from kubeschool.diagnosis.situations.ending import ENDING

GOOD_WHEN_FALSE = ("Failed", "FailureTarget", "ReplicaFailure", "ScalingLimited", "DisruptionTarget", "Terminating")


def not_holding(evidence: Evidence):
    """Conditions that are False and say why; not those of a thing that works."""
    for type, condition in evidence.conditions.items():
        good_when_false = type in GOOD_WHEN_FALSE or type.endswith(("Pressure", "Unavailable"))
        if condition["status"] == "False" and condition.get("message") and not good_when_false and not evidence.well:
            yield Clue(type, condition["message"], {"condition": type})


ANYTHING = (
    *(row for row in ENDING if row.id == "finalizer"),
    Situation(
        "being-deleted",
        when(lambda evidence: evidence.terminating),
        wrong="it is being deleted",
        means="Something still holds it, or it is only a moment.",
        fix="wait a moment and ask again",
        state="waiting",
    ),
    Situation(
        "condition-false",
        not_holding,
        wrong="{condition} is False",
        means="Its controller says so, and why.",
        fix="change what the message names",
    ),
    Situation(
        "warned",
        event("Failed.*|.*Failed|.*Error|.*Exceeded|Unhealthy", while_=when(lambda evidence: not evidence.well and evidence.kind == "Pod")),
        wrong="there is a warning about it",
        means="It may be over already: look at its age.",
        fix="read the events",
        last_resort=True,
    ),
)

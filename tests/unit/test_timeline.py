"""A pod's life as lines in order: from its status and its events."""

from kubeschool.inspectors.timeline import _lines


def at(second):
    return f"2026-01-01T00:00:{second:02}Z"


def line_texts(status, events=()):
    pod = {"kind": "Pod", "metadata": {"name": "web", "creationTimestamp": at(0)}, "spec": {}, "status": status}
    return [str(line).strip() for line in _lines(pod, list(events))]


def test_phases_and_ends_of_all_containers_are_in_order():
    done = {"exitCode": 0, "reason": "Completed"}
    lines = line_texts(
        {
            "phase": "Succeeded",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": at(1)}],
            "initContainerStatuses": [{"name": "first", "state": {"terminated": {**done, "startedAt": at(2), "finishedAt": at(4)}}}],
            "containerStatuses": [{"name": "work", "state": {"terminated": {**done, "startedAt": at(5), "finishedAt": at(9)}}}],
        }
    )
    assert lines == [
        "+0s  created  phase Pending",
        "+1s  ● condition PodScheduled  is True",
        "+4s  ● container first ended  Completed, exit code 0",
        "+5s  phase Running",
        "+9s  ● container work ended  Completed, exit code 0",
        "+9s  phase Succeeded",
        "now  ● now Completed",
    ]


def test_a_pod_that_has_not_started_is_pending():
    event = {"type": "Warning", "reason": "FailedScheduling", "message": "no node", "eventTime": at(1), "metadata": {"name": "e"}}
    assert line_texts({"phase": "Pending"}, [event])[:2] == ["+0s  created  phase Pending", "+1s  ✖ FailedScheduling  no node  []"]

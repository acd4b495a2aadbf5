"""Nothing is wrong yet, and still it does not serve: it is on its way, or its node is gone."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import when
from kubeschool.diagnosis.situation import Situation


def _first(evidence: Evidence, test) -> str:
    return next((container.name for container in evidence.containers if test(container)), "")


def _init(evidence: Evidence) -> str:
    """The init container that runs while others wait for its end; a sidecar is not waited for."""
    return _first(evidence, lambda c: c.init and c.running and c.spec.get("restartPolicy") != "Always")


def _starting_up(evidence: Evidence) -> str:
    return _first(evidence, lambda c: c.running and "startupProbe" in c.spec and not c.status.get("started"))


STARTING = (
    Situation(
        "init-goes-on",
        when(_init, container=_init),
        wrong="its init container {container} has not ended, and the others wait for it",
        means="Init containers run one after the other, each to its end, before the containers of the Pod start.",
        see="kubectl logs {name}{n} -c {container}",
        fix="read what it waits for in its log, and give it that",
        state="waiting",
    ),
    Situation(
        "starting-up",
        when(_starting_up, container=_starting_up),
        wrong="its container {container} is still starting up",
        means="Until the startup probe says yes for the first time, the other probes wait, and the Pod is not ready.",
        see="kubectl logs {name}{n} -c {container}",
        fix="wait; or look at what the startup probe asks",
        state="waiting",
    ),
    Situation(
        "just-created",
        when(lambda pod: any(c.waiting for c in pod.containers) or (pod.words["node"] and not pod.status.get("containerStatuses"))),
        wrong="it is being started on {node}",
        means="The kubelet there prepares network and volumes, pulls the image and starts the containers.",
        fix="wait a moment and ask again",
        state="waiting",
        last_resort=True,
    ),
)

"""A program runs and does not answer as its probes want. Messages: pkg/kubelet/prober, pkg/probe."""

from kubeschool.diagnosis.signs import condition, killed_by, unready
from kubeschool.diagnosis.situation import Situation

PROBES = (
    Situation(
        "liveness-fails",
        killed_by("Liveness"),
        wrong="its container {container} was killed because its liveness probe failed",
        means=(
            "A liveness probe that fails failureThreshold times in a row (3 unless set) has the container killed and started "
            "again. {restarts}."
        ),
        see="kubectl describe pod {name}{n}",
        fix="ask what the probe asks: kubectl exec {name}{n} -c {container} -- COMMAND; then correct the probe, or the program ({change})",
    ),
    Situation(
        "startup-fails",
        killed_by("Startup"),
        wrong="its container {container} does not start up in the time it has",
        means="A startup probe gives failureThreshold × periodSeconds; whoever needs longer is killed. {restarts}.",
        fix="raise failureThreshold, or correct what the probe asks ({change})",
    ),
    Situation(
        "probe-refused",
        unready("connection refused"),
        wrong="nothing listens where the {probe} probe of its container {container} asks",
        means=(
            "The container runs, but at that port nobody answers: the wrong port, or the program is not up yet. A Pod that is "
            "not ready gets no requests."
        ),
        see="kubectl exec {name}{n} -c {container} -- netstat -ltn",
        fix="correct the port of the probe ({change}), or look at the program: kubectl logs {name}{n} -c {container}",
    ),
    Situation(
        "probe-status",
        unready(r"statuscode: (?P<code>\d+)"),
        wrong="its container {container} answers the {probe} probe with {code}",
        means="2xx and 3xx count as yes. The container runs on, but a Pod that is not ready gets no requests.",
        see="kubectl logs {name}{n} -c {container} --tail=5",
        fix="correct the path of the probe ({change}), or make the page it asks for",
    ),
    Situation(
        "probe-slow",
        unready("(Client.Timeout|context deadline exceeded|timed out|timeout)"),
        wrong="its container {container} answers the {probe} probe too late",
        means="A probe waits timeoutSeconds, which is 1 unless set.",
        see="kubectl logs {name}{n} -c {container} --tail=5",
        fix="raise timeoutSeconds ({change}), or find what makes the program slow",
    ),
    Situation(
        "probe-fails",
        unready(""),
        wrong="the {probe} probe of its container {container} fails",
        means="The container runs on, but a Pod that is not ready gets no requests.",
        see="kubectl describe pod {name}{n}",
        fix="run the probe's command yourself: kubectl exec {name}{n} -c {container} -- COMMAND",
    ),
    Situation(
        "readiness-gate",
        condition("Ready", "False", "ReadinessGatesNotReady"),
        wrong="a readiness gate holds it back",
        means="Besides its containers, spec.readinessGates names a condition that another program has to set.",
        fix="find the program that should set it",
        state="waiting",
    ),
)

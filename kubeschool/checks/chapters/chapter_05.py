"""Checkpoints of 05 · The life of a Pod."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

AGAIN = "%kubectl delete pod {} --now"
"""Probes, hooks and policies of a pod that is there cannot change."""


def run(name: str, spec: str, container: str) -> str:
    """A cell that makes a pod of nginx:1.27 with these parts, as JSON."""
    overrides = f'{{"spec":{{{spec}"containers":[{{"name":"web","image":"nginx:1.27",{container}}}]}}}}'
    return f"%kubectl run {name} --image=nginx:1.27 --overrides='{overrides}'"


@checkpoint(
    "5.1",
    objective="life-probes",
    solution=f"""
{run("door", "", '"readinessProbe":{"httpGet":{"path":"/","port":80}}')}
cluster.wait("pod/door", "Ready")
""",
    wrong={
        "%kubectl run door --image=nginx:1.27": "no readinessProbe",
        run("door", "", '"livenessProbe":{"httpGet":{"path":"/","port":80}}'): "kills",
        run("door", "", '"readinessProbe":{"httpGet":{"path":"/","port":8080}}'): "port 8080",
        run("door", "", '"readinessProbe":{"tcpSocket":{"port":80}}'): "not by HTTP",
    },
)
def door(cluster) -> Verdict:
    pod = look.pod(cluster, "door")
    if not pod:
        return not_started(look.no_pod(cluster, "door"), next="%kubectl explain pod.spec.containers.readinessProbe.httpGet")
    container = look.container(pod)
    probe = container.get("readinessProbe")
    if not probe:
        text = "door has no readinessProbe"
        if "livenessProbe" in container:
            text += "; its livenessProbe kills the container when it fails, and says nothing about requests"
        text += ". A running Pod's probes cannot change: delete it, add the probe, apply again"
        return not_yet(text, next=AGAIN.format("door"))
    if "httpGet" not in probe:
        return not_yet("door's readinessProbe asks, but not by HTTP: it needs httpGet, with path and port", next=AGAIN.format("door"))
    asks = probe["httpGet"]
    if (asks.get("path"), asks["port"]) != ("/", 80):
        text = f"door's readinessProbe asks for {asks.get('path')} at port {asks['port']}, and it should be / at port 80"
        return not_yet(text, why="" if look.ready(pod) else look.why(cluster, pod), next=AGAIN.format("door"))
    if not look.ready(pod):
        return not_yet("door is not Ready", why=look.why(cluster, pod), next='kubeschool.explain("pod/door")')
    return done("door is asked for / at port 80 and says yes")


@checkpoint(
    "5.2",
    objective="life-restarts",
    solution="""
%kubectl run report --image=busybox:1.36 --restart=OnFailure -- echo done
cluster.wait("pod/report", "Succeeded")
""",
    wrong={
        "%kubectl run report --image=busybox:1.36 -- echo done": "Always",
        "%kubectl run report --image=busybox:1.36 --restart=Never -- echo done": "Never",
        "%kubectl run report --image=busybox:1.36 --restart=OnFailure -- ehco done": "not Completed",
    },
)
def report(cluster) -> Verdict:
    pod = look.pod(cluster, "report")
    if not pod:
        return not_started(look.no_pod(cluster, "report"), next="%kubectl run --help")
    policy = pod["spec"]["restartPolicy"]
    if policy != "OnFailure":
        what = {"Always": "also starts a program again that has done its work", "Never": "does not try again after a failure"}[policy]
        text = f"report's restartPolicy is {policy}, which {what}; it should be OnFailure"
        return not_yet(text, why=look.why(cluster, pod), next=AGAIN.format("report"))
    if pod["status"].get("phase") != "Succeeded":
        return not_yet("report is not Completed", why=look.why(cluster, pod), next='kubeschool.explain("pod/report")')
    return done("report did its work once, and would be tried again after a failure")


GRACE = '"terminationGracePeriodSeconds":120,'
PRE_STOP = '"lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}}'


@checkpoint(
    "5.3",
    objective="life-end",
    solution=f"""
{run("bank", GRACE, PRE_STOP)}
cluster.wait("pod/bank", "Ready")
""",
    wrong={
        "%kubectl run bank --image=nginx:1.27": "it is 30",
        run("bank", GRACE, '"ports":[]'): "no preStop hook",
        run("bank", "", PRE_STOP): "it is 30",
        run("bank", GRACE, PRE_STOP.replace("preStop", "postStart")): "postStart",
    },
)
def bank(cluster) -> Verdict:
    pod = look.pod(cluster, "bank")
    if not pod:
        return not_started(look.no_pod(cluster, "bank"), next="%kubectl explain pod.spec.terminationGracePeriodSeconds")
    grace = pod["spec"].get("terminationGracePeriodSeconds")
    if grace != 120:
        text = f"bank's terminationGracePeriodSeconds should be 120, and it is {grace}; it belongs into spec, beside containers"
        return not_yet(text, next=AGAIN.format("bank"))
    hooks = look.container(pod).get("lifecycle") or {}
    if "preStop" not in hooks:
        seen = f", only {', '.join(hooks)}" if hooks else ""
        text = f"bank's container has no preStop hook{seen}; it belongs into the container, under lifecycle"
        return not_yet(text, next="%kubectl explain pod.spec.containers.lifecycle.preStop.exec")
    if not look.ready(pod):
        return not_yet("bank is not Ready", why=look.why(cluster, pod), next='kubeschool.explain("pod/bank")')
    return done("bank has two minutes and a preStop hook for its goodbye")

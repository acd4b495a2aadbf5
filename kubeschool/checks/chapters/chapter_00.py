"""The checkpoint of 00 · Start here."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet


@checkpoint(
    "0.1",
    objective="start-pod",
    solution="""
%kubectl run mine --image=nginx:1.27
cluster.wait("pod/mine", "Running")
""",
    wrong={
        "%kubectl run my-pod --image=nginx:1.27": "its Pods: my-pod",
        "%kubectl run mine --image=ngnix:1.27": "ngnix:1.27",
        "%kubectl run mine --image=busybox:1.36": "busybox:1.36",
    },
)
def mine(cluster) -> Verdict:
    pod = look.pod(cluster, "mine")
    if not pod:
        return not_started(look.no_pod(cluster, "mine"), next="%kubectl run --help")
    if (image := look.container(pod)["image"]) != "nginx:1.27":
        return not_yet(
            f"mine should run nginx:1.27, and its image is {image}",
            why="" if look.ready(pod) else look.why(cluster, pod),
            next="%kubectl delete pod mine",
        )
    if pod["status"].get("phase") != "Running":
        return not_yet("mine is not Running yet", why=look.why(cluster, pod), next="%kubectl describe pod mine")
    return done("mine is Running: your first Pod")

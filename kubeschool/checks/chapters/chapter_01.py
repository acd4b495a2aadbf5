"""Checkpoints of 01 · Why Kubernetes."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

BAKERY = "%kubectl apply -f manifests/01-why-kubernetes/bakery.yaml"
SET = "%kubectl set resources --help"


@checkpoint(
    "1.1",
    objective="why-resources",
    before=BAKERY,
    solution="""
%kubectl set resources deploy/bakery --requests=cpu=640m
%kubectl rollout status deploy/bakery
""",
    wrong={
        "%kubectl scale deploy/bakery --replicas=2": "cpu: 640;",
        "%kubectl set resources deploy/bakery --requests=cpu=64": "cpu: 64;",
        "%kubectl set resources deploy/bakery --requests=cpu=0": "no request",
        "%kubectl set resources deploy/bakery --requests=cpu=640m --limits=cpu=640m,memory=1Mi": "memory",
        "%kubectl delete deploy bakery": "there is no bakery",
    },
)
def bakery(cluster) -> Verdict:
    deployment = look.deployment(cluster, "bakery")
    if not deployment:
        return not_started("there is no bakery to repair", next=BAKERY)
    resources = look.container(deployment["spec"]["template"]).get("resources", {})
    request = resources.get("requests", {}).get("cpu", "0")
    if request == "0":
        return not_yet("the bakery has no request any more, so nothing is kept free for it; 640m were meant", next=SET)
    if request != "640m":
        return not_yet(f"the bakery still requests cpu: {request}; 640m were meant", why=look.stuck(cluster, deployment), next=SET)
    if look.ready_replicas(deployment) < 1:
        limits = look.written(resources.get("limits", {})) or "none"
        why = look.stuck(cluster, deployment)
        return not_yet(f"the request is right, and no Pod is ready; its limits: {limits}", why=why, next="%kubectl get pods -l app=bakery")
    return done("the bakery is open: 640m are kept free for it")


@checkpoint(
    "1.2",
    objective="why-jobs",
    solution="""
%kubectl create job bread --image=busybox:1.36 -- echo bread is baked
%kubectl wait --for=condition=complete job/bread --timeout=60s
""",
    wrong={
        "%kubectl run bread --image=busybox:1.36 --restart=Never -- echo bread is baked": "lone Pod",
        "%kubectl create job bread --image=busybox:1.36 -- false": "failed",
        "%kubectl create job bread --image=busybox:1.63 -- echo bread is baked": "busybox:1.63",
        "%kubectl create job bread --image=nginx:1.27 -- echo bread is baked": "nginx:1.27",
    },
)
def bread(cluster) -> Verdict:
    job = cluster.api.find(f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs/bread")
    if not job:
        if look.pod(cluster, "bread"):
            return not_yet("bread is a lone Pod: nobody tries again when it fails; a Job does", next="%kubectl create job --help")
        return not_started("there is no Job bread", next="%kubectl create job --help")
    if (image := look.image(job)) != "busybox:1.36":
        return not_yet(f"bread should run busybox:1.36, and its image is {image}", why=_why(cluster, job), next="%kubectl delete job bread")
    status = job.get("status", {})
    if status.get("succeeded"):
        return done("bread is baked: the Job has succeeded")
    if status.get("failed"):
        return not_yet(f"its program has failed {status['failed']} times: it ended with an error", next="%kubectl delete job bread")
    return not_yet("bread has not succeeded yet", why=_why(cluster, job), next="%kubectl describe job bread")


def _why(cluster, job: dict) -> str:
    pods = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods", labelSelector=f"job-name={job['metadata']['name']}")["items"]
    return next((look.why(cluster, pod) for pod in pods if pod["status"].get("phase") != "Succeeded"), "")

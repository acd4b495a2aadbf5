"""Checkpoints of 08 · Workloads and scaling."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

PRESS = "%kubectl apply -f manifests/08-workloads-and-scaling/press.yaml"
LOOKOUT = "%kubectl apply -f manifests/08-workloads-and-scaling/lookout.yaml"
MUSEUM = "%kubectl apply -f manifests/08-workloads-and-scaling/museum.yaml"
METRICS = "%%needs horizontalpodautoscalers.autoscaling/v2 pods.metrics.k8s.io/v1beta1\n"


def till_with(resources: str) -> str:
    """A cell that runs till with these `resources`, as JSON."""
    container = f'{{"name":"nginx","image":"nginx:1.27","resources":{{{resources}}}}}'
    return f"""%kubectl run till --image=nginx:1.27 --overrides='{{"spec":{{"containers":[{container}]}}}}'"""


@checkpoint(
    "8.1",
    objective="work-resources",
    solution=till_with('"limits":{"cpu":"100m","memory":"64Mi"}') + '\ncluster.wait("pod/till", "Ready")',
    wrong={
        "%kubectl run till --image=nginx:1.27": "has no limit",
        till_with('"requests":{"cpu":"100m","memory":"64Mi"}'): "Burstable",
        till_with('"requests":{"cpu":"50m"},"limits":{"cpu":"100m","memory":"64Mi"}'): "request of cpu is 50m",
        till_with('"limits":{"cpu":"100m"}'): "no limit of memory",
        till_with('"limits":{"cpu":"100","memory":"64Mi"}'): "limit of cpu is 100,",
    },
)
def till(cluster) -> Verdict:
    pod = look.pod(cluster, "till")
    again = "%kubectl delete pod till --now"
    if not pod:
        return not_started(look.no_pod(cluster, "till"), next="%kubectl explain pod.spec.containers.resources")
    resources = look.container(pod).get("resources", {})
    if not resources:
        return not_yet("till has no limit and no request: it is BestEffort. Delete it, add them, run it again", next=again)
    if missing := [name for name in ("cpu", "memory") if name not in resources.get("limits", {})]:
        text = f"till has no limit of {' and '.join(missing)}, so its class is {pod['status']['qosClass']}"
        return not_yet(text, why=str(resources), next=again)
    for what, wanted in (("cpu", "100m"), ("memory", "64Mi")):
        for name in ("limits", "requests"):
            if (seen := resources[name][what]) != wanted:
                text = f"till's {name.removesuffix('s')} of {what} is {seen}, and it should be {wanted}"
                return not_yet(f"{text}; its class is {pod['status']['qosClass']}", next=again)
    if not look.ready(pod):
        return not_yet("till is not Ready", why=look.why(cluster, pod), next='kubeschool.explain("pod/till")')
    return done("till is Guaranteed: what it may use is what is kept free for it")


@checkpoint(
    "8.2",
    objective="work-batch",
    before=PRESS,
    solution="""
%kubectl patch job press -p '{"spec":{"parallelism":4}}'
%kubectl wait --for=condition=complete job/press --timeout=180s
""",
    wrong={
        """%kubectl patch job press -p '{"spec":{"parallelism":8}}'""": "8 at a time",
        """%kubectl patch job press -p '{"spec":{"parallelism":4}}'""": "of 8 copies",
        """%kubectl patch job press -p '{"spec":{"suspend":true}}'""": "suspended",
        "%kubectl delete job press": "there is no Job press",
    },
)
def press(cluster) -> Verdict:
    job = look.find(cluster, "job/press")
    if not job:
        return not_started("there is no Job press", next=PRESS)
    spec, status = job["spec"], job.get("status", {})
    if spec.get("suspend"):
        return not_yet("press is suspended, so nothing is printed at all", next="%kubectl explain job.spec.suspend")
    if (parallelism := spec["parallelism"]) != 4:
        late = "; it is finished by now, so delete it and make it anew" if status.get("succeeded") == 8 else ""
        text = f"press prints {parallelism} at a time, and there are four machines{late}"
        return not_yet(text, next="%kubectl delete job press" if late else "%kubectl explain job.spec.parallelism")
    if (printed := status.get("succeeded", 0)) < 8:
        return not_yet(f"{printed} of 8 copies are printed, four at a time: wait for it", next="%kubectl wait --help")
    return done("eight copies, four at a time")


TOLERATE = """%kubectl patch ds lookout -p '{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists"}]}}}}'"""
ANYWHERE = """%kubectl patch ds lookout -p '{"spec":{"template":{"spec":{"nodeSelector":null}}}}'"""


@checkpoint(
    "8.3",
    objective="work-sets",
    before=LOOKOUT,
    solution=f"""
{ANYWHERE}
{TOLERATE}
%kubectl rollout status ds/lookout
""",
    wrong={
        TOLERATE: "view=sea",
        ANYWHERE: "taint",
        "%kubectl create deployment lookout --image=busybox:1.36 --replicas=3 -- sleep 86400": "view=sea",
        "%kubectl delete ds lookout": "there is no DaemonSet",
    },
)
def lookout(cluster) -> Verdict:
    daemons = look.find(cluster, "ds/lookout")
    if not daemons:
        return not_started("there is no DaemonSet lookout", next=LOOKOUT)
    nodes, status = cluster.api.get("/api/v1/nodes")["items"], daemons.get("status", {})
    template = daemons["spec"]["template"]["spec"]
    if selector := template.get("nodeSelector"):
        text = f"its Pods want a node with the label {look.written(selector)}, and it should be every node"
        return not_yet(text, next="%kubectl get nodes --show-labels")
    seen = status.get("observedGeneration") == daemons["metadata"]["generation"]
    if not seen or status["desiredNumberScheduled"] < len(nodes):
        tainted = [node["metadata"]["name"] for node in nodes if node["spec"].get("taints")]
        wants = status.get("desiredNumberScheduled", 0)
        text = f"it wants {wants} Pods for {len(nodes)} nodes; a taint keeps it away from {', '.join(tainted)}"
        return not_yet(text, next="%kubectl explain ds.spec.template.spec.tolerations")
    if (ready := status.get("numberReady", 0)) < len(nodes) or status.get("updatedNumberScheduled") != len(nodes):
        return not_yet(f"{ready} of {len(nodes)} Pods are ready", next="%kubectl rollout status ds/lookout")
    return done("a lookout on every node")


@checkpoint(
    "8.4",
    objective="work-autoscale",
    before=MUSEUM,
    solution=f"""
{METRICS}%kubectl set resources deploy/museum --requests=cpu=100m
%kubectl autoscale deployment museum --cpu=60% --min=2 --max=5
cluster.wait("hpa/museum", "ScalingActive")
cluster.wait("deploy/museum", lambda museum: museum["status"].get("readyReplicas") == 2)
""",
    wrong={
        "%kubectl scale deploy/museum --replicas=5": "no autoscaler",
        "%kubectl autoscale deployment museum --cpu=60% --min=2 --max=5": "missing request for cpu",
        "%kubectl autoscale deployment museum --cpu=60% --max=5": "from 1 to 5",
        "%kubectl autoscale deployment museum --cpu=6% --min=2 --max=5": "6%",
    },
)
def museum(cluster) -> Verdict:
    if not look.deployment(cluster, "museum"):
        return not_started("there is no museum", next=MUSEUM)
    found = cluster.api.get(f"/apis/autoscaling/v2/namespaces/{cluster.namespace}/horizontalpodautoscalers")["items"]
    scalers = [each for each in found if each["spec"]["scaleTargetRef"]["name"] == "museum"]
    if not scalers:
        return not_started("the museum has no autoscaler: nobody counts its visitors", next="%kubectl autoscale --help")
    spec, status = scalers[0]["spec"], scalers[0].get("status", {})
    bounds = spec.get("minReplicas", 1), spec["maxReplicas"]
    again = "%kubectl delete hpa museum"
    if bounds != (2, 5):
        return not_yet(f"it goes from {bounds[0]} to {bounds[1]} Pods, and it should be from 2 to 5", next=again)
    metrics = [each.get("resource", {}) for each in spec.get("metrics", ())]
    targets = [each["target"].get("averageUtilization") for each in metrics if each.get("name") == "cpu"]
    if targets != [60]:
        return not_yet(f"it aims at {', '.join(f'{each}%' for each in targets) or 'no share'} of the CPU, and it should be 60%", next=again)
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    scaling = conditions.get("ScalingActive", {})
    if scaling.get("status") != "True":
        return not_yet("it cannot count yet", why=scaling.get("message", ""), next="%kubectl describe hpa museum")
    return done("the museum has two Pods, and up to five when the class comes")

"""L22: an autoscaler that cannot compute."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The autoscaler that sees nothing",
    level=3,
    minutes=12,
    story="""
For the sale an autoscaler was set up: at least two Pods, at most five, half of their CPU in use. `kubectl get hpa` shows <unknown>,
and nobody believes that it would do anything when customers come.

Make the autoscaler able to work. It must go on watching CPU.
""",
    broken="missing request for cpu",
    needs=("pods.metrics.k8s.io/v1beta1",),
    hints=(
        "`kubectl describe hpa sale`: its conditions and Events say what it misses.",
        "50 % of what? Utilization is measured against something that each container must state.",
        "Against the CPU request. `kubectl set resources deploy/sale --requests=cpu=50m`",
    ),
    wrong={
        "%kubectl scale deploy/sale --replicas=3": "missing request for cpu",
        "%kubectl set resources deploy/sale --requests=memory=32Mi": "missing request for cpu",
        "%kubectl delete hpa sale\n%kubectl scale deploy/sale --replicas=2": "there is no autoscaler",
    },
    repairs={
        "say what a Pod needs": "%kubectl set resources deploy/sale --requests=cpu=50m",
        "a limit is a request too, when there is none": "%kubectl set resources deploy/sale --limits=cpu=200m,memory=64Mi",
    },
    explanation="""
`averageUtilization: 50` means half of the CPU that the containers **request**. A container without a request makes that a division
by nothing, so the autoscaler gives up: `FailedGetResourceMetric … missing request for cpu`. A CPU limit without a request sets the
request as well.
""",
)


@LAB.goal("The autoscaler can compute: ScalingActive is True")
def active(cluster) -> Verdict:
    sale = look.find(cluster, "hpa/sale")
    if not sale:
        return not_yet("there is no autoscaler sale any more", next="%kubectl get hpa")
    conditions = {each["type"]: each for each in sale.get("status", {}).get("conditions", ())}
    scaling = conditions.get("ScalingActive", {})
    if scaling.get("status") != "True":
        return not_yet("it cannot", why=scaling.get("message", ""), next="%kubectl describe hpa sale")
    return done("it sees what the Pods use")


@LAB.goal("It watches CPU, from two Pods to five")
def watches(cluster) -> Verdict:
    sale = look.find(cluster, "hpa/sale")
    if not sale:
        return not_yet("there is no autoscaler sale any more", next="%kubectl get hpa")
    metrics = [each.get("resource", {}).get("name") for each in sale["spec"].get("metrics", ())]
    if "cpu" not in metrics or sale["spec"].get("minReplicas") != 2 or sale["spec"]["maxReplicas"] != 5:
        return not_yet("it watches something else, or other numbers", next="%kubectl get hpa sale -o yaml")
    return done("it does")


@LAB.goal("Two Pods are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/sale", 2)

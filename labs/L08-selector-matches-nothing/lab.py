"""L08: a Service whose selector picks no Pod."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

SLICES = "%kubectl get endpointslices -l kubernetes.io/service-name=shop"
LAB = Lab(
    title="Two healthy Pods and no shop",
    level=1,
    minutes=5,
    story="""
The shop's Pods are Ready, the Service is there, and customers still get no answer. "It must be the network", says the colleague who
wrote the Service yesterday evening.

Bring customers and Pods together. The stockroom stays private: no customer may end up there.
""",
    broken="no endpoints available",
    hints=(
        "A Service sends to the Pods its selector picks. Which does it pick?",
        "`kubectl get pods --show-labels` beside `kubectl describe service shop`: compare, letter by letter.",
        "The Pods say `tier=frontend`, the Service looks for `tier=front`: `kubectl set selector service/shop app=shop,tier=frontend`",
    ),
    wrong={
        "%kubectl rollout restart deploy/shop": "no endpoints available",
        "%kubectl label pod stockroom app=shop tier=front --overwrite": "customers may end up in stockroom",
    },
    repairs={
        "mend the selector": "%kubectl set selector service/shop app=shop,tier=frontend",
        "select by the application alone": """
%kubectl patch service shop --type=json -p '[{"op": "remove", "path": "/spec/selector/tier"}]'
""",
        "give the Pods the label the Service looks for": """
%kubectl patch deploy/shop -p '{"spec": {"template": {"metadata": {"labels": {"tier": "front"}}}}}'
""",
    },
    explanation="""
A Service does not know Deployments. It sends to every ready Pod that carries **all** labels of its selector. `tier: front` was on
no Pod, so the Service's EndpointSlice was empty, and an empty Service answers nobody. The network had nothing to do with it: look
at the EndpointSlice first, then at labels.
""",
)


@LAB.goal("The Service shop answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "shop:80")


@LAB.goal("It sends to both Pods of the shop, and to no others")
def endpoints(cluster) -> Verdict:
    wanted = {pod["metadata"]["name"] for pod in look.pods(cluster, "app=shop,pod-template-hash")}
    seen = look.endpoints(cluster, "shop")
    if others := seen - wanted:
        return not_yet(f"customers may end up in {', '.join(sorted(others))}", next=SLICES)
    if len(wanted) < 2 or seen != wanted:
        return not_yet(f"it sends to {len(seen)} of {max(2, len(wanted))} Pods", next="%kubectl get pods --show-labels")
    return done("it sends to " + " and ".join(sorted(seen)))


@LAB.goal("The Pods stay Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/shop", 2)

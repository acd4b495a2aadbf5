"""L06: a request that no node can meet."""

from kubernetes.utils.quantity import parse_quantity

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="No room for the oven",
    level=1,
    minutes=6,
    story="""
Two new ovens were ordered, and both wait in the yard. "The cluster is full", says the one who ordered them; the cluster says it is
nearly empty.

Get both running. The house rule stays: every Pod says how much CPU it needs.
""",
    broken="Insufficient cpu",
    hints=(
        "Pending: no node was found. The scheduler says why, in an Event of the Pod.",
        "`Insufficient cpu`: compare what an oven asks for with what a node has (`kubectl describe nodes`, Allocatable).",
        'It asks for "100" whole CPUs. A hundred thousandths are written 100m: `kubectl set resources deploy/oven --requests=cpu=100m`',
    ),
    wrong={
        "%kubectl scale deploy/oven --replicas=1": "Insufficient cpu",
        "%kubectl set resources deploy/oven --requests=cpu=50": "Insufficient cpu",
        "%kubectl set resources deploy/oven --requests=cpu=0": "needs no CPU at all",
        """
%kubectl patch deploy/oven --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/resources/requests/cpu"}]'
""": "says nothing about CPU",
    },
    repairs={
        "ask for a tenth of a CPU": "%kubectl set resources deploy/oven --requests=cpu=100m",
        "ask for little": """
%kubectl patch deploy/oven -p \\
  '{"spec": {"template": {"spec": {"containers": [{"name": "oven", "resources": {"requests": {"cpu": "0.05"}}}]}}}}'
""",
    },
    explanation="""
The scheduler adds up **requests**, not use. `cpu: "100"` means a hundred CPUs; no node has them, however idle it is, so the Pods stay
Pending. Somebody meant `100m`, a hundred thousandths of a CPU. Whether there is room was never the question.
""",
)


@LAB.goal("Both ovens are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/oven", 2)


@LAB.goal("The Service oven answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "oven:80")


@LAB.goal("An oven still says how much CPU it needs")
def requests(cluster) -> Verdict:
    oven = look.find(cluster, "deploy/oven")
    asked = oven and look.container(oven["spec"]["template"]).get("resources", {}).get("requests", {}).get("cpu")
    if not asked:
        return not_yet("it says nothing about CPU", next="%kubectl set resources --help")
    if not parse_quantity(asked):
        return not_yet("it says that it needs no CPU at all, and that is not true", next="%kubectl top pods")
    return done(f"it asks for {asked}")

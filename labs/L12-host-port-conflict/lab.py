"""L12: more Pods than nodes want the same port of a node."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict

LAB = Lab(
    title="Four clerks, one window",
    level=2,
    minutes=8,
    story="""
Four clerks were hired for the post office, and only some of them work: the others stand in the yard and wait.

Put all four to work behind the Service window.
""",
    broken="free ports",
    hints=(
        "Some Pods are Pending. The scheduler says why, in an Event.",
        "A `hostPort` is a port of the node itself: on each node one Pod can have it.",
        "The Service reaches Pods without a hostPort. Remove it from the template: `kubectl edit deploy/window`.",
    ),
    wrong={
        """
%kubectl patch deploy/window --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/hostPort", "value": 18081}]'
""": "free ports",
        "%kubectl scale deploy/window --replicas=1": "1 of 4 Pods",
    },
    repairs={
        "remove the hostPort": """
%kubectl patch deploy/window --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/0/hostPort"}]'
""",
        "remove the ports, which only inform": """
%kubectl patch deploy/window --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/ports"}]'
""",
    },
    explanation="""
A `hostPort` takes a port of the node, and a node has each port once; so the scheduler counts ports as it counts CPU. Behind a
Service no Pod needs one: each Pod has an address of its own, and all four can listen at port 80 of theirs.
""",
)


@LAB.goal("Four clerks are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/window", 4)


@LAB.goal("The Service window answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "window:80")

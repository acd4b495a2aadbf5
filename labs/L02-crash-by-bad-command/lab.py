"""L02: a command that ends at once."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict

LAB = Lab(
    title="The oven goes out at once",
    level=1,
    minutes=8,
    story="""
The bakery's Pods start, and end, and start, and end. Somebody "only tidied up the command" of the container yesterday.

Make the bakery's page answer again, from two Pods that stay up.
""",
    broken='invalid value "of"',
    hints=(
        "RESTARTS grows: the container starts and ends. What did it say before it ended?",
        "`kubectl logs deploy/bakery --previous` shows the last words of the container that ended.",
        "nginx knows `daemon on` and `daemon off`, not `daemon of`; and PID 1 must stay in the foreground: `daemon off;`.",
    ),
    wrong={
        "%kubectl set image deploy/bakery bakery=nginx:1.26": 'invalid value "of"',
        """
%kubectl patch deploy/bakery -p \\
  '{"spec": {"template": {"spec": {"containers": [{"name": "bakery", "command": ["nginx", "-g", "daemon on;"]}]}}}}'
""": "exit code 0",
        "%kubectl scale deploy/bakery --replicas=4": 'invalid value "of"',
    },
    repairs={
        "write the directive right": """
%kubectl patch deploy/bakery -p \\
  '{"spec": {"template": {"spec": {"containers": [{"name": "bakery", "command": ["nginx", "-g", "daemon off;"]}]}}}}'
""",
        "leave the command to the image": """
%kubectl patch deploy/bakery --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/command"}]'
""",
    },
    explanation="""
A container lives as long as its first process. `daemon of;` is no directive nginx knows, so nginx ended with an error; with `daemon
on;` it would put itself in the background, the first process would end with exit code 0, and the container with it. Either way the
kubelet starts it again, waiting longer each time: `CrashLoopBackOff`. The logs of the container **before** (`--previous`) hold the
reason.
""",
)


@LAB.goal("The bakery's page answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "bakery:80")


@LAB.goal("Two Pods are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/bakery", 2)

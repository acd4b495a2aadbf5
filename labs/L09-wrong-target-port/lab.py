"""L09: a Service that sends to a port where nobody listens."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict

LAB = Lab(
    title="Knocking at the wrong door",
    level=1,
    minutes=6,
    story="""
The ticket office is open: its Pods are Ready, the Service has their addresses. And every customer hears "connection refused".

Let customers buy tickets at the Service tickets, port 80.
""",
    broken="refused",
    hints=(
        "Refused is not silence: there is a Pod, and nobody listens at that port. Which port does the Service send to?",
        "`kubectl describe service tickets` shows Port, TargetPort and Endpoints. At which port does nginx listen?",
        "nginx listens at 80, the Service sends to 8080. `kubectl edit service tickets`: `targetPort: 80`, or the port's name, `http`.",
    ),
    wrong={
        """
%kubectl patch deploy/tickets --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/containerPort", "value": 8080}]'
""": "refused",
        """
%kubectl patch service tickets -p '{"spec": {"ports": [{"port": 80, "targetPort": 81}]}}'
""": "81: connect",
    },
    repairs={
        "send to the port nginx listens at": """
%kubectl patch service tickets -p '{"spec": {"ports": [{"port": 80, "targetPort": 80}]}}'
""",
        "send to the port by its name": """
%kubectl patch service tickets -p '{"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}'
""",
    },
    explanation="""
`port` is where the Service is asked, `targetPort` where it sends. The container listens at 80, whatever `containerPort` says: that
field informs, it opens and moves nothing. A name (`targetPort: http`) survives the day when the port changes.
""",
)


@LAB.goal("The Service tickets answers at port 80")
def page(cluster) -> Verdict:
    return look.answers(cluster, "tickets:80")


@LAB.goal("Two Pods stay Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/tickets", 2)

"""L10: a readiness probe that asks for a page that is not there."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The museum that is never ready",
    level=2,
    minutes=8,
    story="""
The museum's containers run, nothing crashes, and no visitor is let in: READY says 0/1, for hours.

Open the museum. Somebody must go on asking whether it is ready: without that, visitors would be sent to Pods that cannot serve.
""",
    broken="statuscode: 404",
    hints=(
        "Running is not Ready. Who decides that a Pod is Ready?",
        "`kubectl describe pods -l app=museum`: the Events say what the readiness probe asked for, and what it heard.",
        "nginx has no page /healthz, so it answers 404. Ask for `/` instead: `kubectl edit deploy/museum`.",
    ),
    wrong={
        """
%kubectl patch deploy/museum --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/readinessProbe"}]'
""": "nobody asks any more",
        """
%kubectl patch deploy/museum --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe/httpGet/port", "value": 8080}]'
""": "refused",
        """
%kubectl patch deploy/museum --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe", "value": {"exec": {"command": ["true"]}}}]'
""": "says yes whatever happens",
        """
%kubectl patch deploy/museum --type=json -p \\
  '[{"op": "add", "path": "/spec/template/spec/containers/0/readinessProbe/failureThreshold", "value": 30}]'
""": "statuscode: 404",
    },
    repairs={
        "ask for a page that is there": """
%kubectl patch deploy/museum --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe/httpGet/path", "value": "/"}]'
""",
        "give nginx the page": """
%kubectl patch deploy/museum --type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/command", \\
  "value": ["sh", "-c", "echo ok > /usr/share/nginx/html/healthz && exec nginx -g \\"daemon off;\\""]}]'
""",
    },
    explanation="""
The kubelet asks the readiness probe every few seconds. As long as the answer is not a 2xx or 3xx, the Pod is not Ready and no
Service sends to it; nothing is restarted, for that is the liveness probe's part. The probe must ask for something that exists, and
that fails when the program cannot serve.
""",
)


@LAB.goal("Visitors are let in: the Service museum answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "museum:80")


@LAB.goal("Two Pods stay Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/museum", 2)


@LAB.goal("A readiness probe still asks")
def asked(cluster) -> Verdict:
    museum = look.find(cluster, "deploy/museum")
    probe = museum and look.container(museum["spec"]["template"]).get("readinessProbe")
    if not probe:
        return not_yet("nobody asks any more whether the museum is ready", next="%kubectl explain pod.spec.containers.readinessProbe")
    if not look.asks(probe):
        return not_yet("the probe says yes whatever happens: it does not ask the museum", next="%kubectl get deploy museum -o yaml")
    return done("it does")

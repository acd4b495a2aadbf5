"""L11: a liveness probe that kills a slow starter."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="Woken too early, every time",
    level=2,
    minutes=12,
    story="""
The archive reads its index, ten shelves, for twenty seconds before it serves its first page. It never gets there: each time something
restarts it before it is done.

Let the archive start in peace. When it hangs later, it must still be restarted within half a minute.
""",
    broken="Liveness probe failed",
    hints=(
        "RESTARTS grows, and the container does not end by itself. Who kills it? The Events say.",
        "The liveness probe gives it about six seconds (period × failureThreshold); it needs twenty.",
        "A `startupProbe` with enough patience (periodSeconds 3, failureThreshold 20) holds the liveness probe back until it has passed.",
    ),
    wrong={
        """
%kubectl patch deploy/archive --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/command"}]'
""": "the Service archive answers 404",
        """
%kubectl patch deploy/archive --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/livenessProbe"}]'
""": "nobody would restart it",
        """
%kubectl patch deploy/archive --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/livenessProbe", "value": {"exec": {"command": ["true"]}}}]'
""": "says yes whatever happens",
        """
%kubectl patch deploy/archive --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/livenessProbe/failureThreshold", "value": 3}]'
""": "Liveness probe failed",
        """
%kubectl patch deploy/archive --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/containers/0/livenessProbe/failureThreshold", "value": 60}]'
""": "may hang for 180 s",
    },
    repairs={
        "a startup probe": """
%kubectl patch deploy/archive --type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/startupProbe", \\
  "value": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 3, "failureThreshold": 20}}]'
""",
        "a first look after it has started": """
%kubectl patch deploy/archive --type=json -p \\
  '[{"op": "add", "path": "/spec/template/spec/containers/0/livenessProbe/initialDelaySeconds", "value": 30}]'
""",
    },
    explanation="""
A liveness probe means: restart me when this fails. A program that is still starting fails it too, so it was killed before it could
finish, for ever. A startup probe answers another question, "has it started?", and liveness only begins when it has. A liveness
probe so patient that it survives the start would also be patient with a program that hangs.
""",
)


@LAB.goal("The archive serves its whole index")
def page(cluster) -> Verdict:
    return look.answers(cluster, "archive:80", "/index", contains="shelf 10")


@LAB.goal("It stays Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/archive", 1, seconds=25)


@LAB.goal("When it hangs, it is restarted within 30 s")
def watched(cluster) -> Verdict:
    archive = look.find(cluster, "deploy/archive")
    probe = archive and look.container(archive["spec"]["template"]).get("livenessProbe")
    if not probe:
        return not_yet("without a liveness probe nobody would restart it", next="%kubectl explain pod.spec.containers.livenessProbe")
    if not look.asks(probe):
        return not_yet("the probe says yes whatever happens: it does not ask the archive", next="%kubectl get deploy archive -o yaml")
    seconds = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
    if seconds > 30:
        return not_yet(f"it may hang for {seconds} s", next="%kubectl explain pod.spec.containers.startupProbe")
    return done(f"it is, after {seconds} s")

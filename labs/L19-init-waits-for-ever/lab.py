"""L19: an init container that waits for something that never comes."""

import re

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="Waiting for db",
    level=2,
    minutes=10,
    story="""
Orders must not start before its database answers, and so it waits. It has been waiting since yesterday. The database runs, says the
database team.

Take orders again. They must still wait for the database before they start.
""",
    broken="Init:0/1",
    hints=(
        "STATUS says `Init:0/1`: an init container has not ended. What does it say? `kubectl logs deploy/orders -c …`",
        "It waits for the name `db`. `kubectl get services`: what is the database called?",
        "Give the database that name too: `kubectl expose deployment database --name=db --port=80`. Or wait for `database`.",
    ),
    wrong={
        "%kubectl rollout restart deploy/orders": "Init:0/1",
        "%kubectl create service clusterip db --tcp=80:80": "Init:0/1",
        """
%kubectl patch deploy/orders --type=json -p '[{"op": "remove", "path": "/spec/template/spec/initContainers"}]'
""": "waits for nothing",
        """
%kubectl patch deploy/orders --type=json -p \\
  '[{"op": "replace", "path": "/spec/template/spec/initContainers/0/command", "value": ["true"]}]'
""": "does not ask for the database",
    },
    repairs={
        "give the database the name": "%kubectl expose deployment database --name=db --port=80",
        "wait for the name it has": """
%kubectl patch deploy/orders --type=json -p '[{"op": "replace", "path": "/spec/template/spec/initContainers/0/command/2", \\
  "value": "until timeout 2 wget -qO /dev/null http://database; do echo waiting; sleep 1; done"}]'
""",
    },
    explanation="""
Init containers run before the others, one after the other, and each must end well. This one waited for the name `db`, and the
Service is called `database`. A Service without Pods behind it does not help: the name resolves, and nobody answers. Removing the
wait would start orders before its database.
""",
)


@LAB.goal("Orders are taken: the Service orders answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "orders:80")


@LAB.goal("Orders is Ready and stays so")
def steady(cluster) -> Verdict:
    verdict = look.steady(cluster, "deploy/orders", 1)
    waiting = next((pod for pod in look.pods(cluster, "app=orders") if not look.ready(pod)), None)
    if verdict.state == "not yet" and waiting:
        return not_yet(verdict.text, why=f"Init:{_ended(waiting)}/1", next=verdict.next)
    return verdict


def _ended(pod: dict) -> int:
    return sum(status["ready"] for status in pod["status"].get("initContainerStatuses", ()))


@LAB.goal("It still waits for its database first")
def waits(cluster) -> Verdict:
    orders = look.find(cluster, "deploy/orders")
    waiting = orders and orders["spec"]["template"]["spec"].get("initContainers")
    if not waiting:
        return not_yet("orders waits for nothing any more", next="%kubectl rollout history deploy/orders")
    if not re.search(r"\bdb\b|database", str([each.get("command", []) + each.get("args", []) for each in waiting])):
        return not_yet("its init container does not ask for the database", next="%kubectl get deploy orders -o yaml")
    return done("an init container does")

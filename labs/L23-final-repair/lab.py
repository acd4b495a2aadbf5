"""L23: the final repair of chapter 10. Three applications, two faults each."""

from kubeschool.checks import look
from kubeschool.checks.chapters.chapter_10 import (
    IMAGE,
    KEY,
    OTHER_KEY,
    OTHER_PAGE,
    PAGE,
    PATH,
    PATIENCE,
    PORT,
    STARTUP,
    container,
    ready,
)
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The final repair",
    level=3,
    minutes=30,
    story="""
You are called to an inn. Nothing works: the page with the menu does not come, the till was updated last night and is gone, the oven
does not get warm. Guests are waiting.

Get all three to work. The till must still be asked whether it is ready, and the oven whether it is alive. The oven takes 15 seconds to
get warm; that cannot be changed.
""",
    broken="nginx:1.72",
    hints=(
        "One after the other, and always the same way: get → describe → events → logs → fix. `kubeschool.explain` knows most of it. "
        "Each of the three has two faults, and the second one shows when the first is gone.",
        "menu: the name of a ConfigMap; a port. till: a tag; a path that nginx does not have. oven: the key of a Secret; a liveness probe "
        "that kills it before it is warm.",
        "menu: configMap name `menu-pages`, targetPort 80. till: `nginx:1.27`, probe path `/`. oven: key `pin`, and failureThreshold 15 "
        "or a startupProbe.",
    ),
    wrong={
        PAGE: "the Service menu answers",
        IMAGE: "statuscode: 404",
        IMAGE + container("till", '"readinessProbe":null'): "nobody asks",
        KEY: "Liveness probe failed",
        KEY + container("oven", '"livenessProbe":null'): "nobody notices",
    },
    repairs={
        "each fault where it is": PAGE + PORT + IMAGE + PATH + KEY + PATIENCE + "".join(map(ready, ("menu", "till", "oven"))),
        "a ConfigMap and a key of the names that are asked for, and a startup probe": OTHER_PAGE
        + PORT
        + IMAGE
        + PATH
        + OTHER_KEY
        + STARTUP
        + "".join(map(ready, ("menu", "till", "oven"))),
    },
    explanation="""
**menu**: the Pod waited for a ConfigMap that does not exist (FailedMount), and its Service led to port 8080, where nothing listens.
**till**: the update named the image nginx:1.72, which nobody has (ImagePullBackOff); then its readiness probe asked for a page that is
not there (404), so no Pod counted as ready. **oven**: the Secret has no key PIN (CreateContainerConfigError); then its liveness probe
gave it four seconds to do what takes fifteen.
""",
)


@LAB.goal("The menu's page comes, with the soup of the day")
def menu(cluster) -> Verdict:
    return look.answers(cluster, "menu:80", contains="Soup of the day")


@LAB.goal("Two Pods of the till are Ready and stay so")
def till(cluster) -> Verdict:
    return look.steady(cluster, "deploy/till", 2)


@LAB.goal("The till answers, and is still asked whether it is ready")
def asked(cluster) -> Verdict:
    deployment = look.deployment(cluster, "till")
    if not deployment:
        return not_yet("there is no till any more", next="%kubectl get deploy")
    if "readinessProbe" not in look.container(deployment["spec"]["template"]):
        return not_yet("nobody asks the till whether it is ready any more", next="%kubectl get deploy till -o yaml")
    return look.answers(cluster, "till:80")


@LAB.goal("The oven runs, and stays warm for 25 seconds")
def oven(cluster) -> Verdict:
    return look.steady(cluster, "deploy/oven", 1, seconds=25)


@LAB.goal("The oven is still asked whether it is alive")
def alive(cluster) -> Verdict:
    deployment = look.deployment(cluster, "oven")
    if not deployment:
        return not_yet("there is no oven any more", next="%kubectl get deploy")
    probe = look.container(deployment["spec"]["template"]).get("livenessProbe")
    if not probe:
        return not_yet("nobody notices any more if the oven goes out", next="%kubectl get deploy oven -o yaml")
    return done("it is")

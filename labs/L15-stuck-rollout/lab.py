"""L15: a rollout that is stuck half-way."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The update that never ends",
    level=2,
    minutes=8,
    story="""
At five to six somebody updated the news site to nginx 1.27 and went home. At six the rollout still runs. Readers notice nothing, so
far.

Finish it or take it back, but do not leave it half-way: three Pods of one version, and no reader may see an error.
""",
    broken="of 3 Pods of the newest version",
    hints=(
        "Old Pods serve, new ones do not get ready: `kubectl rollout status deploy/news`, `kubectl get pods`.",
        "What keeps the new Pods from starting? `kubectl rollout history deploy/news` shows there is a version before.",
        "The tag was mistyped. Back: `kubectl rollout undo deploy/news`. Or forward: `kubectl set image deploy/news news=nginx:1.27`.",
    ),
    wrong={
        "%kubectl rollout restart deploy/news": "of 3 Pods of the newest version",
        "%kubectl rollout pause deploy/news": "the rollout is paused",
        "%kubectl scale deploy/news --replicas=2": "2 are asked for",
    },
    repairs={
        "go back": "%kubectl rollout undo deploy/news",
        "go forward": "%kubectl set image deploy/news news=nginx:1.27",
    },
    explanation="""
A rolling update replaces Pods step by step, and goes on only when the new ones are ready. A version that cannot start therefore
stops the rollout, not the site: the old Pods go on serving. Nothing is taken back by itself. `rollout undo` makes the version
before the wanted one again; a corrected image rolls forward.
""",
    set_up=lambda cluster: update(cluster),
)


def update(cluster) -> None:
    """The mistake of five to six, once the first version serves."""
    cluster.wait("deploy/news", "Available")
    look.kubectl(cluster, "set", "image", "deploy/news", "news=nginx:1.27-alpne")


@LAB.goal("The newest version is rolled out completely")
def complete(cluster) -> Verdict:
    news = look.find(cluster, "deploy/news")
    if not news:
        return not_yet("there is no Deployment news any more", next="%kubectl get deployments")
    if news["spec"].get("paused"):
        return not_yet("the rollout is paused", next="%kubectl rollout --help")
    if news["spec"]["replicas"] != 3:
        return not_yet(f"the site is to have three Pods, and {news['spec']['replicas']} are asked for", next="%kubectl scale --help")
    ready, all_pods = look.ready_replicas(news), news["status"].get("replicas", 0)
    if ready < 3 or all_pods > 3:
        why = look.trouble(cluster, "deploy/news")
        return not_yet(f"{ready} of 3 Pods of the newest version are ready", why=why, next="%kubectl rollout history deploy/news")
    return done("three Pods of one version")


@LAB.goal("Readers see the page")
def page(cluster) -> Verdict:
    return look.answers(cluster, "news:80")


@LAB.goal("The Pods stay Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/news", 3)

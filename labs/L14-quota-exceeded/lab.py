"""L14: a namespace whose quota is used up."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="Only two of three",
    level=2,
    minutes=10,
    story="""
The shop was to have three Pods for the sale, and has two. Nothing is Pending, nothing crashes; the third simply is not there. Last
year's campaign still runs beside it, though nobody visits it any more.

Get three Pods of the shop. The quota belongs to the platform team: leave it as it is.
""",
    broken="exceeded quota",
    hints=(
        "A Pod that is not even created leaves no Pod to describe. Who was to create it, and what did it hear?",
        "`kubectl describe replicaset -l app=shop` has the API server's answer: which quota, what is used, what was asked for.",
        "1 CPU is allowed, 900m are asked for by three Pods, 300m by last year's campaign: `kubectl delete deploy last-years-campaign`.",
    ),
    wrong={
        "%kubectl rollout restart deploy/shop": "exceeded quota",
        """
%kubectl patch quota team -p '{"spec": {"hard": {"requests.cpu": "2"}}}'
""": "the quota was changed",
        "%kubectl delete quota team": "the quota team was deleted",
        "%kubectl scale deploy/shop --replicas=2": "2 of 3 Pods",
    },
    repairs={
        "make room": "%kubectl delete deploy last-years-campaign",
        "ask for much less": "%kubectl set resources deploy/shop --requests=cpu=50m",
    },
    explanation="""
A ResourceQuota is checked when a Pod is created: the API server refuses it, and the ReplicaSet tries again later. That is why there was
nothing to see among the Pods; the answer stands in the ReplicaSet's Events and in the Deployment's condition `ReplicaFailure`.

Within a quota there are two ways: use less elsewhere, or ask for less. The second needs an update, during which old and new Pods count
together: with 200m each the new ones would have waited for the old ones, and the old ones for the new.
""",
    set_up=lambda cluster: open_shop(cluster),
)


def open_shop(cluster) -> None:
    """Last: the campaign has its part of the quota before."""
    cluster.wait("deploy/last-years-campaign", "Available")
    look.kubectl(cluster, "apply", "-f", str(LAB.folder / "shop.yaml"))


@LAB.goal("Three Pods of the shop are Ready and stay so")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/shop", 3)


@LAB.goal("The Service shop answers")
def page(cluster) -> Verdict:
    return look.answers(cluster, "shop:80")


@LAB.goal("The quota is as the platform team made it")
def quota(cluster) -> Verdict:
    team = look.find(cluster, "quota/team")
    if not team:
        return not_yet("the quota team was deleted", next="%kubectl get quota")
    if team["spec"]["hard"] != {"requests.cpu": "1"}:
        return not_yet("the quota was changed", next="%kubectl describe quota team")
    return done("1 CPU for all")

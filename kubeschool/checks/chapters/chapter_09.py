"""Checkpoints of 09 · High availability."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

FILES = "%kubectl apply -f manifests/09-high-availability"
HOSTNAME = "kubernetes.io/hostname"
LOST = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")


def patch(target: str, spec: str) -> str:
    """A cell that merges `spec` (JSON) into the template of a Deployment."""
    return f"""%kubectl patch {target} -p '{{"spec":{{"template":{{"spec":{spec}}}}}}}'"""


TERM = '{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"bank"}}}'
REQUIRED = f'"podAntiAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":[{TERM}]}}'
PREFERRED = f'"podAntiAffinity":{{"preferredDuringSchedulingIgnoredDuringExecution":[{{"weight":1,"podAffinityTerm":{TERM}}}]}}'
BANK = f"""
{FILES}/bank.yaml
cluster.wait("deploy/bank", lambda bank: bank["status"].get("readyReplicas") == 2)
"""


@checkpoint(
    "9.1",
    objective="ha-spread",
    before=BANK,
    solution=patch("deploy/bank", f'{{"affinity":{{"podAffinity":null,{REQUIRED}}}}}') + "\n%kubectl rollout status deploy/bank",
    wrong={
        "%kubectl rollout restart deploy/bank": "podAffinity",
        patch("deploy/bank", '{"affinity":null}'): "by chance",
        patch("deploy/bank", f'{{"affinity":{{"podAffinity":null,{PREFERRED}}}}}'): "only a wish",
        patch("deploy/bank", f'{{"affinity":{{{REQUIRED}}}}}'): "podAffinity",
        "%kubectl scale deploy/bank --replicas=1": "asks for 1",
    },
)
def bank(cluster) -> Verdict:
    deployment = look.deployment(cluster, "bank")
    if not deployment:
        return not_started("there is no bank", next=f"{FILES}/bank.yaml")
    if (replicas := deployment["spec"]["replicas"]) != 2:
        return not_yet(f"the bank should be two Pods, and it asks for {replicas}", next="%kubectl scale deploy/bank --replicas=2")
    spec = deployment["spec"]["template"]["spec"]
    affinity = spec.get("affinity") or {}
    explain = "%kubectl explain deploy.spec.template.spec.affinity.podAntiAffinity"
    if affinity.get("podAffinity"):
        text = "its template has a podAffinity, which asks for the same node; it should be an anti-affinity"
        return not_yet(text, why=look.stuck(cluster, deployment), next=explain)
    anti = (affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    spread = [each for each in spec.get("topologySpreadConstraints") or () if each["whenUnsatisfiable"] == "DoNotSchedule"]
    if not any(each["topologyKey"] == HOSTNAME for each in (*anti, *spread)):
        wish = affinity.get("podAntiAffinity") or spec.get("topologySpreadConstraints")
        text = "that is only a wish, and a full node would break it" if wish else "nothing keeps them apart: if they are, it is by chance"
        return not_yet(text, next=explain)
    if (ready := look.ready_replicas(deployment)) < 2:
        return not_yet(f"{ready} of 2 Pods are ready", why=look.stuck(cluster, deployment), next="%kubectl rollout status deploy/bank")
    if len({pod["spec"]["nodeName"] for pod in look.pods(cluster, "app=bank")}) < 2:
        return not_yet("both are still on the same node", next="%kubectl get pods -l app=bank -o wide")
    return done("two Pods, and never on the same node")


def tolerate(*keys: str, seconds: str = ',"tolerationSeconds":30') -> str:
    """A cell that gives lifeboat these tolerations."""
    items = ",".join(f'{{"key":"{key}","operator":"Exists","effect":"NoExecute"{seconds}}}' for key in keys)
    return patch("deploy/lifeboat", f'{{"tolerations":[{items}]}}')


@checkpoint(
    "9.2",
    objective="ha-node",
    before=f"{FILES}/lifeboat.yaml",
    solution=tolerate(*LOST) + "\n%kubectl rollout status deploy/lifeboat",
    wrong={
        tolerate(LOST[0]): "not-ready",
        tolerate(*LOST, seconds=""): "for ever",
        tolerate(*LOST, seconds=',"tolerationSeconds":300'): "300 seconds",
        patch("deploy/lifeboat", '{"terminationGracePeriodSeconds":30}'): "unreachable",
    },
)
def lifeboat(cluster) -> Verdict:
    deployment = look.deployment(cluster, "lifeboat")
    if not deployment:
        return not_started("there is no lifeboat", next=f"{FILES}/lifeboat.yaml")
    tolerations = deployment["spec"]["template"]["spec"].get("tolerations") or ()
    explain = "%kubectl explain deploy.spec.template.spec.tolerations"
    for taint in LOST:
        found = [each for each in tolerations if each.get("key") in (taint, None) and each.get("effect") in ("NoExecute", None)]
        if not found:
            text = f"its template says nothing of the taint {taint}, so admission lets it stay for 300 seconds"
            return not_yet(text, next=explain)
        if (seconds := found[0].get("tolerationSeconds")) != 30:
            stays = f"for {seconds} seconds" if seconds is not None else "for ever, since tolerationSeconds is not set"
            return not_yet(f"with the taint {taint} it stays {stays}; 30 were wanted", next=explain)
    if not look.ready_replicas(deployment):
        return not_yet("its new Pod is not ready", why=look.stuck(cluster, deployment), next="%kubectl rollout status deploy/lifeboat")
    return done("30 seconds after its node is given up, the lifeboat is made anew elsewhere")


@checkpoint(
    "9.3",
    objective="ha-drain",
    before=f"""
{FILES}/checkout.yaml
cluster.wait("deploy/checkout", lambda checkout: checkout["status"].get("readyReplicas") == 2)
""",
    solution="""
%%needs poddisruptionbudgets.policy/v1
%kubectl patch pdb checkout -p '{"spec":{"minAvailable":1}}'
cluster.wait("pdb/checkout", lambda pdb: pdb["status"]["disruptionsAllowed"] == 1)
""",
    wrong={
        "%kubectl delete pdb checkout": "no budget",
        "%kubectl scale deploy/checkout --replicas=1": "asks for 1",
        """%kubectl patch pdb checkout -p '{"spec":{"minAvailable":0}}'""": "none at all",
        """%kubectl patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"chekout"}}}}'""": "no Pod",
    },
)
def checkout(cluster) -> Verdict:
    deployment = look.deployment(cluster, "checkout")
    if not deployment:
        return not_started("there is no checkout", next=f"{FILES}/checkout.yaml")
    if (replicas := deployment["spec"]["replicas"]) != 2:
        return not_yet(f"checkout should be two Pods, and it asks for {replicas}", next="%kubectl scale deploy/checkout --replicas=2")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    found = cluster.api.get(f"/apis/policy/v1/namespaces/{cluster.namespace}/poddisruptionbudgets")["items"]
    picks = [each for each in found if (each["spec"].get("selector", {}).get("matchLabels") or {}).items() <= labels.items()]
    if not picks:
        seen = "there is a budget, but its selector picks no Pod of checkout" if found else "there is no budget: both may go at once"
        return not_yet(seen, next="%kubectl get pdb -o wide")
    status = picks[0].get("status", {})
    if not status or status["observedGeneration"] != picks[0]["metadata"]["generation"]:
        return not_yet("the controller has not looked at the budget yet", next="%kubectl get pdb checkout")
    if status["expectedPods"] == 2 and status["desiredHealthy"] < 1:
        return not_yet("the budget asks for none at all, so both may go at once", next="%kubectl get pdb checkout")
    if not status["disruptionsAllowed"]:
        text = f"no Pod may be taken away: {status['desiredHealthy']} of {status['expectedPods']} must be ready"
        return not_yet(text, next="%kubectl explain pdb.spec")
    return done("one may go, one stays: the node can be repaired, and people can still pay")

"""L20: a node is lost during a sale."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet
from kubeschool.cluster import LOST

LAB = Lab(
    title="Lights out during the sale",
    level=3,
    minutes=15,
    story="""
The sale is on, and the machine that runs the only till has lost its power. Kubernetes will move the till by itself, in about six
minutes. Customers will not wait so long.

Get the till to answer at once. The machine room leaves it to you: the node stays off for good, or somebody walks over and switches it
on again (in a notebook: `cluster.node("its name").start()`).
""",
    broken="has no power",
    needs=("nodes",),
    hints=(
        "`kubectl get nodes`, `kubectl get pods -o wide`: which node is lost, and what is still said to run on it?",
        "Nobody can tell a lost kubelet to stop a Pod, so Kubernetes waits. You know more than it does: the machine is off.",
        "`kubectl delete pod -l app=till --force` lets the ReplicaSet make another, once the node is NotReady.",
    ),
    wrong={
        "%kubectl cordon -l kubeschool.dev/lost=lab-l20": "has no power",
        "%kubectl taint nodes -l kubeschool.dev/lost=lab-l20 sale=over:NoSchedule": "has no power",
    },
    repairs={
        "delete the Pod, sure that it does not run any more": """
def is_lost(node):
    return any(taint["key"].endswith("/unreachable") for taint in node["spec"].get("taints", ()))

cluster.wait("nodes -l kubeschool.dev/lost=lab-l20", is_lost)
%kubectl delete pods -l app=till --force --grace-period=0
""",
        "switch the machine on again": """
node = cluster.api.get("/api/v1/nodes", labelSelector="kubeschool.dev/lost=lab-l20")["items"][0]["metadata"]["name"]
cluster.node(node).start()
""",
    },
    explanation="""
When a kubelet is silent for 40 seconds its node is NotReady, and after the Pods' five minutes of patience they are marked for
deletion. But a Pod of a lost node is only gone when somebody says so: its kubelet cannot. `--force` says it, and is only right when
the machine is really off, or two tills would count the same money. With two replicas on two nodes nobody would have noticed.
""",
    set_up=lambda cluster: lose(cluster),
    tear_down=lambda cluster: restore(cluster),
)


def lose(cluster) -> None:
    """Switch off the node the till runs on, and label it so that it can be found again."""
    cluster.wait("deploy/till", "Available")
    node = look.pods(cluster, "app=till")[0]["spec"]["nodeName"]
    cluster.api.request("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": {LOST: cluster.namespace}}})
    cluster.node(node).stop()


def restore(cluster) -> None:
    for node in cluster.api.get("/api/v1/nodes", labelSelector=LOST)["items"]:
        name = node["metadata"]["name"]
        cluster.node(name).start()
        look.kubectl(cluster, "taint", "nodes", name, "sale-")
        changed = {"metadata": {"labels": {LOST: None}}, "spec": {"unschedulable": None}}
        cluster.api.request("PATCH", f"/api/v1/nodes/{name}", changed)
    cluster.wait_for_nodes()


@LAB.goal("A till is Ready on a node that has power")
def alive(cluster) -> Verdict:
    nodes = cluster.api.get("/api/v1/nodes")["items"]
    off = {node["metadata"]["name"] for node in nodes if not look.ready(node)}
    tills = [pod for pod in look.pods(cluster, "app=till") if look.ready(pod)]
    for till in tills:
        if till["spec"]["nodeName"] not in off and look.run(cluster, f"pod/{till['metadata']['name']}", "true")[0]:
            return done(f"it runs on {till['spec']['nodeName']}")
    where = sorted({pod["spec"].get("nodeName", "") for pod in look.pods(cluster, "app=till")} | off - {""})
    return not_yet(f"the machine {' or '.join(where)} has no power", next="%kubectl get pods -o wide")


@LAB.goal("The Service till answers within a second")
def page(cluster) -> Verdict:
    return look.answers(cluster, "till:80", seconds=1)

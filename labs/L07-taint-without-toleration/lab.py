"""L07: a taint that a DaemonSet does not tolerate."""

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="One door without a watchman",
    level=2,
    minutes=10,
    story="""
A watchman stands on every node of the cluster: that is what the DaemonSet was written for. Yesterday something happened on a node,
and nobody saw it: there was no watchman.

Put one on every node. What keeps other Pods off a node must stay as it is.
""",
    broken="no watchman on",
    hints=(
        "`kubectl get pods -o wide` beside `kubectl get nodes`: which node has none?",
        "A node can refuse Pods: look at Taints in `kubectl describe node`. A Pod that may come all the same says so under `tolerations`.",
        "Tolerate every NoSchedule taint: `{operator: Exists, effect: NoSchedule}`, in `spec.template.spec.tolerations` of the DaemonSet.",
    ),
    wrong={
        "%kubectl rollout restart ds/watchman": "no watchman on",
        """
%kubectl patch ds/watchman -p '{"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}}}}'
""": "no watchman on",
    },
    repairs={
        "tolerate whatever keeps Pods from being scheduled": """
%kubectl patch ds/watchman -p '{"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]}}}}'
""",
        "tolerate everything, as node agents do": """
%kubectl patch ds/watchman -p '{"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}}'
""",
    },
    explanation="""
The control plane's node carries a taint with the effect `NoSchedule`: whoever does not tolerate it is not put there, DaemonSets
included. The toleration that was written is for another taint, `dedicated`. Taking the taint off the node would have let the
watchman in, and everybody else too.
""",
)


@LAB.goal("A watchman is Ready on every node")
def everywhere(cluster) -> Verdict:
    nodes = {node["metadata"]["name"] for node in cluster.api.get("/api/v1/nodes")["items"]}
    manned = {pod["spec"]["nodeName"] for pod in look.pods(cluster, "app=watchman") if look.ready(pod)}
    if missing := sorted(nodes - manned):
        return not_yet(f"there is no watchman on {', '.join(missing)}", next=f"%kubectl describe node {missing[0]}")
    return done(f"there is one on each of {len(nodes)} nodes")


@LAB.goal("The control plane still keeps ordinary Pods away")
def tainted(cluster) -> Verdict:
    for node in cluster.api.get("/api/v1/nodes", labelSelector="node-role.kubernetes.io/control-plane")["items"]:
        if any(taint["effect"] == "NoSchedule" for taint in node["spec"].get("taints", ())):
            return done(f"{node['metadata']['name']} has its taint")
    return not_yet("the control plane's node has no taint with the effect NoSchedule any more", next="%kubectl taint --help")

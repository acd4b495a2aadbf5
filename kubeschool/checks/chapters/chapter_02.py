"""Checkpoints of 02 · Architecture."""

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

PARCEL = "%kubectl apply -f manifests/02-architecture/parcel.yaml"
BIND = """
from kubernetes import client
target = client.V1ObjectReference(api_version="v1", kind="Node", name={node})
binding = client.V1Binding(metadata=client.V1ObjectMeta(name="parcel"), target=target)
answer = client.CoreV1Api().create_namespaced_binding(cluster.namespace, binding, _preload_content=False)
"""
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@checkpoint(
    "2.1",
    objective="arch-path",
    before=PARCEL,
    solution=BIND.format(node="client.CoreV1Api().list_node().items[-1].metadata.name") + 'cluster.wait("pod/parcel", "Ready")',
    wrong={
        "%kubectl delete pod parcel --now\n%kubectl run parcel --image=nginx:1.27": "default-scheduler",
        BIND.format(node='"no-such-node"'): "there is no node no-such-node",
        BIND.format(node="client.CoreV1Api().list_node().items[0].metadata.name"): "control plane",
        """%kubectl --fails patch pod parcel -p '{"spec": {"nodeName": "practice-worker"}}'""": "still has no node",
    },
)
def parcel(cluster) -> Verdict:
    pod = look.pod(cluster, "parcel")
    if not pod:
        return not_started(look.no_pod(cluster, "parcel"), next=PARCEL)
    if (scheduler := pod["spec"]["schedulerName"]) != "nobody":
        text = f"parcel was placed by {scheduler}, and it was to be you: make it again from its file"
        return not_yet(text, next="%kubectl delete pod parcel")
    if not (name := pod["spec"].get("nodeName")):
        return not_started("parcel still has no node: nobody has made a Binding for it", next="%kubectl get nodes")
    again = "%kubectl delete pod parcel --force"
    node = cluster.api.find(f"/api/v1/nodes/{name}")
    if not node:
        return not_yet(f"parcel is bound to {name}, and there is no node {name}, so no kubelet will start it", next=again)
    nodes = cluster.api.get("/api/v1/nodes")["items"]
    if len(nodes) > 1 and any(label in node["metadata"]["labels"] for label in CONTROL_PLANE):
        return not_yet(f"{name} belongs to the control plane, which is kept free; a Binding asks no filter", next=again)
    if not look.ready(pod):
        return not_yet("parcel has a node and is not Ready yet", why=look.why(cluster, pod), next="%kubectl describe pod parcel")
    return done(f"parcel runs on {name}: you were its scheduler")


@checkpoint(
    "2.2",
    objective="arch-without",
    before="""
%run -i manifests/02-architecture/accident.py
%kubectl create deployment orders --image=nginx:1.27 --replicas=2
""",
    solution="""
%%needs components
cluster.component("kube-controller-manager").start()
%kubectl rollout status deploy/orders
""",
    wrong={
        'cluster.component("kube-scheduler").start()': "no controller has looked at it",
        "%kubectl scale deploy/orders --replicas=4": "asks for 4",
        "%kubectl run by-hand --image=nginx:1.27 --labels=app=orders": "made by hand: by-hand",
        "%kubectl delete deploy orders": "there is no Deployment orders",
    },
)
def orders(cluster) -> Verdict:
    deployment = look.deployment(cluster, "orders")
    if not deployment:
        return not_started("there is no Deployment orders", next="%kubectl create deployment orders --image=nginx:1.27 --replicas=2")
    if (replicas := deployment["spec"]["replicas"]) != 2:
        return not_yet(f"orders should be two Pods, and it asks for {replicas}", next="%kubectl scale deploy/orders --replicas=2")
    pods = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods", labelSelector="app=orders")["items"]
    if by_hand := [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("ownerReferences")]:
        return not_yet(f"made by hand: {', '.join(by_hand)}; nobody would replace it", next="%kubectl get pods -n kube-system")
    if "observedGeneration" not in deployment.get("status", {}):
        text = "orders has no Pods, and its status is empty: no controller has looked at it"
        return not_yet(text, next="%kubectl get pods -n kube-system")
    if look.ready_replicas(deployment) < 2:
        return not_yet("orders is looked after again, and not ready yet", why=look.stuck(cluster, deployment), next="%kubectl get pods")
    return done("the controller manager is back, and orders has its two Pods")

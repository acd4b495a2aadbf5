"""Checkpoints of 07 · nginx. Each has objects of its own, apart from the chapter's."""

from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet


@checkpoint(
    "7.1",
    objective="nginx-deployment",
    solution="""
%kubectl create deployment blog --image=nginx:1.27 --replicas=2
cluster.wait("deploy/blog", "Available")
""",
    wrong={
        "%kubectl run blog --image=nginx:1.27": "lone Pod",
        "%kubectl create deployment blog --image=nginx:1.27": "asks for 1",
        "%kubectl create deployment blog --image=nginx:1.72 --replicas=2": "ImagePull",
    },
)
def blog(cluster) -> Verdict:
    deployment = look.deployment(cluster, "blog")
    if not deployment:
        if look.pod(cluster, "blog"):
            return not_yet("blog is a lone Pod: once deleted, it is gone", next="%kubectl create deployment --help")
        return not_started("there is no Deployment blog", next="%kubectl create deployment --help")
    if (image := look.image(deployment)) != "nginx:1.27":
        return not_yet(
            f"blog should run nginx:1.27, and its template says {image}",
            why=look.stuck(cluster, deployment),
            next="%kubectl set image deploy/blog nginx=nginx:1.27",
        )
    if (replicas := deployment["spec"]["replicas"]) != 2:
        return not_yet(f"blog should be two Pods, and it asks for {replicas}", next="%kubectl scale deploy/blog --replicas=2")
    if (ready := look.ready_replicas(deployment)) < 2:
        return not_yet(f"{ready} of 2 Pods are ready", why=look.stuck(cluster, deployment), next="%kubectl rollout status deploy/blog")
    return done("two Pods run nginx:1.27, and their Deployment keeps it so")


@checkpoint(
    "7.2",
    objective="nginx-service",
    before="%kubectl apply -f manifests/07-nginx-demo/shop.yaml",
    solution="""
%kubectl patch service shop -p '{"spec": {"selector": {"app": "shop"}}}'
cluster.wait("deploy/shop", "Available")
""",
    wrong={
        """%kubectl patch service shop -p '{"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}'""": "app=store",
        """%kubectl patch service shop -p '{"spec": {"selector": {"app": "shop"}, "ports": [{"port": 80, "targetPort": 8080}]}}'""": "8080",
        "%kubectl label pods -l app=shop app=store --overwrite": "makes Pods with app=shop",
    },
)
def shop(cluster) -> Verdict:
    service = cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/services/shop")
    deployment = look.deployment(cluster, "shop")
    if not service or not deployment:
        return not_started("there is no shop to repair", next="%kubectl apply -f manifests/07-nginx-demo/shop.yaml")
    selector, labels = service["spec"].get("selector") or {}, deployment["spec"]["template"]["metadata"]["labels"]
    if not selector.items() <= labels.items():
        return not_yet(
            f"the Service looks for Pods with {look.written(selector)}, and the Deployment makes Pods with {look.written(labels)}",
            next="%kubectl patch service --help",
        )
    try:
        cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/services/shop/proxy/")
    except ApiException as error:
        ports = ", ".join(f"its port {port['port']} leads to port {port['targetPort']} of the Pods" for port in service["spec"]["ports"])
        return not_yet(f"the Service finds its Pods, but none answers: {ports}", why=message(error), next="%kubectl describe service shop")
    return done("the shop answers: what the Service looks for is what the Pods are labelled with")


@checkpoint(
    "7.3",
    objective="nginx-rollout",
    before="""
%kubectl apply -f manifests/07-nginx-demo/cafe.yaml
cluster.wait("deploy/cafe", "Available")
%kubectl apply -f manifests/07-nginx-demo/cafe-update.yaml
""",
    solution="""
%kubectl rollout undo deploy/cafe
%kubectl scale deploy/cafe --replicas=4
%kubectl rollout status deploy/cafe
""",
    wrong={
        "%kubectl scale deploy/cafe --replicas=4": "ImagePull",
        "%kubectl rollout undo deploy/cafe": "asks for 2",
        "%kubectl rollout restart deploy/cafe": "nginx:1.72",
    },
)
def cafe(cluster) -> Verdict:
    deployment = look.deployment(cluster, "cafe")
    if not deployment:
        return not_started("there is no cafe", next="%kubectl apply -f manifests/07-nginx-demo/cafe.yaml")
    if (image := look.image(deployment)) != "nginx:1.27":
        return not_yet(
            f"the cafe ran nginx:1.27 once, and its template says {image}",
            why=look.stuck(cluster, deployment),
            next="%kubectl rollout history deploy/cafe",
        )
    if (replicas := deployment["spec"]["replicas"]) != 4:
        return not_yet(f"the cafe runs nginx:1.27; it should be four Pods, and it asks for {replicas}", next="%kubectl scale --help")
    if (ready := look.ready_replicas(deployment)) < 4:
        return not_yet(f"{ready} of 4 Pods are ready", why=look.stuck(cluster, deployment), next="%kubectl rollout status deploy/cafe")
    return done("the cafe runs nginx:1.27 again, in four Pods")

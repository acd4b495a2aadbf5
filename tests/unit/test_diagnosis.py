"""explain(): a row for each state an object can be in, against a small in-memory API; then what it does with several objects."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from kubernetes.client import V1ObjectMeta, V1Pod
from kubernetes.client.exceptions import ApiException

import kubeschool
from kubeschool.api import Resource
from kubeschool.cluster import Cluster
from kubeschool.diagnosis import diagnose, evidence, explain
from kubeschool.diagnosis.situations import TABLES
from kubeschool.errors import CourseError
from kubeschool.target import Target

NOW = datetime.now(UTC)
CORE, APPS, BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
TYPES = {
    "Pod": Resource(CORE, "pods", "Pod", "pod", True),
    "Service": Resource(CORE, "services", "Service", "service", True),
    "PersistentVolumeClaim": Resource(CORE, "persistentvolumeclaims", "PersistentVolumeClaim", "persistentvolumeclaim", True),
    "Node": Resource(CORE, "nodes", "Node", "node", False),
    "Namespace": Resource(CORE, "namespaces", "Namespace", "namespace", False),
    "ConfigMap": Resource(CORE, "configmaps", "ConfigMap", "configmap", True),
    "Deployment": Resource(APPS, "deployments", "Deployment", "deployment", True),
    "ReplicaSet": Resource(APPS, "replicasets", "ReplicaSet", "replicaset", True),
    "DaemonSet": Resource(APPS, "daemonsets", "DaemonSet", "daemonset", True),
    "StatefulSet": Resource(APPS, "statefulsets", "StatefulSet", "statefulset", True),
    "Job": Resource(BATCH, "jobs", "Job", "job", True),
}
WORDS = {word: each for each in TYPES.values() for word in (each.name, each.singular, each.kind)}


def at(seconds_ago=0):
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    """The rows' times are made when this file is read, which may be minutes before they are looked at."""
    monkeypatch.setattr(evidence, "datetime", SimpleNamespace(now=lambda zone: NOW, fromisoformat=datetime.fromisoformat))


class FakeApi:
    """Holds objects and events; `refuses` names resources that may not be read."""

    def __init__(self, *objects, events=(), logs="", refuses=()):
        self.objects, self.events, self.logs, self.refuses = objects, list(events), logs, refuses

    def resource(self, word):
        if word not in WORDS:
            raise CourseError(f"no {word}")
        return WORDS[word]

    def get(self, path, **query):
        *_, last = path.split("/")
        if any(f"/{word}" in path for word in self.refuses):
            raise ApiException(status=403)
        if last == "log":
            return {"text": self.logs}
        if last == "events":
            return {"items": self.events}
        found = [obj for obj in self.objects if TYPES[obj["kind"]].name == last]
        if name := query.get("fieldSelector"):
            found = [obj for obj in found if obj["metadata"]["name"] == name.removeprefix("metadata.name=")]
        wanted = [pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair]
        return {"items": [obj for obj in found if all(obj["metadata"].get("labels", {}).get(k) == v for k, v in wanted)]}

    def find(self, path):
        *_, plural, name = path.split("/")
        return next(iter(self.get(f"/{plural}", fieldSelector=f"metadata.name={name}")["items"]), None)


def make(kind, name, spec=None, status=None, **metadata):
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": at(60), "generation": 1, **metadata},
        "spec": spec or {},
        "status": {"observedGeneration": 1, **(status or {})},
    }


def conditions(**kinds):
    """{"Ready": ("False", "Reason", "message")} as a status has them."""
    return [dict(zip(("type", "status", "reason", "message"), (type, *rest), strict=False)) for type, rest in kinds.items()]


def pod(name="web", status=None, spec=None, container=None, phase="Running", ready="False", node="worker", init=False, **metadata):
    """A pod with one container `app`, whose containerStatus is `container`."""
    place, statuses = ("initContainers", "initContainerStatuses") if init else ("containers", "containerStatuses")
    app = {"name": "app", "image": "nginx:1.27", "command": ["serve"], "resources": {"limits": {"memory": "20Mi"}}}
    full = {"nodeName": node, "restartPolicy": "Always", "containers": [{**app, "name": "main"} if init else app], **(spec or {})}
    full |= {place: [app]}
    has = {"phase": phase, "conditions": conditions(PodScheduled=("True",), Ready=(ready,)), **(status or {})}
    if container:
        has[statuses] = [{"name": "app", "ready": False, "restartCount": 2, **container}]
    return make("Pod", name, full, has, **metadata)


def waits(reason, message="", **more):
    return pod(phase="Pending", container={"state": {"waiting": {"reason": reason, "message": message}}}, **more)


def unschedulable(message, reason="Unschedulable"):
    return pod(
        phase="Pending", node="", status={"conditions": conditions(PodScheduled=("False", reason, f"0/3 nodes are available: {message}"))}
    )


def end(code, reason="Error", **more):
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": at(5), **more}}


def crashed(code, reason="Error", message="", **more):
    """In back-off after a run that ended so."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    return pod(container={"state": {"waiting": waiting}, "lastState": end(code, reason, message=message)}, **more)


RUNS = {"state": {"running": {"startedAt": at(30)}}}
FINE = pod(container={**RUNS, "ready": True, "restartCount": 0}, ready="True")


def event(reason, message, type="Warning", container="", seconds_ago=5):
    about = {"uid": "web", **({"fieldPath": f"spec.containers{{{container}}}"} if container else {})}
    return {"metadata": {"creationTimestamp": at()}, "involvedObject": about, "type": type, "reason": reason, "message": message} | {
        "lastTimestamp": at(seconds_ago)
    }


def node(ready="True", spec=None, **others):
    return make("Node", "worker", spec, {"conditions": conditions(Ready=(ready, "", "Kubelet stopped posting node status."), **others)})


def workload(kind="Deployment", status=None, **spec):
    picks = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}}
    return make(kind, "web", {**picks, **spec}, {"readyReplicas": 0, "updatedReplicas": 2, **(status or {})})


def refused(message):
    return workload(status={"conditions": conditions(ReplicaFailure=("True", "FailedCreate", f'pods "web-1" is forbidden: {message}'))})


def service(**spec):
    return make("Service", "web", {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 80}], **spec})


def claim(phase="Pending", **metadata):
    return make("PersistentVolumeClaim", "web", {}, {"phase": phase}, **metadata)


LABELLED = pod(labels={"app": "web"}, container={**RUNS, "ready": True, "restartCount": 0}, ready="True")
NOTES_80 = {**LABELLED, "spec": {**LABELLED["spec"], "containers": [{"name": "app", "ports": [{"containerPort": 80}]}]}}
UNREADY = pod("web-1", labels={"app": "web"}, container=RUNS)
USER = pod("user", spec={"volumes": [{"persistentVolumeClaim": {"claimName": "web"}}]})
GONE = {"deletionTimestamp": at(60), "deletionGracePeriodSeconds": 30}
GOING = {"deletionTimestamp": at(-20), "deletionGracePeriodSeconds": 30}
LIVENESS = [
    event("Killing", "Container app failed liveness probe, will be restarted", "Normal", "app"),
    event("Unhealthy", 'Liveness probe failed: Get "http://10.0.0.1:80/": dial tcp: connection refused', container="app"),
]
STARTUP = [event("Killing", "Container app failed startup probe, will be restarted", "Normal", "app")]

# (situation, words of the answer, the object, …others and events)
ROWS = [
    ("scheduler-asleep", "no scheduler", pod(phase="Pending", node="", status={"conditions": []})),
    ("scheduling-gated", "gate", unschedulable("waiting for scheduling gates: [a]", "SchedulingGated")),
    ("no-nodes", "has no node", unschedulable("no nodes available to schedule pods")),
    ("too-little-room", "less cpu left", unschedulable("1 node(s) had untolerated taint(s), 2 Insufficient cpu.")),
    ("too-little-room", "nvidia.com/gpu", unschedulable("3 Insufficient nvidia.com/gpu.")),
    ("too-many-pods", "110", unschedulable("3 Too many pods.")),
    ("cordoned", "kubectl uncordon", unschedulable("3 node(s) were unschedulable.")),
    ("tainted", "toleration", unschedulable("3 node(s) had untolerated taint(s).")),
    ("tainted", "toleration", unschedulable("3 node(s) had taint {a: b}, that the pod didn't tolerate.")),
    ("no-such-label", "kubectl label node", unschedulable("3 node(s) didn't match Pod's node affinity/selector.")),
    ("no-such-label", "kubectl label node", unschedulable("3 node(s) didn't match node selector.")),
    ("other-node-wanted", "nodeName", unschedulable("3 node(s) didn't match the requested node name.")),
    ("host-port-taken", "hostPort", unschedulable("3 node(s) didn't have free ports for the requested pod ports.")),
    ("no-friend", "podAffinity", unschedulable("3 node(s) didn't match pod affinity rules.")),
    ("keeps-apart", "podAntiAffinity", unschedulable("3 node(s) didn't match pod anti-affinity rules.")),
    ("keeps-apart", "podAntiAffinity", unschedulable("3 node(s) didn't satisfy existing pods anti-affinity rules.")),
    ("cannot-spread", "maxSkew", unschedulable("3 node(s) didn't match pod topology spread constraints.")),
    ("no-such-claim", "the claim data, and there is none", unschedulable('persistentvolumeclaim "data" not found.')),
    ("claim-ending", "data", unschedulable('persistentvolumeclaim "data" is being deleted.')),
    ("claim-lost-volume", "data", unschedulable('persistentvolumeclaim "data" bound to non-existent persistentvolume "x".')),
    ("claim-pending", "pvc/NAME", unschedulable("pod has unbound immediate PersistentVolumeClaims.")),
    ("claim-pending", "pvc/NAME", unschedulable("3 node(s) didn't find available persistent volumes to bind.")),
    ("volume-elsewhere", "disk of one node", unschedulable("3 node(s) had volume node affinity conflict.")),
    ("volumes-exhausted", "disks", unschedulable("3 node(s) exceed max volume count.")),
    (
        "claim-of-one",
        "ReadWriteOncePod",
        unschedulable("node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode"),
    ),
    ("unschedulable", "no node fits", unschedulable("3 node(s) had something new.")),
    ("image-name-invalid", "lower-case", waits("InvalidImageName", "invalid reference format")),
    ("image-never-pulled", "IfNotPresent", waits("ErrImageNeverPull")),
    ("image-denied", "private", waits("ImagePullBackOff", "pull access denied, repository does not exist")),
    ("image-not-found", "no image nginx:1.27", waits("ErrImagePull", "docker.io/library/nginx:1.72: not found")),
    ("image-not-found", "no image", waits("ImagePullBackOff", "Back-off"), event("Failed", "nginx:1.72: not found", container="app")),
    ("registry-unreachable", "no way to it", waits("ErrImagePull", "dial tcp: lookup x: no such host")),
    ("image-not-pulled", "cannot be pulled", waits("ImagePullBackOff", "something new")),
    ("no-such-source", "configmap settings", waits("CreateContainerConfigError", 'configmap "settings" not found')),
    ("no-such-source", "secret password", waits("CreateContainerConfigError", 'secret "password" not found')),
    ("no-such-key", "the key colour", waits("CreateContainerConfigError", "couldn't find key colour in ConfigMap shop/settings")),
    ("runs-as-root", "root", waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
    ("configuration", "configuration", waits("CreateContainerConfigError", "something new")),
    ("no-command", "command", waits("CreateContainerError", "spec: no command specified")),
    ("not-created", "refuses", waits("RunContainerError", "something new")),
    ("command-not-found", "not in the image", crashed(128, "StartError", 'exec: "serv": executable file not found in $PATH')),
    ("command-not-found", "not in the image", crashed(128, "ContainerCannotRun", 'exec: "serv": executable file not found in $PATH')),
    ("command-not-allowed", "executable", crashed(128, "StartError", "exec: permission denied")),
    ("cannot-start", "serve", crashed(128, "StartError", "something new")),
    ("no-such-volume-source", "secret key", waits("ContainerCreating"), event("FailedMount", 'for volume "v" : secret "key" not found')),
    ("no-such-volume-key", "the key a", waits("ContainerCreating"), event("FailedMount", "references non-existent config key: a")),
    ("not-mounted", "mounted", waits("ContainerCreating"), event("FailedMount", "timed out")),
    ("no-memory-to-start", "3Mi", waits("ContainerCreating"), event("FailedCreatePodSandBox", "container init was OOM-killed")),
    ("no-sandbox", "network", waits("ContainerCreating"), event("FailedCreatePodSandBox", "no address")),
    ("post-start-failed", "postStart", crashed(137), event("FailedPostStartHook", "PostStartHook failed", container="app")),
    ("liveness-fails", "started again 2 times", crashed(0, "Completed"), *LIVENESS),
    ("liveness-fails", "connection refused", pod(container={**RUNS, "lastState": end(137)}), *LIVENESS),
    ("startup-fails", "periodSeconds", crashed(137), *STARTUP),
    ("probe-refused", "Readiness", UNREADY, event("Unhealthy", "Readiness probe failed: connect: connection refused")),
    ("probe-status", "with 503", UNREADY, event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")),
    (
        "probe-status",
        "with 404",
        UNREADY,
        event("Unhealthy", "Readiness probe failed: connect: connection refused", seconds_ago=20),
        event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404"),
    ),
    ("probe-slow", "timeoutSeconds", UNREADY, event("Unhealthy", "Readiness probe failed: context deadline exceeded")),
    ("probe-fails", "Startup probe", UNREADY, event("Unhealthy", "Startup probe failed: cat: no such file")),
    ("readiness-gate", "gate", pod(container=RUNS, status={"conditions": conditions(Ready=("False", "ReadinessGatesNotReady", "gate"))})),
    ("pre-stop-failed", "preStop", pod(container=RUNS, **GOING), event("FailedPreStopHook", "PreStopHook failed")),
    ("out-of-memory", "limits.memory is 20Mi", crashed(137, "OOMKilled")),
    ("out-of-memory", "OOMKilled", pod(container={**RUNS, "ready": True, "lastState": end(137, "OOMKilled")}, ready="True")),
    ("shell-not-found", "127", crashed(127)),
    ("shell-not-allowed", "126", crashed(126)),
    ("killed", "SIGKILL", crashed(137)),
    ("terminated", "SIGTERM", crashed(143)),
    ("segfault", "segmentation", crashed(139)),
    ("ends-well-again-and-again", "make it a Job", crashed(0, "Completed")),
    ("crashes", "the last it wrote: no database", crashed(1)),
    (
        "crashes",
        "restartPolicy is Never",
        pod(phase="Failed", spec={"restartPolicy": "Never"}, container={"state": end(9), "restartCount": 0}),
    ),
    ("crashes", "exit code 3", crashed(3, init=True)),
    ("init-goes-on", "init container app", pod(phase="Pending", init=True, container=RUNS)),
    ("starting-up", "starting up", pod(container={**RUNS, "started": False}, spec={}) | {"starts": True}),
    ("just-created", "worker", waits("ContainerCreating")),
    ("node-lost", "300 s", FINE, node("Unknown")),
    ("finalizer", "example.com/tidy", pod(container=RUNS, finalizers=["example.com/tidy"], **GONE)),
    ("does-not-end", "--force", pod(container=RUNS, **GONE)),
    ("ending", "30 s", pod(container=RUNS, **GOING)),
    (
        "evicted",
        "request what it needs",
        pod(phase="Failed", status={"reason": "Evicted", "message": "The node was low on resource: memory."}),
    ),
    ("evicted-for-storage", "sizeLimit", pod(phase="Failed", status={"reason": "Evicted", "message": 'EmptyDir volume "a" exceeds'})),
    ("port-in-use", "each port is there once", {**crashed(1), "logs": "bind() to 0.0.0.0:80 failed (98: Address already in use)"}),
    ("deadline", "activeDeadlineSeconds", pod(phase="Failed", status={"reason": "DeadlineExceeded"}, container={"state": end(143)})),
    (
        "refused-by-kubelet",
        "nodeName",
        pod(phase="Failed", status={"reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"}),
    ),
    ("pod-failed", "stays", pod(phase="Failed", status={"reason": "SomethingNew"})),
    (
        "rollout-stuck",
        "rollout undo deployment/web",
        workload(status={"conditions": conditions(Progressing=("False", "ProgressDeadlineExceeded"))}),
    ),
    ("paused", "resume", workload(paused=True)),
    ("controller-asleep", "kube-controller-manager", workload(status={"observedGeneration": 0})),
    ("quota-exceeded", "the quota small", refused("exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1")),
    ("quota-wants-requests", "the quota small", refused("failed quota: small: must specify limits.cpu")),
    ("limit-range", "LimitRange", refused("maximum memory usage per Container is 1Gi")),
    (
        "no-service-account",
        "create serviceaccount robot",
        refused('error looking up service account shop/robot: serviceaccount "robot" not found'),
    ),
    ("pod-security", "restricted", refused('violates PodSecurity "restricted:latest": runAsNonRoot')),
    ("pods-refused", "says no", refused("something new")),
    ("pods-refused", "says no", workload("StatefulSet"), event("FailedCreate", "something new")),
    ("no-node-fits", "kubectl label node", workload("DaemonSet", status={"desiredNumberScheduled": 0})),
    ("job-gave-up", "backoffLimit", workload("Job", status={"conditions": conditions(Failed=("True", "BackoffLimitExceeded"))})),
    ("job-deadline", "activeDeadlineSeconds", workload("Job", status={"conditions": conditions(Failed=("True", "DeadlineExceeded"))})),
    ("job-failed", "start over", workload("Job", status={"conditions": conditions(Failed=("True", "SomethingNew"))})),
    ("suspended", '"suspend":false', workload("Job", suspend=True)),
    ("picks-no-pod", "none has the labels app=shop", service(selector={"app": "shop"}), LABELLED),
    ("port-without-name", "called http", service(ports=[{"port": 80, "targetPort": "http"}]), NOTES_80),
    ("port-not-noted", "port 8080 of the Pods, which note 80", service(ports=[{"port": 80, "targetPort": 8080}]), NOTES_80),
    ("no-pod-ready", "none of the 1 Pods", service(), UNREADY),
    ("no-load-balancer", "NodePort", service(type="LoadBalancer"), LABELLED),
    ("claim-in-use", "user", claim(finalizers=["kubernetes.io/pvc-protection"], **GONE), USER),
    ("no-such-class", "class fast", claim(), event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')),
    ("not-provisioned", "provisioner", claim(), event("ProvisioningFailed", "disk full")),
    ("no-class-no-volume", "storageClassName", claim(), event("FailedBinding", "no persistent volumes available for this claim", "Normal")),
    ("first-consumer", "Nothing is wrong", claim(), event("WaitForFirstConsumer", "waiting for first consumer", "Normal")),
    ("claim-lost", "PersistentVolume", claim("Lost")),
    ("provisioner-silent", "provisioner", claim(), event("ExternalProvisioning", "Waiting for a volume to be created", "Normal")),
    ("node-silent", "Kubelet stopped posting", node("Unknown")),
    ("node-unwell", "network plugin", node("False")),
    ("memory-pressure", "memory", node(MemoryPressure=("True",))),
    ("disk-pressure", "disk", node(DiskPressure=("True",))),
    ("pid-pressure", "process ids", node(PIDPressure=("True",))),
    ("node-cordoned", "kubectl uncordon worker", node(spec={"unschedulable": True})),
    ("node-tainted", "dedicated=db:NoSchedule", node(spec={"taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]})),
    (
        "content-has-finalizers",
        "finalizer",
        make("Namespace", "web", {}, {"conditions": conditions(NamespaceFinalizersRemaining=("True",))}),
    ),
    ("api-missing", "APIService", make("Namespace", "web", {}, {"conditions": conditions(NamespaceDeletionDiscoveryFailure=("True",))})),
    ("content-remains", "not empty", make("Namespace", "web", {}, {"conditions": conditions(NamespaceContentRemaining=("True",))}, **GONE)),
    ("namespace-ending", "removed", make("Namespace", "web", **GONE)),
    ("finalizer", "example.com/a", make("ConfigMap", "web", finalizers=["example.com/a"], **GONE)),
]


def answer(api, obj):
    return diagnose(api, Target(TYPES[obj["kind"]], "shop", obj["metadata"]["name"]))


def api_of(row):
    obj, *others = row[2:]
    if obj.pop("starts", False):
        obj["spec"]["containers"][0]["startupProbe"] = {}
    objects = [obj, *(other for other in others if "kind" in other)]
    for each in (other for other in others if "kind" not in other):
        each["involvedObject"]["uid"] = obj["metadata"]["uid"]
    return FakeApi(*objects, events=[other for other in others if "kind" not in other], logs=obj.pop("logs", "no database\n"))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{number}" for number, row in enumerate(ROWS)])
def test_each_state_is_explained(row):
    explanation = answer(api_of(row), row[2])
    found = [finding.id for finding in explanation.findings]
    assert found[0] == row[0] or (row[0] == "no-pod-ready" and row[0] in found)
    assert row[1] in str(explanation) and not explanation.healthy
    finding = explanation.findings[found.index(row[0])]
    assert finding.means and finding.see and finding.fix


def test_every_situation_has_its_row():
    known = {situation.id for table in TABLES.values() for situation in table}
    assert known == {row[0] for row in ROWS}


@pytest.mark.parametrize(
    ("words", "objects"),
    [
        ("healthy: it runs on worker and is ready", [FINE]),
        ("ended without an error", [pod(phase="Succeeded", container={"state": end(0, "Completed")})]),
        (
            "started again 4 times",
            [
                pod(
                    container={
                        **RUNS,
                        "ready": True,
                        "restartCount": 4,
                        "lastState": {"terminated": end(1)["terminated"] | {"finishedAt": at(4000)}},
                    },
                    ready="True",
                )
            ],
        ),
        ("healthy: 2 of 2", [workload(status={"readyReplicas": 2})]),
        ("replicas: 0", [workload(replicas=0, status={"updatedReplicas": 0})]),
        ("complete, 1 of 1", [workload("Job", status={"succeeded": 1, "conditions": conditions(Complete=("True",))})]),
        ("sends to 1 ready", [service(), LABELLED]),
        ("another name for", [service(type="ExternalName", externalName="example.com", selector=None)]),
        ("no selector", [service(selector=None)]),
        ("bound to the volume", [claim("Bound")]),
        ("open to new Pods", [node()]),
        ("Active", [make("Namespace", "web", {}, {"phase": "Active"})]),
        ("nothing says", [make("ConfigMap", "web")]),
    ],
)
def test_a_healthy_object_gets_one_line(words, objects):
    explanation = answer(FakeApi(*objects), objects[0])
    assert words in str(explanation) and explanation.healthy and "\n" not in str(explanation)


@pytest.mark.parametrize(
    ("words", "obj"),
    [
        ("rollout is under way: 1 of 2", workload(status={"updatedReplicas": 1})),
        ("0 of 2 Pods are ready", workload()),
        ("1 of 3 Pods have succeeded", workload("Job", completions=3, status={"succeeded": 1})),
    ],
)
def test_what_is_on_its_way_is_not_called_wrong(words, obj):
    assert [finding.state for finding in answer(FakeApi(obj), obj).findings] == ["waiting"]
    assert words in str(answer(FakeApi(obj), obj))


def test_a_workload_is_explained_by_its_pods_once_for_all_that_have_the_same_trouble():
    replicaset = make("ReplicaSet", "web-1", ownerReferences=[{"kind": "Deployment", "name": "web", "controller": True}])
    owned = {"labels": {"app": "web"}, "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]}
    pods = [waits("ErrImagePull", "nginx:1.72: not found", name=f"web-1-{n}", **owned) for n in range(3)]
    text = str(answer(FakeApi(workload(), replicaset, *pods), workload()))
    assert text.count("there is no image") == 1 and "kubectl set image deployment/web app=IMAGE:TAG -n shop" in text


def test_of_two_pods_of_one_second_that_of_the_newer_revision_comes_first():
    objects = []
    for name, revision, image in (("web-a", "1", "nginx:1.72"), ("web-z", "2", "nginx:1.99")):
        annotations = {"deployment.kubernetes.io/revision": revision}
        owner = {"kind": "Deployment", "name": "web", "controller": True}
        objects.append(make("ReplicaSet", name, annotations=annotations, ownerReferences=[owner]))
        owned = {"labels": {"app": "web"}, "ownerReferences": [{"kind": "ReplicaSet", "name": name, "controller": True}]}
        objects.append(waits("ErrImagePull", f"{image}: not found", name=f"{name}-1", **owned))
    first = answer(FakeApi(workload(), *objects), workload()).findings[0]
    assert "nginx:1.99" in first.said


def test_a_deployment_whose_pod_is_killed_by_its_probe_says_so_also_while_it_runs():
    killed = pod("web-1", labels={"app": "web"}, container={**RUNS, "ready": True, "lastState": end(0, "Completed")}, ready="True")
    events = [{**each, "involvedObject": {**each["involvedObject"], "uid": "web-1"}} for each in LIVENESS]
    explanation = answer(FakeApi(workload(status={"readyReplicas": 2}), killed, events=events), workload())
    assert [finding.id for finding in explanation.findings] == ["liveness-fails"]


def test_two_containers_have_two_troubles():
    both = waits("ErrImagePull", "not found")
    both["spec"]["containers"].append({"name": "helper", "image": "busybox:1.36"})
    helper = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "a" not found'}}
    both["status"]["containerStatuses"].append({"name": "helper", "restartCount": 0, "state": helper})
    assert [finding.id for finding in answer(FakeApi(both), both).findings] == ["image-not-found", "no-such-source"]


def test_a_selector_explains_every_one_and_says_how_many_more():
    pods = [pod(f"web-{n}", labels={"app": "web"}, container={**RUNS, "ready": True, "restartCount": 0}, ready="True") for n in range(7)]
    explanation = diagnose(FakeApi(*pods), Target(TYPES["Pod"], "shop", selector="app=web"))
    assert str(explanation).count("healthy") == 5 and "and 2 more pods" in str(explanation)


def test_what_is_not_there_is_said_with_what_is():
    assert "there is no pod/wep in the namespace shop" in (text := str(diagnose(FakeApi(FINE), Target(TYPES["Pod"], "shop", "wep"))))
    assert "its pods: web" in text


def test_what_may_not_be_read_is_left_out():
    explanation = answer(FakeApi(crashed(1), refuses=("log", "events", "nodes")), crashed(1))
    assert explanation.findings[0].id == "crashes" and "it wrote nothing" in str(explanation)


def test_other_conditions_are_told_in_their_own_words():
    odd = make("ConfigMap", "web", {}, {"conditions": conditions(Synced=("False", "", "the mirror is down"))})
    assert "Synced is False\n    the cluster says: the mirror is down" in str(answer(FakeApi(odd), odd))


def test_targets_are_words_or_models():
    cluster = SimpleNamespace(api=FakeApi(FINE), namespace="shop")
    model = V1Pod(metadata=V1ObjectMeta(name="web", namespace="shop"), spec={"containers": []})
    assert str(explain(cluster, model)) == str(explain(cluster, "pod/web")) == str(explain(cluster, "pod web -n shop"))
    with pytest.raises(CourseError, match="pod/web"):
        explain(cluster, 42)


def test_words_of_the_cluster_are_escaped():
    shown = answer(FakeApi(crashed(1), logs="<b>"), crashed(1))._repr_mimebundle_()
    assert "<b>" in shown["text/plain"] and "wrote: &lt;b&gt;" in shown["text/html"]


def test_without_a_cluster_it_says_to_connect(monkeypatch):
    monkeypatch.setattr(Cluster, "connected", None)
    with pytest.raises(CourseError, match=r"kubeschool\.connect\(\)"):
        kubeschool.explain("pod/web")

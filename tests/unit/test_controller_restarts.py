"""Every controller, driven only through the API and restarted at a random (seeded) moment of its work, ends where it would have anyway.

A case is what a user does and what the controller makes of it. It starts without the controller, so that a case which needs none fails.
"""

import asyncio
import json
import random
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from control_plane import ControlPlane, Nodes
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kubeschool.practice.apiserver.authorization import Authorizer
from kubeschool.practice.component import Controller
from kubeschool.practice.controllers import CONTROLLERS
from kubeschool.practice.controllers.local_path_provisioner import LocalPathProvisioner
from kubeschool.practice.controllers.nodelifecycle import NodeLifecycleController
from kubeschool.practice.controllers.root_ca_cert_publisher import RootCACertPublisher
from kubeschool.practice.scheduler import Scheduler

SPEED = 100
RESTARTS = 3
TURNS = 25
"""The most turns of the event loop between two starts and stops."""
POD = {"containers": [{"name": "c", "image": "nginx"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
REPLICAS = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "standard"}
ONCE = {"metadata": {}, "spec": {**POD, "restartPolicy": "Never"}}
ENDED = {"name": "c", "image": "nginx", "imageID": "", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}

Act = Callable[[ControlPlane], object]


def make(resource: str, name: str = "web", metadata: dict | None = None, **fields) -> Act:
    return lambda plane: plane.client.create(resource, {"metadata": {"name": name, "namespace": "default", **(metadata or {})}, **fields})


def make_cluster_wide(resource: str, name: str, metadata: dict | None = None, **fields) -> Act:
    return lambda plane: plane.client.create(resource, {"metadata": {"name": name, **(metadata or {})}, **fields})


def remove(resource: str, name: str = "web", namespace: str | None = "default", propagation: str | None = None) -> Act:
    return lambda plane: plane.client.delete(resource, namespace, name, propagation=propagation)


def count(resource: str, number: int) -> Callable[[ControlPlane], bool]:
    return lambda plane: len(plane.client.list(resource, "default")) == number


def status(resource: str, **fields) -> Callable[[ControlPlane], bool]:
    return lambda plane: fields.items() <= (plane.get(resource, "web").get("status") or {}).items()


def gone(resource: str, name: str = "web", namespace: str = "default") -> Callable[[ControlPlane], bool]:
    return lambda plane: plane.get(resource, name, namespace) is None


def there(resource: str, name: str) -> Callable[[ControlPlane], bool]:
    return lambda plane: plane.get(resource, name) is not None


def finished_job(plane: ControlPlane, **spec) -> None:
    job = make("jobs.batch", spec={"template": ONCE, **spec})(plane)
    ended = [{"type": t, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"} for t in ("SuccessCriteriaMet", "Complete")]
    at = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:00Z"}
    plane.client.update("jobs.batch", {**job, "status": {"conditions": ended, "succeeded": 1, **at}}, "status")


def adopted_orphan(plane: ControlPlane) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000000"}
    make("configmaps", metadata={"ownerReferences": [owner]})(plane)


def claimed(plane: ControlPlane) -> None:
    make("persistentvolumeclaims", spec=CLAIM)(plane)
    plane.pod("web", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "web"}}])


def tainted(plane: ControlPlane) -> None:
    plane.pod("web", nodeName="n1")
    plane.client.patch("nodes", "", "n1", {"spec": {"taints": [{"key": "x", "effect": "NoExecute"}]}})


def ready_unknown(plane: ControlPlane) -> bool:
    node = plane.get("nodes", "n1", "")
    return any(c["type"] == "Ready" and c["status"] == "Unknown" for c in node["status"]["conditions"]) and "taints" in node["spec"]


EVERY_MINUTE = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": {"template": ONCE}}}
STATEFUL = {**REPLICAS, "serviceName": "web", "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}]}
SERVICE = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
ROLES, CSRS = "clusterroles.rbac.authorization.k8s.io", "certificatesigningrequests.certificates.k8s.io"
RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]


def asked_for_too_much(plane: ControlPlane) -> None:
    """A signed certificate would be another each time; a refusal is not."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    key = ec.generate_private_key(ec.SECP256R1())
    pem = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    spec = {"request": b64encode(pem).decode(), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["server auth"]}
    made = make_cluster_wide(CSRS, "web", spec=spec)(plane)
    made = {**made, "status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test", "message": ""}]}}
    plane.client.update(CSRS, made, "approval")


def refused(plane: ControlPlane) -> bool:
    return any(c["type"] == "Failed" for c in plane.get(CSRS, "web", "")["status"]["conditions"])


CASES: dict[str, tuple[list[Act], Callable[[ControlPlane], bool]]] = {
    "certificate-controller": ([asked_for_too_much], refused),
    "clusterrole-aggregation-controller": (
        [
            make_cluster_wide(ROLES, "web", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"app": "web"}}]}, rules=[]),
            make_cluster_wide(ROLES, "part", {"labels": {"app": "web"}}, rules=RULES),
        ],
        lambda plane: plane.get(ROLES, "web", "")["rules"] == RULES,
    ),
    "cronjob-controller": ([make("cronjobs.batch", "tick", spec=EVERY_MINUTE)], count("jobs.batch", 1)),
    "daemon-set-controller": (
        [make("daemonsets.apps", spec={k: v for k, v in REPLICAS.items() if k != "replicas"})],
        status("daemonsets.apps", numberReady=2, observedGeneration=1),
    ),
    "deployment-controller": (
        [
            make("deployments.apps", spec=REPLICAS),
            lambda plane: plane.client.patch(
                "deployments.apps", "default", "web",
                {"spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}},
            ),
        ],
        status("deployments.apps", replicas=4, updatedReplicas=4, availableReplicas=4, observedGeneration=2),
    ),
    "disruption-controller": (
        [
            make("replicasets.apps", spec=REPLICAS),
            make("poddisruptionbudgets.policy", spec={"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}),
        ],
        status("poddisruptionbudgets.policy", currentHealthy=3, disruptionsAllowed=1),
    ),
    "endpoint-controller": (
        [make("replicasets.apps", spec=REPLICAS), make("services", spec=SERVICE)],
        lambda plane: [len(s["addresses"]) for s in (plane.get("endpoints", "web") or {}).get("subsets", [])] == [3],
    ),
    "endpointslice-controller": (
        [make("replicasets.apps", spec=REPLICAS), make("services", spec=SERVICE)],
        lambda plane: [len(s["endpoints"]) for s in plane.objects("endpointslices.discovery.k8s.io")] == [3],
    ),
    "generic-garbage-collector": (
        [make("replicasets.apps", spec=REPLICAS), adopted_orphan, remove("replicasets.apps", propagation="Foreground")],
        lambda plane: count("pods", 0)(plane) and count("configmaps", 0)(plane) and gone("replicasets.apps")(plane),
    ),
    "horizontal-pod-autoscaler": (
        [
            make("deployments.apps", spec=REPLICAS),
            make(
                "horizontalpodautoscalers.autoscaling",
                spec={"minReplicas": 4, "maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
            ),
        ],
        lambda plane: status("deployments.apps", readyReplicas=4)(plane)
        and status("horizontalpodautoscalers.autoscaling", currentReplicas=4)(plane),
    ),
    "job-controller": (
        [make("jobs.batch", spec={"template": ONCE, "completions": 3, "parallelism": 2, "completionMode": "Indexed"})],
        status("jobs.batch", succeeded=3, completedIndexes="0-2"),
    ),
    "namespace-controller": (
        [
            make_cluster_wide("namespaces", "gone"),
            lambda plane: plane.pod("web", "gone"),
            make("configmaps", metadata={"namespace": "gone"}),
            remove("namespaces", "gone", None),
        ],
        gone("namespaces", "gone", ""),
    ),
    "node-controller": ([], ready_unknown),
    "persistent-volume-binder": ([claimed], lambda plane: plane.get("pods", "web")["spec"].get("nodeName") is not None),
    "pod-garbage-collector": ([lambda plane: plane.pod("web", nodeName="nowhere")], gone("pods")),
    "pv-protection-controller": (
        [
            make_cluster_wide(
                "persistentvolumes", "web", {"finalizers": ["kubernetes.io/pv-protection"]},
                spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
            ),
            remove("persistentvolumes", namespace=None),
        ],
        gone("persistentvolumes", namespace=""),
    ),
    "pvc-protection-controller": (
        [
            make("persistentvolumeclaims", metadata={"finalizers": ["kubernetes.io/pvc-protection"]}, spec=CLAIM),
            remove("persistentvolumeclaims"),
        ],
        gone("persistentvolumeclaims"),
    ),
    "replicaset-controller": ([make("replicasets.apps", spec=REPLICAS)], status("replicasets.apps", readyReplicas=3, replicas=3)),
    "replication-controller": (
        [make("replicationcontrollers", spec={"replicas": 3, "selector": {"app": "web"}, "template": TEMPLATE})],
        status("replicationcontrollers", readyReplicas=3, replicas=3),
    ),
    "resourcequota-controller": (
        [make("resourcequotas", spec={"hard": {"pods": "5"}}), make("replicasets.apps", spec=REPLICAS)],
        status("resourcequotas", used={"pods": "3"}),
    ),
    "root-ca-cert-publisher": ([], there("configmaps", "kube-root-ca.crt")),
    "service-account-controller": ([], there("serviceaccounts", "default")),
    "service-controller": (
        [make("services", spec={**SERVICE, "type": "LoadBalancer"})],
        status("services", loadBalancer={"ingress": [{"ip": "127.0.0.1", "ipMode": "Proxy"}]}),
    ),
    "statefulset-controller": ([make("statefulsets.apps", spec=STATEFUL)], status("statefulsets.apps", readyReplicas=3, updatedReplicas=3)),
    "taint-eviction-controller": ([tainted], gone("pods")),
    "ttl-after-finished-controller": ([partial(finished_job, ttlSecondsAfterFinished=10)], gone("jobs.batch")),
}


class Ending(Nodes):
    """Pods of Jobs end at once, except those of the CronJob `tick`."""

    def _run(self, pod: dict) -> None:
        super()._run(pod)
        meta = pod["metadata"]
        if pod["spec"]["restartPolicy"] == "Never" and meta["name"].startswith("web-"):
            patch = {"status": {"phase": "Succeeded", "containerStatuses": [ENDED]}}
            self.client.patch("pods", meta["namespace"], meta["name"], patch, "strategic", "status")


MASKS = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"LS0t[A-Za-z0-9+/=]+", "PEM"),
    (r"10\.\d+\.\d+\.\d+", "IP"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-RANDOM"),
    (r"-\d{8,}\b", "-MINUTE"),
    (r'"(n1|n2)"', "NODE"),
    (r'"(nodePort|resourceVersion)": "?\d+"?', "NUMBER"),
)


def state(plane: ControlPlane) -> Counter[str]:
    """All objects but Events, without what chance decides."""
    found: Counter[str] = Counter()
    for resource in plane.client.resources():
        if resource.stored and resource.name not in ("events", "events.events.k8s.io"):
            for obj in plane.objects(resource.name):
                meta = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "resourceVersion")}
                text = json.dumps({**obj, "metadata": meta}, sort_keys=True)
                for pattern, word in MASKS:
                    text = re.sub(pattern, word, text)
                found[text] += 1
    return found


async def end_state(controller: type[Controller], restarts: random.Random | None) -> Counter[str]:
    """After the controller's case; with `restarts` the controller is started late and stopped in between."""
    acts, done = CASES[controller.name]
    plane = ControlPlane(SPEED)
    plane.registry.authorizer = Authorizer(plane.store)
    for name in ("n1", "n2"):
        plane.node(name)
    local = {"provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer"}
    plane.client.create("storageclasses.storage.k8s.io", {"metadata": {"name": "standard"}, **local})
    others = [c for c in CONTROLLERS if c not in (controller, NodeLifecycleController, RootCACertPublisher)]
    await plane.start(Scheduler, Ending, LocalPathProvisioner, *others)
    try:
        for act in acts:
            act(plane)
            await plane.settled(5)
        if restarts:
            assert not done(plane), "the case needs no controller"
        [under_test] = await plane.start(controller)
        under_test.ca_certificate = "PEM"
        for _ in range(RESTARTS if restarts else 0):
            await turns(restarts)
            await under_test.stop()
            await turns(restarts)
            await under_test.start()
        await plane.until(lambda: done(plane))
        await plane.settled()
        return state(plane)
    finally:
        await plane.stop()


async def turns(rnd: random.Random) -> None:
    for _ in range(rnd.randrange(TURNS)):
        await asyncio.sleep(0)


@pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda c: c.name)
async def test_a_restart_at_any_moment_changes_nothing(controller):
    expected = await end_state(controller, None)
    for seed in range(2):
        assert await end_state(controller, random.Random(f"{controller.name}/{seed}")) == expected

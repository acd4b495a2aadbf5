"""One random operation: what users do to a cluster, and what happens to its machines.

What is done follows from the seed; which of the pods it hits also from the moment.
"""

import copy
import random
from collections.abc import Awaitable, Callable

from paths import NAMESPACES, at

IMAGES = ("nginx:1.27", "nginx:1.26", "busybox:1.36")
WORKLOADS = ("deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers")
SCALED = ("deployments", "statefulsets", "replicasets", "replicationcontrollers")
NAMES = ("one", "two")
MOST_REPLICAS = 5

Ask = Callable[..., Awaitable[tuple[int, dict]]]


def container(image: str) -> dict:
    made = {"name": "c", "image": image, "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}}}
    return made if image.startswith("nginx") else {**made, "command": ["sleep", "100000"]}


def pod_spec(rnd: random.Random) -> dict:
    spec = {"containers": [container(rnd.choice(IMAGES))], "terminationGracePeriodSeconds": rnd.choice((0, 5, 30))}
    if rnd.random() < 0.2 and spec["containers"][0]["image"].startswith("nginx"):
        spec["containers"][0]["readinessProbe"] = {"httpGet": {"port": 80}, "periodSeconds": 5}
    return spec


def labels(plural: str, name: str) -> dict[str, str]:
    return {"app": f"{plural}-{name}"}


async def create_workload(ask: Ask, rnd: random.Random) -> None:
    plural, namespace, name = rnd.choice(WORKLOADS), rnd.choice(NAMESPACES), rnd.choice(NAMES)
    app = labels(plural, name)
    spec = {"selector": {"matchLabels": app}, "template": {"metadata": {"labels": app}, "spec": pod_spec(rnd)}}
    if plural in SCALED:
        spec["replicas"] = rnd.randint(0, MOST_REPLICAS)
    if plural == "replicationcontrollers":
        spec["selector"] = app
    if plural == "deployments" and rnd.random() < 0.3:
        spec["strategy"] = {"type": "Recreate"}
    if plural == "statefulsets":
        spec |= {"serviceName": name, "podManagementPolicy": rnd.choice(("OrderedReady", "Parallel"))}
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        if rnd.random() < 0.7:
            spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
            spec["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    await ask("POST", at(plural, namespace), {"metadata": {"name": name}, "spec": spec})


async def scale(ask: Ask, rnd: random.Random) -> None:
    where = at(rnd.choice(SCALED), rnd.choice(NAMESPACES), rnd.choice(NAMES), "scale")
    await ask("PATCH", where, {"spec": {"replicas": rnd.randint(0, MOST_REPLICAS)}})


async def roll_out(ask: Ask, rnd: random.Random) -> None:
    plural = rnd.choice(("deployments", "deployments", "statefulsets", "daemonsets"))
    image = "nginx:no-such-tag" if plural == "deployments" and rnd.random() < 0.1 else rnd.choice(IMAGES)
    await set_image(ask, at(plural, rnd.choice(NAMESPACES), rnd.choice(NAMES)), image)


async def set_image(ask: Ask, where: str, image: str) -> None:
    status, found = await ask("GET", where)
    if status == 200:
        changed = copy.deepcopy(found)
        old = changed["spec"]["template"]["spec"]["containers"][0]
        changed["spec"]["template"]["spec"]["containers"] = [
            {**container(image), **({"volumeMounts": old["volumeMounts"]} if "volumeMounts" in old else {})}
        ]
        await ask("PUT", where, changed)


async def delete_workload(ask: Ask, rnd: random.Random) -> None:
    where = at(rnd.choice((*WORKLOADS, "jobs", "cronjobs")), rnd.choice(NAMESPACES), rnd.choice(NAMES))
    await ask("DELETE", where, propagationPolicy=rnd.choice(("Background", "Background", "Foreground", "Orphan")))


async def create_job(ask: Ask, rnd: random.Random) -> None:
    code = rnd.choice((0, 0, 0, 1))
    one = {"name": "c", "image": "busybox:1.36", "command": ["sh", "-c", f"sleep {rnd.randint(0, 20)}; exit {code}"]}
    spec = {
        "template": {"spec": {"restartPolicy": rnd.choice(("Never", "OnFailure")), "containers": [one]}},
        "completions": rnd.randint(1, 4), "parallelism": rnd.randint(1, 3), "backoffLimit": 2,
        "completionMode": rnd.choice(("Indexed", "NonIndexed")),
    }
    if rnd.random() < 0.5:
        spec["ttlSecondsAfterFinished"] = 60
    namespace, name = rnd.choice(NAMESPACES), rnd.choice(NAMES)
    if rnd.random() < 0.3:
        spec = {"schedule": "* * * * *", "concurrencyPolicy": rnd.choice(("Allow", "Forbid", "Replace")), "jobTemplate": {"spec": spec}}
        await ask("POST", at("cronjobs", namespace), {"metadata": {"name": name}, "spec": spec})
    else:
        await ask("POST", at("jobs", namespace), {"metadata": {"name": name}, "spec": spec})


async def create_service(ask: Ask, rnd: random.Random) -> None:
    app = labels(rnd.choice(WORKLOADS), rnd.choice(NAMES))
    spec = {"selector": app, "ports": [{"port": 80}], **rnd.choice(({}, {"type": "NodePort"}, {"clusterIP": "None"}))}
    if rnd.random() < 0.1:
        spec["publishNotReadyAddresses"] = True
    await ask("POST", at("services", rnd.choice(NAMESPACES)), {"metadata": {"name": rnd.choice(NAMES)}, "spec": spec})


async def change_service(ask: Ask, rnd: random.Random) -> None:
    where = at("services", rnd.choice(NAMESPACES), rnd.choice(NAMES))
    if rnd.random() < 0.4:
        await ask("DELETE", where)
    else:
        await ask("PATCH", where, {"spec": {"selector": labels(rnd.choice(WORKLOADS), rnd.choice(NAMES))}})


async def create_pod(ask: Ask, rnd: random.Random) -> None:
    """Sometimes with a claim of its own, sometimes one that a controller adopts."""
    namespace, name = rnd.choice(NAMESPACES), f"bare-{rnd.choice(NAMES)}"
    pod = {"metadata": {"name": name, "labels": labels(rnd.choice(WORKLOADS), rnd.choice(NAMES))}, "spec": pod_spec(rnd)}
    if rnd.random() < 0.5:
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        await ask("POST", at("persistentvolumeclaims", namespace), {"metadata": {"name": name}, "spec": claim})
        pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    await ask("POST", at("pods", namespace), pod)


async def some(ask: Ask, rnd: random.Random, plural: str) -> dict | None:
    """One of those there are in a namespace."""
    status, found = await ask("GET", at(plural, rnd.choice(NAMESPACES)))
    return rnd.choice(found["items"]) if status == 200 and found["items"] else None


async def hit_pod(ask: Ask, rnd: random.Random) -> None:
    pod = await some(ask, rnd, "pods")
    if pod is None:
        return
    meta = pod["metadata"]
    where = at("pods", meta["namespace"], meta["name"])
    dice = rnd.random()
    if dice < 0.5:
        await ask("DELETE", where, **rnd.choice(({}, {"gracePeriodSeconds": "0"}, {"gracePeriodSeconds": "1"})))
    elif dice < 0.8:
        await ask("POST", f"{where}/eviction", {"metadata": {"name": meta["name"]}})
    elif "statefulset.kubernetes.io/pod-name" not in meta.get("labels", {}):  # its set would wait for the name for ever
        app = rnd.choice(("loose", labels(rnd.choice(WORKLOADS), rnd.choice(NAMES))["app"]))
        await ask("PATCH", where, {"metadata": {"labels": {"app": app}}})


async def delete_what_controllers_made(ask: Ask, rnd: random.Random) -> None:
    plural = rnd.choice(("endpoints", "endpointslices", "replicasets", "serviceaccounts", "configmaps", "persistentvolumeclaims"))
    if obj := await some(ask, rnd, plural):
        await ask("DELETE", at(plural, obj["metadata"]["namespace"], obj["metadata"]["name"]))


async def set_quota(ask: Ask, rnd: random.Random) -> None:
    namespace, hard = rnd.choice(NAMESPACES), {"pods": str(rnd.randint(5, 25)), "requests.storage": "20Gi", "count/jobs.batch": "6"}
    status, _ = await ask("POST", at("resourcequotas", namespace), {"metadata": {"name": "quota"}, "spec": {"hard": hard}})
    if status == 409:
        await ask("PATCH", at("resourcequotas", namespace, "quota"), {"spec": {"hard": hard}})


async def set_budget(ask: Ask, rnd: random.Random) -> None:
    plural, namespace, name = rnd.choice(SCALED), rnd.choice(NAMESPACES), rnd.choice(NAMES)
    limit = rnd.choice(({"minAvailable": 1}, {"maxUnavailable": 1}, {"minAvailable": "50%"}))
    budget = {"metadata": {"name": f"{plural}-{name}"}, "spec": {"selector": {"matchLabels": labels(plural, name)}, **limit}}
    status, _ = await ask("POST", at("poddisruptionbudgets", namespace), budget)
    if status == 409:
        await ask("DELETE", at("poddisruptionbudgets", namespace, budget["metadata"]["name"]))


async def renew_namespace(ask: Ask, rnd: random.Random) -> None:
    namespace = rnd.choice(NAMESPACES)
    if rnd.random() < 0.2:
        await ask("DELETE", at("namespaces", "", namespace))
    await ask("POST", at("namespaces"), {"metadata": {"name": namespace}})


async def hit_node(ask: Ask, rnd: random.Random) -> None:
    status, found = await ask("GET", at("nodes"))
    if status != 200:
        return
    name = rnd.choice([n["metadata"]["name"] for n in found["items"]][1:])
    if rnd.random() < 0.3:
        await ask("PATCH", at("nodes", "", name), {"spec": {"unschedulable": rnd.choice((True, None))}})
    else:
        await ask("POST", f"/kubeschool/nodes/{name}/{rnd.choice(('stop', 'partition', 'start', 'start', 'start'))}")


COMPONENTS = ("kube-scheduler", "kube-controller-manager", "kube-proxy", "coredns", "local-path-provisioner")


async def hit_component(ask: Ask, rnd: random.Random) -> None:
    await ask("POST", f"/kubeschool/components/{rnd.choice(COMPONENTS)}/{rnd.choice(('stop', 'start', 'start'))}")


WEIGHTS = {
    create_workload: 22, scale: 14, roll_out: 10, delete_workload: 8, create_job: 7, create_service: 6, change_service: 5, create_pod: 5,
    hit_pod: 16, delete_what_controllers_made: 4, set_quota: 2, set_budget: 4, renew_namespace: 4, hit_node: 6, hit_component: 8,
}


async def perform(ask: Ask, rnd: random.Random) -> None:
    [operation] = rnd.choices(list(WEIGHTS), list(WEIGHTS.values()))
    await operation(ask, rnd)

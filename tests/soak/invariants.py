"""What must be true of every cluster at rest, whatever happened to it. Each function yields what is wrong, in a sentence."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from kubeschool.practice.apiserver import quota
from kubeschool.practice.apiserver.quantity import parse

Snapshot = dict[str, list[dict]]
"""All objects by resource."""


def full_name(obj: dict) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def is_ready(pod: dict) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def is_over(pod: dict) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def owned(snapshot: Snapshot, resource: str, owner: dict) -> list[dict]:
    """The objects an owner controls."""
    uid = owner["metadata"]["uid"]
    return [o for o in snapshot[resource] if any(r["uid"] == uid and r.get("controller") for r in o["metadata"].get("ownerReferences", ()))]


def selected(snapshot: Snapshot, namespace: str, labels: dict) -> list[dict]:
    pods = snapshot["pods"]
    return [p for p in pods if p["metadata"]["namespace"] == namespace and labels.items() <= p["metadata"].get("labels", {}).items()]


def counts_differ(obj: dict, expected: dict[str, int]) -> Iterator[str]:
    seen = {field: obj["status"].get(field, 0) for field in expected}
    if seen != expected:
        yield f"{full_name(obj)}: status says {seen}, there are {expected}"
    if obj["status"].get("observedGeneration") != obj["metadata"]["generation"]:
        yield f"{full_name(obj)}: generation {obj['metadata']['generation']} was not observed"


def replica_sets_have_their_pods(snapshot: Snapshot) -> Iterator[str]:
    for owner in snapshot["replicasets"] + snapshot["replicationcontrollers"]:
        pods = [p for p in owned(snapshot, "pods", owner) if not is_over(p)]
        ready = sum(map(is_ready, pods))
        yield from counts_differ(owner, {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready})
        if len(pods) != owner["spec"]["replicas"]:
            yield f"{full_name(owner)}: {len(pods)} pods of {owner['spec']['replicas']}"


def deployments_are_rolled_out(snapshot: Snapshot) -> Iterator[str]:
    for owner in snapshot["deployments"]:
        replicas = owner["spec"]["replicas"]
        sets = [s for s in owned(snapshot, "replicasets", owner) if s["spec"]["replicas"]]
        pods = [p for s in sets for p in owned(snapshot, "pods", s) if not is_over(p)]
        yield from counts_differ(owner, dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), replicas))
        if len(sets) != bool(replicas) or len(pods) != replicas:
            yield f"Deployment {full_name(owner)}: {len(pods)} pods of {replicas} in {len(sets)} ReplicaSets"


def stateful_sets_have_their_pods(snapshot: Snapshot) -> Iterator[str]:
    for owner in snapshot["statefulsets"]:
        replicas, name = owner["spec"]["replicas"], owner["metadata"]["name"]
        pods = owned(snapshot, "pods", owner)
        yield from counts_differ(owner, dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), replicas))
        if sorted(p["metadata"]["name"] for p in pods) != [f"{name}-{i}" for i in range(replicas)]:
            yield f"StatefulSet {full_name(owner)}: has {sorted(p['metadata']['name'] for p in pods)} of {replicas}"


def daemon_sets_are_everywhere(snapshot: Snapshot) -> Iterator[str]:
    nodes = sorted(n["metadata"]["name"] for n in snapshot["nodes"] if not n["spec"].get("taints"))
    for owner in snapshot["daemonsets"]:
        if not owner["metadata"]["namespace"].startswith("soak"):
            continue
        pods = owned(snapshot, "pods", owner)
        fields = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberAvailable", "updatedNumberScheduled")
        yield from counts_differ(owner, dict.fromkeys(fields, len(nodes)))
        if sorted(p["spec"].get("nodeName", "") for p in pods) != nodes:
            yield f"DaemonSet {full_name(owner)}: its pods are on {[p['spec'].get('nodeName') for p in pods]}"


def jobs_are_over(snapshot: Snapshot) -> Iterator[str]:
    for job in snapshot["jobs"]:
        status = job["status"]
        ended = {c["type"] for c in status.get("conditions", ()) if c["status"] == "True"} & {"Complete", "Failed"}
        if len(ended) != 1 or status.get("active") or any((status.get("uncountedTerminatedPods") or {}).values()):
            yield f"Job {full_name(job)} is not over: {status}"
        elif ended == {"Complete"} and status.get("succeeded") != job["spec"]["completions"]:
            yield f"Job {full_name(job)} is complete with {status.get('succeeded')} of {job['spec']['completions']}"
        if any(not is_over(p) for p in owned(snapshot, "pods", job)):
            yield f"Job {full_name(job)} is over and has pods that are not"
    for cron in snapshot["cronjobs"]:
        if cron["status"].get("active"):
            yield f"CronJob {full_name(cron)} lists active Jobs: {cron['status']['active']}"


def nobody_is_orphaned_or_stuck(snapshot: Snapshot) -> Iterator[str]:
    uids = {o["metadata"]["uid"] for objects in snapshot.values() for o in objects}
    namespaces = {n["metadata"]["name"] for n in snapshot["namespaces"]}
    for resource, objects in snapshot.items():
        for obj in objects:
            meta = obj["metadata"]
            if gone := [r["name"] for r in meta.get("ownerReferences", ()) if r["uid"] not in uids]:
                yield f"{resource} {full_name(obj)}: its owner {gone} is gone"
            if "deletionTimestamp" in meta:
                yield f"{resource} {full_name(obj)}: still Terminating, finalizers {meta.get('finalizers')}"
            if meta.get("namespace") and meta["namespace"] not in namespaces:
                yield f"{resource} {full_name(obj)}: its namespace is gone"


def pods_are_one_of_a_kind(snapshot: Snapshot) -> Iterator[str]:
    nodes = {n["metadata"]["name"] for n in snapshot["nodes"]}
    here = [p for p in snapshot["pods"] if not is_over(p) and not p["spec"].get("hostNetwork")]
    for what, found in (
        ("address", Counter(p["status"]["podIP"] for p in here if "podIP" in p["status"])),
        ("uid", Counter(p["metadata"]["uid"] for p in snapshot["pods"])),
        ("name", Counter(map(full_name, snapshot["pods"]))),
    ):
        yield from (f"{count} pods have the {what} {value}" for value, count in found.items() if count > 1)
    for pod in here:
        if pod["spec"].get("nodeName") not in nodes | {None}:
            yield f"pod {full_name(pod)} is on a node that is not there"
        if pod["status"].get("phase") == "Running" and "podIP" not in pod["status"]:
            yield f"pod {full_name(pod)} runs without an address"


def services_reach_their_ready_pods(snapshot: Snapshot) -> Iterator[str]:
    for plural, field in (("services", "clusterIP"), ("services", "nodePort")):
        values = [s["spec"].get(field) for s in snapshot[plural]] + [p.get(field) for s in snapshot[plural] for p in s["spec"]["ports"]]
        yield from (f"{n} Services have the {field} {v}" for v, n in Counter(values).items() if n > 1 and v not in (None, "None"))
    endpoints = {full_name(e): e for e in snapshot["endpoints"]}
    slices: dict[str, list[dict]] = defaultdict(list)
    for found in snapshot["endpointslices"]:
        slices[f"{found['metadata']['namespace']}/{found['metadata']['labels'].get('kubernetes.io/service-name')}"].append(found)
    for service in snapshot["services"]:
        name, spec = full_name(service), service["spec"]
        if not spec.get("selector"):
            continue
        mine = selected(snapshot, service["metadata"]["namespace"], spec["selector"])
        pods = [p for p in mine if not is_over(p) and "podIP" in p["status"]]
        ready = sorted(p["status"]["podIP"] for p in pods if is_ready(p) or spec.get("publishNotReadyAddresses"))
        subsets = endpoints[name].get("subsets") or [] if name in endpoints else []
        listed = sorted(a["ip"] for subset in subsets for a in subset.get("addresses", ()))
        reached = sorted(a for s in slices[name] for e in s["endpoints"] or () if e["conditions"]["ready"] for a in e["addresses"])
        everyone = sorted(a for s in slices[name] for e in s["endpoints"] or () for a in e["addresses"])
        if not ready == listed == reached or everyone != sorted(p["status"]["podIP"] for p in pods):
            yield f"Service {name}: ready pods {ready}, Endpoints {listed}, EndpointSlices {reached} of {everyone}"
    names = {full_name(s) for s in snapshot["services"]}
    yield from (f"{kind} of {name} have no Service" for kind, made in (("Endpoints", endpoints), ("EndpointSlices", slices))
                for name in made if made[name] and name not in names)


def quotas_are_exact(snapshot: Snapshot) -> Iterator[str]:
    for obj in snapshot["resourcequotas"]:
        hard, namespace = obj["spec"]["hard"], obj["metadata"]["namespace"]
        used = dict.fromkeys(hard, 0)
        for resource in quota.resources_of(obj):
            for one in snapshot[resource.partition(".")[0]]:
                if one["metadata"]["namespace"] == namespace and quota.selects(obj, resource, one):
                    for name, amount in quota.usage(resource, one).items():
                        if name in used:
                            used[name] += amount
        seen = {name: parse(amount) for name, amount in obj["status"].get("used", {}).items()}
        if seen != used:
            yield f"quota of {namespace}: says {seen}, used are {used}"


def claims_and_volumes_are_pairs(snapshot: Snapshot) -> Iterator[str]:
    claims = {c["metadata"]["uid"]: c for c in snapshot["persistentvolumeclaims"]}
    volumes = {v["metadata"]["name"]: v for v in snapshot["persistentvolumes"]}
    for claim in claims.values():
        volume = volumes.get(claim["spec"].get("volumeName"))
        if claim["status"]["phase"] == "Bound" and (volume is None or volume["spec"]["claimRef"]["uid"] != claim["metadata"]["uid"]):
            yield f"claim {full_name(claim)} is bound to {claim['spec'].get('volumeName')}, which is not bound to it"
    for name, volume in volumes.items():
        claim = claims.get((volume["spec"].get("claimRef") or {}).get("uid"))
        if volume["status"]["phase"] != "Bound" or claim is None or claim["spec"].get("volumeName") != name:
            yield f"volume {name} is {volume['status']['phase']} and has no claim"


def budgets_know_their_pods(snapshot: Snapshot) -> Iterator[str]:
    for budget in snapshot["poddisruptionbudgets"]:
        pods = selected(snapshot, budget["metadata"]["namespace"], budget["spec"]["selector"]["matchLabels"])
        healthy = sum(is_ready(p) for p in pods if not is_over(p))
        if budget["status"].get("currentHealthy") != healthy and budget["status"]["conditions"][0]["reason"] != "SyncFailed":
            yield f"budget {full_name(budget)}: {budget['status'].get('currentHealthy')} healthy, there are {healthy}"


def namespaces_have_what_they_need(snapshot: Snapshot) -> Iterator[str]:
    for resource, name in (("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")):
        there = {o["metadata"]["namespace"] for o in snapshot[resource] if o["metadata"]["name"] == name}
        missing = {n["metadata"]["name"] for n in snapshot["namespaces"]} - there
        yield from (f"namespace {namespace} has no {resource} {name}" for namespace in missing)


def nodes_are_ready(snapshot: Snapshot) -> Iterator[str]:
    for node in snapshot["nodes"]:
        taints = [t["key"] for t in node["spec"].get("taints", ()) if t["key"] != "node-role.kubernetes.io/control-plane"]
        if not is_ready(node) or taints:
            yield f"node {node['metadata']['name']} is not ready: {taints}"


INVARIANTS: list[Callable[[Snapshot], Iterator[str]]] = [
    replica_sets_have_their_pods, deployments_are_rolled_out, stateful_sets_have_their_pods, daemon_sets_are_everywhere, jobs_are_over,
    nobody_is_orphaned_or_stuck, pods_are_one_of_a_kind, services_reach_their_ready_pods, quotas_are_exact, claims_and_volumes_are_pairs,
    budgets_know_their_pods, namespaces_have_what_they_need, nodes_are_ready,
]


def broken(snapshot: Snapshot) -> list[str]:
    return [f"{invariant.__name__}: {wrong}" for invariant in INVARIANTS for wrong in invariant(snapshot)]

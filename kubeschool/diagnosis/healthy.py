"""One line for an object that nothing is wrong with, or that is on its way."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.explanation import Finding


def in_a_word(evidence: Evidence) -> Finding:
    says = SAYS.get(evidence.kind, _anything)
    state, text = says(evidence)
    return Finding(evidence.ref, state, text)


def _pod(pod: Evidence) -> tuple[str, str]:
    phase = pod.status.get("phase", "Pending")
    if phase == "Succeeded":
        return "good", "it has done its work and ended without an error"
    if pod.ready:
        restarts = sum(container.status.get("restartCount", 0) for container in pod.containers)
        more = f"; its containers were started again {restarts} times" if restarts > 1 else "; a container was started again once"
        return "good", f"healthy: it runs on {pod.words['node']} and is ready" + (more if restarts else "")
    return "waiting", f"its phase is {phase}; nothing in its status or events says that anything is wrong"


def _replicas(workload: Evidence) -> tuple[str, str]:
    status = workload.status
    wanted = status.get("desiredNumberScheduled", workload.spec.get("replicas", 1))
    ready = status.get("numberReady", status.get("readyReplicas", 0))
    updated = status.get("updatedNumberScheduled", status.get("updatedReplicas", ready))
    if workload.kind in ("Deployment", "StatefulSet", "DaemonSet") and updated < wanted:
        return "waiting", f"its rollout is under way: {updated} of {wanted} Pods are of the new template, {ready} are ready"
    if ready < wanted:
        return "waiting", f"{ready} of {wanted} Pods are ready; nothing says that anything is wrong"
    return "good", f"healthy: {ready} of {wanted} Pods are ready" if wanted else "healthy: it asks for no Pods (replicas: 0)"


def _job(job: Evidence) -> tuple[str, str]:
    done, wanted = job.status.get("succeeded", 0), job.spec.get("completions") or 1
    if job.conditions.get("Complete", {}).get("status") == "True":
        return "good", f"healthy: complete, {done} of {wanted} Pods succeeded"
    return "waiting", f"at work: {done} of {wanted} Pods have succeeded, {job.status.get('active', 0)} run"


def _service(service: Evidence) -> tuple[str, str]:
    if service.spec.get("type") == "ExternalName":
        return "good", f"healthy: another name for {service.spec.get('externalName')}"
    if not service.spec.get("selector"):
        return "good", "it has no selector: where it sends is written by hand, in its EndpointSlices"
    return "good", f"healthy: it sends to {len(service.serving_pods)} ready Pods"


def _claim(claim: Evidence) -> tuple[str, str]:
    if claim.status.get("phase") == "Bound":
        return "good", f"healthy: bound to the volume {claim.spec.get('volumeName')}"
    return "waiting", f"its phase is {claim.status.get('phase', 'Pending')}; nothing says that anything is wrong"


def _node(node: Evidence) -> tuple[str, str]:
    return ("good", "healthy: Ready, and open to new Pods") if node.ready else ("waiting", "it has not reported yet")


def _anything(evidence: Evidence) -> tuple[str, str]:
    phase = evidence.status.get("phase")
    return "good", f"it is there{f', {phase}' if phase else ''}; nothing says that anything is wrong"


SAYS = {
    "Pod": _pod,
    "Deployment": _replicas,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "StatefulSet": _replicas,
    "DaemonSet": _replicas,
    "Job": _job,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "Node": _node,
}

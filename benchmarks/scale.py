"""How the practice cluster grows, and 40 nginx pods side by side with a real cluster.

    python benchmarks/scale.py [--kind KUBECONFIG] [PODS …]           (default 500 1000 2000 5000)

Three tables: pods through a Deployment to Running on 100 nodes, a new cluster for each number; 500 nginx containers on 5 nodes, at rest
for ten seconds; 40 nginx pods on two nodes, here and, with --kind, on the cluster of KUBECONFIG in the same run.
Targets: time, memory and API writes a pod stay the same as pods grow; 500 containers under 300 MB and 5 % of a core.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from kubernetes import client, config

IMAGE = "nginx:1.27"
NAMESPACE = "scale-benchmark"
REST_SECONDS = 10
SECONDS = 900


class Cluster:
    """A cluster, over a kubeconfig."""

    def __init__(self, kubeconfig: Path):
        api = config.new_client_from_config(str(kubeconfig))
        self.core, self.apps = client.CoreV1Api(api), client.AppsV1Api(api)

    def deploy(self, replicas: int) -> float:
        """Seconds from creating the Deployment until all its pods are ready."""
        self.core.create_namespace({"metadata": {"name": NAMESPACE}})
        until(lambda: self.core.list_namespaced_service_account(NAMESPACE).items)
        labels = {"app": "web"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": IMAGE}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, "progressDeadlineSeconds": SECONDS}
        began = time.monotonic()
        self.apps.create_namespaced_deployment(NAMESPACE, {"metadata": {"name": "web"}, "spec": spec})
        until(lambda: self.apps.read_namespaced_deployment_status("web", NAMESPACE).status.ready_replicas == replicas)
        return time.monotonic() - began

    def clean_up(self) -> None:
        self.core.delete_namespace(NAMESPACE)
        until(lambda: NAMESPACE not in [n.metadata.name for n in self.core.list_namespace().items])

    def at_rest(self, nodes: int) -> bool:
        """Whether kindnet and kube-proxy run on every node, and all else of kube-system."""
        pods = self.core.list_namespaced_pod("kube-system").items
        return len(pods) > 2 * nodes and all(map(is_ready, pods))

    def revision(self) -> int:
        """On practice every write is one revision more."""
        return int(self.core.list_node(limit=1).metadata.resource_version)


@contextmanager
def practice(nodes: int) -> Iterator[tuple[Cluster, psutil.Process]]:
    """A practice cluster of its own with so many workers, all of them ready."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        words = [sys.executable, "-m", "kubeschool.practice", "--dir", folder, "--nodes", str(nodes + 1)]
        with open(os.path.join(folder, "log"), "w") as log:
            server = subprocess.Popen(words, stderr=log)
        try:
            until((Path(folder) / "kubeconfig").exists)
            cluster = Cluster(Path(folder) / "kubeconfig")
            until(lambda: sum(map(is_ready, cluster.core.list_node().items)) == nodes + 1)
            until(lambda: cluster.at_rest(nodes + 1))
            yield cluster, psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait()


def is_ready(obj) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in obj.status.conditions or ())


def until(holds) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the cluster did not settle in time")
        time.sleep(0.1)


def grow(numbers: list[int]) -> None:
    """CPU is what the process used: on a busy machine the seconds say more of the others than of it."""
    print(f"100 nodes{'pods':>8}{'seconds':>10}{'ms a pod':>10}{'CPU ms a pod':>14}{'MB':>8}{'kB a pod':>10}{'writes a pod':>14}")
    for pods in numbers:
        with practice(100) as (cluster, process):
            revision, empty, used = cluster.revision(), process.memory_info().rss, sum(process.cpu_times()[:2])
            seconds = cluster.deploy(pods)
            writes, memory = cluster.revision() - revision, process.memory_info().rss
            cpu = sum(process.cpu_times()[:2]) - used
            each = f"{seconds / pods * 1e3:10.1f}{cpu / pods * 1e3:14.1f}{memory / 1e6:8.0f}{(memory - empty) / pods / 1e3:10.0f}"
            print(f"{pods:17}{seconds:10.1f}{each}{writes / pods:14.1f}", flush=True)


def containers(pods: int = 500) -> None:
    with practice(5) as (cluster, process):
        cluster.deploy(pods)
        time.sleep(REST_SECONDS)
        process.cpu_percent()
        time.sleep(REST_SECONDS)
        busy = process.cpu_percent()
        print(f"\n{pods} nginx containers at rest: {process.memory_info().rss / 1e6:.0f} MB, {busy:.1f} % of a core", flush=True)


def side_by_side(kind: Path | None, pods: int = 40) -> None:
    with practice(2) as (cluster, _):
        ours = cluster.deploy(pods)
    print(f"\n{pods} nginx pods on two nodes: practice {ours:.1f} s", end="", flush=True)
    if kind:
        theirs = Cluster(kind)
        try:
            print(f", kind {theirs.deploy(pods):.1f} s", end="")
        finally:
            theirs.clean_up()
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", type=Path, metavar="KUBECONFIG", help="of a kind cluster with two workers")
    parser.add_argument("pods", type=int, nargs="*", default=[500, 1000, 2000, 5000])
    arguments = parser.parse_args()
    grow(arguments.pods)
    containers()
    side_by_side(arguments.kind)


main()

"""The practice API server and the kube-apiserver of a kind cluster, measured in one run with the same client.

    python benchmarks/api.py --kind KUBECONFIG [PODS …]           (default 1000 5000)

Pods that no node fits, so that only the API, its store and the scheduler work. Target: practice at least as fast on every
line, and its process under 400 MB at 5,000 pods. A line is the median of its repeats.
"""
import argparse
import base64
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import urllib3
import yaml

NAMESPACE = "benchmark"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
CLIENTS = 8


class Api:
    """One API server, over its kubeconfig's client certificate."""

    def __init__(self, kubeconfig: Path, folder: Path):
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]

        def pem(name: str, data: str) -> str:
            path = folder / name
            path.write_bytes(base64.b64decode(data))
            return str(path)

        address = urllib3.util.parse_url(cluster["server"])
        self._pool = urllib3.HTTPSConnectionPool(
            address.host, address.port, maxsize=CLIENTS, block=True,
            ca_certs=pem("ca", cluster["certificate-authority-data"]),
            cert_file=pem("cert", user["client-certificate-data"]),
            key_file=pem("key", user["client-key-data"]),
        )

    def __call__(self, method: str, path: str, body=None, content="application/json", accept="application/json") -> bytes:
        data = json.dumps(body) if body is not None else None
        answer = self._pool.request(method, path, body=data, headers={"Content-Type": content, "Accept": accept})
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.data[:300]!r}")
        return answer.data

    def watch_lag(self, version: str, changes: int) -> float:
        """Median seconds from sending a patch to its event on a watch."""
        sent: dict[str, float] = {}
        lags: list[float] = []
        watch = self._pool.request("GET", f"{PODS}?watch=true&resourceVersion={version}", preload_content=False)

        def read() -> None:
            for line in watch:
                mark = json.loads(line)["object"]["metadata"].get("annotations", {}).get("lag")
                if mark in sent and len(lags) < changes:
                    lags.append(time.perf_counter() - sent.pop(mark))
                if len(lags) == changes:
                    return

        reader = threading.Thread(target=read)
        reader.start()
        for n in range(changes):
            sent[str(n)] = time.perf_counter()
            self("PATCH", f"{PODS}/p00000", {"metadata": {"annotations": {"lag": str(n)}}}, "application/merge-patch+json")
        reader.join(30)
        watch.release_conn()
        return statistics.median(lags)


def pod(n: int) -> dict:
    container = {"name": "web", "image": "nginx:1.27", "env": [{"name": "A", "value": "b"}], "ports": [{"containerPort": 80}]}
    spec = {"nodeSelector": {"benchmark": "no-such-node"}, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{n:05}", "labels": {"app": f"a{n % 10}"}}, "spec": spec}


def measured(api: Api, pods: int) -> dict[str, float]:
    """Milliseconds by line."""
    api("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    try:
        return measure(api, pods)
    finally:
        api("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
        until(lambda: NAMESPACE not in [n["metadata"]["name"] for n in json.loads(api("GET", "/api/v1/namespaces"))["items"]])


def measure(api: Api, pods: int) -> dict[str, float]:
    until(lambda: may_create(api))
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda n: api("POST", PODS, pod(n)), range(pods)))
    lines = {f"create, {CLIENTS} clients": (time.perf_counter() - began) / pods * 1000}
    until(lambda: all("conditions" in each["status"] for each in json.loads(api("GET", PODS))["items"]))  # the scheduler gave each its no

    def line(name: str, repeats: int, call) -> None:
        took = []
        for n in range(repeats):
            began = time.perf_counter()
            call(n)
            took.append(time.perf_counter() - began)
        lines[name] = statistics.median(took) * 1000

    line("get", 300, lambda n: api("GET", f"{PODS}/p{n % pods:05}"))
    line("list JSON", 7, lambda n: api("GET", PODS))
    line("list Table", 7, lambda n: api("GET", PODS, accept=TABLE))
    line("list by selector", 7, lambda n: api("GET", f"{PODS}?labelSelector=app%3Da1"))
    patch = "application/merge-patch+json"
    line("merge patch", 300, lambda n: api("PATCH", f"{PODS}/p{n % pods:05}", {"metadata": {"annotations": {"n": str(n)}}}, patch))
    version = json.loads(api("GET", f"{PODS}?limit=1"))["metadata"]["resourceVersion"]
    lines["watch lag"] = api.watch_lag(version, 50) * 1000
    return lines


def may_create(api: Api) -> bool:
    """Whether the new namespace has the service account, and on an old server its token, that pods need."""
    try:
        return bool(api("POST", f"{PODS}?dryRun=All", pod(0)))
    except SystemExit:
        return False


def until(holds, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the cluster did not settle in time")
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", type=Path, required=True, metavar="KUBECONFIG")
    parser.add_argument("pods", type=int, nargs="*", default=[1000, 5000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        server = subprocess.Popen(
            [sys.executable, "-m", "kubeschool.practice", "--dir", str(home / "practice")], stderr=(home / "log").open("w")
        )
        try:
            until((home / "practice" / "kubeconfig").exists)
            for name in ("a", "b"):
                (home / name).mkdir()
            practice, kind = Api(home / "practice" / "kubeconfig", home / "a"), Api(arguments.kind, home / "b")
            for pods in arguments.pods:
                ours, theirs = measured(practice, pods), measured(kind, pods)
                print(f"{pods} pods{'':12}{'practice':>12}{'kube-apiserver':>18}")
                for name, value in ours.items():
                    verdict = "" if value <= theirs[name] else "   slower"
                    print(f"{name:20}{value:9.2f} ms{theirs[name]:15.2f} ms{verdict}")
                print(f"{'memory':20}{psutil.Process(server.pid).memory_info().rss / 1e6:9.0f} MB", flush=True)
        finally:
            server.terminate()
            server.wait()


main()

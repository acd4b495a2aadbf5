"""From connect() in a cold kernel to a Running nginx Pod, and what the idle process holds.

    python benchmarks/start.py [RUNS]

Targets: under 2 s, under 80 MB. Each run starts a new cluster in a new folder and a new Python process as the kernel.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KERNEL = """
import time
began = time.monotonic()
import kubeschool
cluster = kubeschool.connect()
connected = time.monotonic()
from kubernetes import client
container = client.V1Container(name="nginx", image="nginx:1.27")
pod = client.V1Pod(metadata=client.V1ObjectMeta(name="web"), spec=client.V1PodSpec(containers=[container]))
client.CoreV1Api().create_namespaced_pod("default", pod)
cluster.wait("pod/web", "Ready")
print("RESULT", connected - began, time.monotonic() - began)
"""


def run() -> tuple[float, float, float]:
    """(seconds to connected, seconds to Ready, MB of the idle practice process)."""
    import psutil

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "KUBESCHOOL_HOME": folder, "KUBESCHOOL_CLUSTER": "practice"}
        said = subprocess.run([sys.executable, "-c", KERNEL], env=environment, capture_output=True, text=True)
        if said.returncode:
            raise SystemExit(said.stdout + said.stderr)
        _, connected, ready = next(line for line in said.stdout.splitlines() if line.startswith("RESULT")).split()
        process = psutil.Process(int(next(Path(folder).rglob("pid")).read_text()))
        time.sleep(2)
        megabytes = process.memory_info().rss / 1e6
        process.terminate()
        process.wait(10)
    return float(connected), float(ready), megabytes


def main() -> None:
    runs = [run() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3)]
    for name, unit, values in zip(("connected", "nginx Ready", "idle process"), ("s", "s", "MB"), zip(*runs, strict=True), strict=True):
        print(f"{name:14} median {statistics.median(values):6.2f} {unit}   worst {max(values):6.2f} {unit}")


main()

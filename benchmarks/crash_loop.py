"""Time-lapse: a container that crashes at once, on a practice cluster, until it has waited 5 minutes for its restart.

    python benchmarks/crash_loop.py [SPEED]

Target: at speed 20 the whole sequence (10 s, 20 s, … 5 min: 610 s of cluster time) takes about 30 s, in upstream's words.
"""

import re
import sys
import tempfile
import time
from pathlib import Path

from kubernetes import client, config, watch

from kubeschool.clusters.practice import Practice


def main() -> None:
    speed = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        cluster = Practice(Path(folder))
        cluster.launch(nodes=1, speed=speed)
        try:
            with config.new_client_from_config_dict(cluster.kubeconfig()) as api:
                watch_crashes(client.CoreV1Api(api))
        finally:
            cluster.stop()


def watch_crashes(core: client.CoreV1Api) -> None:
    container = {"name": "app", "image": "busybox:1.36", "command": ["false"]}
    core.create_namespaced_pod("default", {"metadata": {"name": "crash"}, "spec": {"containers": [container]}})
    began, said, longest = None, "", False
    for event in watch.Watch().stream(core.list_namespaced_pod, "default", field_selector="metadata.name=crash"):
        for status in event["object"].status.container_statuses or ():
            if waiting := status.state.waiting:
                if waiting.message and waiting.message != said and waiting.reason == "CrashLoopBackOff":
                    began, said = began or time.monotonic(), waiting.message
                    longest = "back-off 5m0s" in said
                    words = re.sub("[(].*", "(UID)", said)
                    print(f"{time.monotonic() - began:6.1f} s  restarts {status.restart_count}  {words}", flush=True)
            elif longest:
                print(f"{time.monotonic() - began:6.1f} s  restarts {status.restart_count}  started again")
                return


main()

"""A session on minikube and kind, from nothing to nothing: stand-ins for their command lines, on top of a practice cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REAL

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit"))
import stand_in_command_lines as stand_ins  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt" or REAL is not None, reason="the stand-ins are scripts, and stand on practice")
NOTEBOOK = """
import kubeschool
cluster = kubeschool.connect(namespace="session")
cluster.api.request("POST", "/api/v1/namespaces/session/pods",
    {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}})
cluster.wait("pod/web", "Ready")
print(cluster.name, cluster.can("components"))
cluster.clean_up()
"""


@pytest.mark.parametrize("name", ["minikube", "kind"])
def test_a_session(kubeconfig, tmp_path, name):
    stand_ins.install(tmp_path, "kind", "docker", "minikube")
    (tmp_path / "behind.json").write_text(json.dumps(yaml.safe_load(kubeconfig.read_text())))
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]),
        "STAND_INS": str(tmp_path),
        "STAND_IN_KUBECONFIG": str(tmp_path / "behind.json"),
        "KUBESCHOOL_HOME": str(tmp_path / "home"),
        "KUBESCHOOL_CLUSTER": name,
        "KUBECONFIG": str(tmp_path / "mine"),
    }

    def python(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    up = python("-m", "kubeschool.clusters", "up")
    assert up.startswith(f"{name} · Kubernetes v1.") and f"home/{name}/kubeconfig" in up
    terminal = {**env, "KUBECONFIG": up.splitlines()[-1]}
    assert "practice-worker" in subprocess.check_output(["kubectl", "get", "nodes"], text=True, env=terminal)
    told = python("-c", NOTEBOOK)
    assert "pod/web is Ready" in told and f"{name} no: " in told and "removed: namespace session" in told
    assert python("-m", "kubeschool.clusters", "down") == "stopped; every object is kept\n"
    assert python("-m", "kubeschool.clusters", "delete") == "deleted\n"
    assert not (tmp_path / "mine").exists() and not Path(up.splitlines()[-1]).exists()

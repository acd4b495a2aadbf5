"""The wire lane: the real kubectl and the official Python client against one practice cluster.

What is expected here was taken from a real cluster: with KUBESCHOOL_WIRE_KUBECONFIG naming one, the same tests run on it (texts that
changed since its version are skipped with that reason).
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config, watch

from kubeschool.clusters.practice import Practice

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl"
SECONDS = 60
REAL = os.environ.get("KUBESCHOOL_WIRE_KUBECONFIG")
MASKS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "<uid>"),
    (r"(containerd://|sha256:)[0-9a-f]{64}", r"\1<id>"),
    (r"\b(10|172)\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"kube-api-access-\w{5}", "kube-api-access-<hash>"),
    (r"in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.", "in <age>"),
    (r"pod-template-hash=[bcdf0-9]{6,10}\b", "pod-template-hash=<hash>"),
    (r"-[bcdf0-9]{6,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b", r"-<hash>"),
    (r"(judge|practice|kind)-(control-plane|worker\d*)", "<node>"),
    (r"\b(\d+[dhms]){1,2}( \(x\d+ over (\d+[dhms])+\))?(?=\s|$)", "<age>"),
    (r"[ \t]+", " "),
    (r"^ | $", ""),
]


def masked(text: str) -> str:
    """Without what differs from run to run: ages, addresses, hashes, times, node names, the width of columns and indentation."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip()


said = masked
"""An expected text as it stands in a test: with what is masked filled in anyhow, columns as wide as you like."""


class Kubectl:
    """Runs kubectl in one namespace; commands are written as in a terminal."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path):
        self.namespace, self.folder = namespace, folder
        config = yaml.safe_load(kubeconfig.read_text())
        for context in config["contexts"]:
            context["context"]["namespace"] = namespace
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))
        self.environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(kubeconfig.parent / "cache")}

    def run(self, words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [KUBECTL, *shlex.split(words)],
            input=textwrap.dedent(stdin),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=self.folder,
            env={**self.environment, **environment},
        )

    def __call__(self, words: str, stdin: str = "", **environment: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(words, stdin, **environment)
        assert done.returncode == 0, f"kubectl {words}: {done.stderr or done.stdout}"
        return done.stdout

    def fails(self, words: str, stdin: str = "", code: int = 1, **environment: str) -> str:
        """What it complains of; it must fail with this exit code."""
        done = self.run(words, stdin, **environment)
        assert done.returncode == code, f"kubectl {words} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stderr.strip()

    @contextmanager
    def start(self, words: str) -> Iterator[subprocess.Popen]:
        """A command that goes on until the block ends."""
        process = subprocess.Popen(
            [KUBECTL, *shlex.split(words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self.environment,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def file(self, name: str, text: str) -> str:
        """Writes a file into the folder kubectl runs in."""
        (self.folder / name).write_text(textwrap.dedent(text))
        return name


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory) -> Iterator[Path]:
    if REAL:
        yield Path(REAL)
        return
    cluster = Practice(tmp_path_factory.mktemp("practice"))
    cluster.launch(nodes=3, speed=20)
    try:
        cluster.kubeconfig()
        yield cluster.kubeconfig_file
    finally:
        cluster.stop()


@pytest.fixture(scope="session", autouse=True)
def ready(kubeconfig, tmp_path_factory) -> None:
    kubectl = Kubectl(kubeconfig, "default", tmp_path_factory.mktemp("ready"))
    kubectl(f"wait --for=condition=Ready nodes --all --timeout={SECONDS}s")


@pytest.fixture(scope="session")
def core(kubeconfig) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(str(kubeconfig)) as api:
        yield client.CoreV1Api(api)


@pytest.fixture
def kubectl(kubeconfig, core, tmp_path, request) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own."""
    name = f"{request.module.__name__}-{request.node.name}".replace("test_", "").replace("_", "-")
    if REAL:
        name += f"-{os.getpid()}"
    core.create_namespace({"metadata": {"name": name}})
    for event in watch.Watch().stream(core.list_namespaced_service_account, name, timeout_seconds=30):
        if event["object"].metadata.name == "default":
            break
    yield Kubectl(kubeconfig, name, tmp_path)
    core.delete_namespace(name)


@pytest.fixture(scope="session")
def minor(kubeconfig, tmp_path_factory) -> int:
    """The cluster's version: 37 is the course's."""
    kubectl = Kubectl(kubeconfig, "default", tmp_path_factory.mktemp("version"))
    return int(yaml.safe_load(kubectl("version -o yaml"))["serverVersion"]["minor"].rstrip("+"))


@pytest.fixture
def current(minor) -> None:
    """For texts that an old real cluster says otherwise."""
    if minor < 37:
        pytest.skip(f"Kubernetes 1.{minor} says it otherwise")


@pytest.fixture
def until():
    """until(condition): waits until it is true, for SECONDS at most."""

    def wait(condition) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.2)

    return wait

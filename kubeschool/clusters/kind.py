"""A real cluster in Docker or Podman: the course's own, named `kubeschool`, driven through kind's command line.

kind writes to `~/.kube/config` unless told otherwise; it is always told otherwise here. Other kind clusters are never looked at.
"""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import yaml

from kubeschool import paths
from kubeschool.clusters import guard
from kubeschool.clusters.command_line import answers, output, pull_images, wait_for_api, watch
from kubeschool.errors import CourseError

CLUSTER = "kubeschool"
NODES = 3
PORTS = (30080, 30443)
"""NodePorts of the cluster that are 127.0.0.1's as well, where they are free when it is made."""
VERSION = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "podman": ("podman", "info", "--format", "{{.Version.Version}}"),
}
"""What asks a container engine for its version, and fails when it does not run."""


class Kind:
    """`kind`. Made when it is not there, kept until `course.py cluster delete --cluster kind`. KUBESCHOOL_KIND_IMAGE names the node image,
    and KIND_EXPERIMENTAL_PROVIDER (kind's own variable) the container engine."""

    name = "kind"
    about = "a real cluster in Docker"
    abilities: dict[str, str] = {}
    speed = 1.0

    def __init__(self):
        self.kubeconfig_file = paths.home() / "kind" / "kubeconfig"
        self._half_made = self.kubeconfig_file.with_name("half-made")
        """There while kind creates the cluster: found later, it means that was cut short."""
        self._contents: dict | None = None
        self._starting = False

    def launch(self) -> None:
        engine = self._look()
        if self._exists() and self._half_made.exists():
            print("a kind cluster whose making was cut short is removed first")
            self.delete()
        if not self._exists():
            self._create(engine)
        elif stopped := self._nodes(running=False):
            output(engine, "start", *stopped)
            self._starting = True

    def kubeconfig(self) -> dict:
        self._contents = yaml.safe_load(_kind("get", "kubeconfig", "--name", CLUSTER))
        guard.check(self._contents, f"kind-{CLUSTER}", None)
        paths.write(self.kubeconfig_file, yaml.safe_dump(self._contents))
        if self._starting:
            wait_for_api(self.kubeconfig_file, "the kind cluster starts again", "course.py cluster delete --cluster kind removes it")
            self._starting = False
        return self._contents

    def trouble(self) -> str | None:
        return None if answers(self._contents) else "the kind cluster does not answer (is Docker running?)"

    def revive(self) -> None:
        self.launch()
        self.kubeconfig()

    def status(self) -> tuple[bool, str]:
        """Whether it runs, and a sentence. Raises CourseError without kind or a container engine that answers."""
        self._look()
        if not self._exists():
            return False, "there is no kind cluster of the course; course.py cluster up --cluster kind makes it"
        stopped, nodes = self._nodes(running=False), self._nodes()
        if stopped:
            return False, f"stopped: {', '.join(stopped)}; course.py cluster up --cluster kind starts them"
        return True, f"running: {', '.join(nodes)}; {self.about}"

    def stop(self) -> bool:
        """Stop its nodes; every object is kept. False when none ran."""
        engine = self._look()
        running = self._nodes(running=True)
        if running:
            output(engine, "stop", *running)
        return bool(running)

    def delete(self) -> bool:
        """Remove it, objects and all. False when it was not there."""
        there = self._exists()
        _kind("delete", "cluster", "--name", CLUSTER, "--kubeconfig", str(self.kubeconfig_file))
        self.kubeconfig_file.unlink(missing_ok=True)
        self._half_made.unlink(missing_ok=True)
        return there

    def _look(self) -> str:
        """The name of the container engine, when all that is needed answers. Raises CourseError with what to do next."""
        otherwise = "; the practice cluster needs none of it: leave --cluster and KUBESCHOOL_CLUSTER away"
        if not shutil.which("kind"):
            raise CourseError(f"kind is not installed (https://kind.sigs.k8s.io){otherwise}")
        engine = _engine()
        if not shutil.which(engine):
            raise CourseError(f"kind needs Docker (https://docs.docker.com/get-docker) or Podman, and neither is installed{otherwise}")
        try:
            version = output(*VERSION.get(engine, (engine, "version"))).strip()
        except CourseError as error:
            raise CourseError(f"{engine.title()} is installed and does not answer: start it, then run this again.\n{error}") from None
        self.about = f"a real cluster in {engine.title()} {version}, made with kind {_kind('version', '-q').strip()}"
        return engine

    def _exists(self) -> bool:
        return CLUSTER in _kind("get", "clusters").split()

    def _nodes(self, running: bool | None = None) -> list[str]:
        """Its nodes' names, all or those that run (or do not)."""
        names = sorted(_kind("get", "nodes", "--name", CLUSTER).split()) if self._exists() else []
        if running is None or not names:
            return names
        states = output(_engine(), "inspect", "--format", "{{.State.Running}}", *names).split()
        return [name for name, state in zip(names, states, strict=True) if (state == "true") is running]

    def _create(self, engine: str) -> None:
        image = os.environ.get("KUBESCHOOL_KIND_IMAGE")
        paths.write(self._half_made, "")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "kind.yaml")
            file.write_text(yaml.safe_dump(configuration()))
            words = ["kind", "create", "cluster", "--name", CLUSTER, "--config", file, "--kubeconfig", self.kubeconfig_file]
            try:
                watch(words + (["--image", image] if image else []), f"kind creates {NODES} nodes; the first time takes minutes")
            except CourseError as error:
                self._look()  # what has stopped since says so itself
                raise CourseError(f"kind could not create the cluster (KUBESCHOOL_KIND_IMAGE names another node image):\n{error}") from None
            except BaseException:  # interrupted: kind leaves a half-made cluster
                self.delete()
                raise
        self._half_made.unlink()
        workers = [node for node in self._nodes() if "control-plane" not in node]
        pull_images(lambda image: [[engine, "exec", node, "crictl", "pull", image] for node in workers])


def configuration() -> dict:
    """kind's configuration (kind.x-k8s.io/v1alpha4): a control plane that carries PORTS, and workers."""
    mappings = [{"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1"} for port in PORTS if _is_free(port)]
    nodes = [{"role": "control-plane", "extraPortMappings": mappings}, *({"role": "worker"} for _ in range(NODES - 1))]
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}


def _engine() -> str:
    return os.environ.get("KIND_EXPERIMENTAL_PROVIDER") or next(filter(shutil.which, VERSION), "docker")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _kind(*words: str) -> str:
    return output("kind", *words)

"""kind and minikube, made, joined, stopped and deleted through their command lines; stand-ins for those are on PATH."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import stand_in_command_lines as stand_ins
import yaml

from kubeschool import paths
from kubeschool.clusters import command_line, guard, provider
from kubeschool.clusters import kind as kind_file
from kubeschool.errors import CourseError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts")
HERE = Path(__file__).parent


class Machine:
    """What is on PATH, and the state behind it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __getitem__(self, key):
        return json.loads((self.folder / "state.json").read_text())[key]

    def __setitem__(self, key, value):
        state = json.loads((self.folder / "state.json").read_text())
        (self.folder / "state.json").write_text(json.dumps(state | {key: value}))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def remove(self, name):
        (self.folder / "bin" / name).unlink()

    def did(self, *words) -> int:
        """How often a command that begins so was run."""
        return sum(call[: len(words)] == list(words) for call in self.calls)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    stand_ins.install(tmp_path, "kind", "docker", "minikube")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("STAND_INS", str(tmp_path))
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "user" / "config"))
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "KUBESCHOOL_KIND_IMAGE", "KUBESCHOOL_CLUSTER", "MINIKUBE_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command_line, "TICK", 0.01)
    yield Machine(tmp_path)
    assert not (tmp_path / "user").exists(), "the learner's own files are left alone"
    assert json.loads((tmp_path / "state.json").read_text())["nodes"]["other"] == {"other-control-plane": True}


@pytest.fixture(params=["kind", "minikube"])
def cluster(request, machine):
    return provider(request.param)


def creations(machine) -> int:
    return machine.did("kind", "create") + sum("--nodes=3" in call for call in machine.calls)


def test_made_once_and_joined_afterwards(cluster, machine):
    assert cluster.status()[0] is False
    cluster.launch()
    assert cluster.kubeconfig()["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    again = provider(cluster.name)
    again.launch()
    again.kubeconfig()
    assert creations(machine) == 1
    assert yaml.safe_load(cluster.kubeconfig_file.read_text())["clusters"]
    running, sentence = again.status()
    assert running and "running: kubeschool" in sentence and "other" not in sentence


def test_versions_and_driver_are_told(machine):
    kind, minikube = provider("kind"), provider("minikube")
    kind.launch()
    minikube.launch()
    assert kind.about == "a real cluster in Docker 28.5.1, made with kind 0.33.0"
    assert minikube.about == "a real cluster by minikube v1.37.0, driver docker"


def test_stopped_and_started_again_with_every_object(cluster, machine):
    assert cluster.stop() is False
    cluster.launch()
    assert cluster.stop() is True and cluster.stop() is False
    assert cluster.status()[0] is False and "stopped: kubeschool" in cluster.status()[1]
    cluster.launch()
    assert cluster.status()[0] is True and creations(machine) == 1


def test_deleted_without_a_trace(cluster, machine):
    cluster.launch()
    cluster.kubeconfig()
    assert cluster.delete() is True and cluster.delete() is False
    assert not cluster.kubeconfig_file.exists()
    assert machine["profile"] is None and list(machine["nodes"]) == ["other"]
    assert cluster.status()[0] is False


def test_images_of_the_lessons_are_pulled_when_it_is_made(cluster, machine, capsys):
    cluster.launch()
    provider(cluster.name).launch()
    pulls = [call for call in machine.calls if "pull" in call]
    nodes = 2 if cluster.name == "kind" else 1
    assert len(pulls) == nodes * len(command_line.IMAGES) and "could not be pulled" not in capsys.readouterr().out


def test_without_a_registry_it_is_made_all_the_same(cluster, machine, capsys):
    machine["registry"] = False
    cluster.launch()
    assert cluster.status()[0] is True
    assert capsys.readouterr().out.count("could not be pulled ahead") == 1


def test_the_images_are_those_the_lessons_run():
    used = [image for folder in ("manifests", "labs") for image in images_below(HERE.parents[1] / folder)]
    assert set(command_line.IMAGES) == {image for image in used if used.count(image) >= 5}


def images_below(folder):
    for file in folder.rglob("*.yaml"):
        yield from re.findall(r"image: ([\w.:/-]+)", file.read_text(encoding="utf-8"))


def test_what_fails_is_told_in_the_tools_own_words(cluster, machine):
    machine["create"] = "fail"
    with pytest.raises(CourseError, match=r"(?s)could not .*failed to create cluster: something went wrong"):
        cluster.launch()
    cluster.launch()
    assert cluster.status()[0] is True


def test_an_interrupt_leaves_nothing_half_made(cluster, machine):
    machine["create"] = "hang"
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # in the background a shell ignores it
    code = f"{heeded}; from kubeschool.clusters import provider; provider({cluster.name!r}).launch()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not (machine.folder / "hangs").exists():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert machine["profile"] is None and list(machine["nodes"]) == ["other"]


@pytest.mark.parametrize(
    ("name", "missing", "words"),
    [
        ("kind", ["kind"], "kind is not installed .*the practice cluster needs none of it"),
        ("kind", ["docker"], "kind needs Docker .*or Podman, and neither is installed"),
        ("minikube", ["minikube"], "minikube is not installed .*the practice cluster does without"),
    ],
)
def test_what_is_not_installed_is_named(machine, name, missing, words):
    for program in missing:
        machine.remove(program)
    for act in (provider(name).launch, provider(name).status, provider(name).stop):
        with pytest.raises(CourseError, match=words):
            act()


def test_docker_that_does_not_run(machine):
    machine["engine"] = False
    with pytest.raises(CourseError, match=r"(?s)Docker is installed and does not answer: start it.*Cannot connect to the Docker daemon"):
        provider("kind").launch()
    assert machine.did("kind", "create") == 0


def test_docker_stopped_half_way(machine, capsys):
    machine["create"] = "docker stops"
    with pytest.raises(CourseError, match="Docker is installed and does not answer: start it, then run this again"):
        provider("kind").launch()
    machine["engine"] = True
    assert "kubeschool" in machine["nodes"]
    cluster = provider("kind")
    cluster.launch()
    assert "cut short is removed first" in capsys.readouterr().out
    assert len(machine["nodes"]["kubeschool"]) == 3 and cluster.status()[0] is True


def test_a_broken_minikube_profile_is_made_anew(machine, capsys):
    machine["profile"] = {"Status": "Broken", "driver": "docker"}
    provider("minikube").launch()
    assert "removed first" in capsys.readouterr().out and machine["profile"]["Status"] == "Running"


def test_kind_makes_three_nodes_with_free_ports_of_this_machine(machine, monkeypatch):
    monkeypatch.setattr(kind_file, "_is_free", lambda port: port != 30443)
    provider("kind").launch()
    nodes = yaml.safe_load((machine.folder / "kind.yaml").read_text())["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker"]
    assert nodes[0]["extraPortMappings"] == [{"containerPort": 30080, "hostPort": 30080, "listenAddress": "127.0.0.1"}]


def test_the_node_image_can_be_named(machine, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_KIND_IMAGE", "kindest/node:v1.34.0")
    provider("kind").launch()
    create = next(call for call in machine.calls if call[1] == "create")
    assert create[-2:] == ["--image", "kindest/node:v1.34.0"]


@pytest.mark.parametrize(
    ("server", "allowed"),
    [
        ("https://192.168.49.2:8443", True),
        ("https://127.0.0.1:32769", True),
        ("https://192.168.49.3:8443", False),
        ("https://203.0.113.7", False),
    ],
)
def test_minikube_is_on_this_machine_where_minikube_says_so(machine, server, allowed):
    machine["server"] = server
    cluster = provider("minikube")
    cluster.launch()
    if allowed:
        assert cluster.kubeconfig()["clusters"][0]["cluster"]["server"] == server
    else:
        with pytest.raises(guard.Refused):
            cluster.kubeconfig()


def test_minikube_on_other_machines_is_refused(machine):
    machine["profile"] = {"Status": "Running", "driver": "ssh"}
    with pytest.raises(guard.Refused, match="other machines"):
        provider("minikube").launch()


def test_a_kind_cluster_elsewhere_is_refused(machine):
    machine["server"] = "https://203.0.113.7:6443"
    cluster = provider("kind")
    cluster.launch()
    with pytest.raises(guard.Refused):
        cluster.kubeconfig()


def run(*words) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "kubeschool.clusters", *words], capture_output=True, text=True, cwd=paths.ROOT)


def test_from_the_command_line(machine):
    assert (run("status", "--cluster", "kind").returncode, run("down", "--cluster", "kind").stdout) == (1, "it was not running\n")
    provider("kind").launch()
    status = run("status", "--cluster", "kind")
    assert status.returncode == 0 and "running: kubeschool-control-plane, kubeschool-worker, kubeschool-worker2" in status.stdout
    assert run("down", "--cluster", "kind").stdout == "stopped; every object is kept\n"
    assert run("delete", "--cluster", "kind").stdout == "deleted\n"
    assert run("kubeconfig", "--cluster", "minikube").stdout.endswith(str(Path("home", "minikube", "kubeconfig")) + "\n")
    wrong = run("up", "--cluster", "kind", "--nodes", "5")
    assert wrong.returncode == 1 and "only the practice cluster has nodes to choose" in wrong.stderr


def test_somebody_elses_cluster_is_not_stopped_from_the_command_line(machine, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_CLUSTER", "context:prod")
    done = run("down")
    assert done.returncode == 1 and "context:prod is not the course's to start or stop" in done.stderr


def test_one_that_starts_again_is_waited_for(machine, monkeypatch):
    asked = []

    def run(words, **options):
        asked.append(words[1:4])
        return subprocess.CompletedProcess(words, returncode=0 if len(asked) == 3 else 1, stdout="", stderr="EOF")

    cluster = provider("kind")
    cluster.launch()
    cluster.stop()
    cluster.launch()
    with monkeypatch.context() as patch:
        patch.setattr(kind_file, "_kind", lambda *words: json.dumps(stand_ins.kubeconfig("kind-kubeschool", "https://127.0.0.1:6443")))
        patch.setattr(command_line.subprocess, "run", run)
        cluster.kubeconfig()
        assert asked == [["get", "--raw", "/readyz"]] * 3
        patch.setattr(command_line, "API_SECONDS", 0)
        asked.clear()
        with pytest.raises(CourseError, match=r"the API server is not ready after 0 s \(EOF\); delete it"):
            command_line.wait_for_api(cluster.kubeconfig_file, "waiting", "delete it")

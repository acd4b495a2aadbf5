"""course.py: which Python it needs, when it installs, what it says when that fails. In a copy, with a stand-in for pip."""

import ast
import importlib.util
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from kubeschool import clusters

SCRIPT = Path(__file__).resolve().parents[2] / "course.py"
PIP = """
import sys
print("Collecting", "some-package>=1.0")
print("Installing collected packages: some-package")
print("ERROR: No matching distribution found for some-package" if {status} else "Successfully installed")
sys.exit({status})
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The script in a folder of its own, where `python -m venv` makes an empty .venv and pip is a stand-in."""
    (tmp_path / "tests").mkdir()
    for file in ("requirements.txt", "tests/requirements.txt", "pyproject.toml"):
        (tmp_path / file).write_text(f"# {file}\n")
    (tmp_path / "course.py").write_bytes(SCRIPT.read_bytes())
    (tmp_path / "pip.py").write_text(PIP.format(status=0))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = importlib.util.spec_from_file_location("course_copy", tmp_path / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(module, "works", lambda: (module.VENV / "sound").exists())
    calls = []

    def run(command, **options):
        calls.append([str(word) for word in command])
        if "venv" in command:
            module.VENV.mkdir()
            (module.VENV / "sound").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", run)
    module.calls = calls
    yield module
    monkeypatch.undo()


def installs(course, capsys, *requirements):
    """Whether install() ran pip."""
    capsys.readouterr()
    course.install(*(requirements or (course.LEARNER,)))
    return "installed" in capsys.readouterr().out


def test_an_old_python_is_told_what_to_do():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
    old = "import sys, collections; sys.version_info = collections.namedtuple('v', 'a b c')(3, 9, 2); exec(open(sys.argv[1]).read())"
    done = subprocess.run([sys.executable, "-c", old, SCRIPT], capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer, and this is 3.9" in done.stderr and "Traceback" not in done.stderr


def test_installs_once(course, capsys):
    assert installs(course, capsys)
    assert not installs(course, capsys)
    assert course.calls[0][1:3] == ["-m", "venv"] and "kubeschool.practice.apiserver.openapi" in course.calls[1]


@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml"])
def test_installs_again_when_what_is_needed_changed(course, capsys, file):
    installs(course, capsys)
    (course.ROOT / file).write_text("more\n")
    assert installs(course, capsys)
    assert (course.VENV / "sound").exists()


def test_tests_add_their_requirements(course, capsys):
    installs(course, capsys)
    (course.ROOT / "tests" / "requirements.txt").write_text("pytest\n")
    assert not installs(course, capsys)
    assert installs(course, capsys, course.LEARNER, course.TESTS)
    assert not installs(course, capsys, course.LEARNER, course.TESTS)


def test_a_moved_folder_or_another_python_installs_again(course, monkeypatch):
    before = course.stamp(course.LEARNER)
    monkeypatch.setattr(course, "ROOT", course.ROOT / ".." / course.ROOT.name)
    assert course.stamp(course.LEARNER) != before


@pytest.mark.parametrize("damage", ["interrupted", "broken"])
def test_an_incomplete_environment_is_made_again(course, capsys, damage):
    installs(course, capsys)
    if damage == "interrupted":
        course.INSTALLING.touch()
    else:
        (course.VENV / "sound").unlink()
    (course.VENV / "left over").touch()
    course.install(course.LEARNER)
    assert "incomplete; making it again" in capsys.readouterr().out
    assert not (course.VENV / "left over").exists() and not installs(course, capsys)


def test_a_failing_pip_is_explained_and_the_environment_kept(course, capsys):
    installs(course, capsys)
    (course.ROOT / "requirements.txt").write_text("some-package\n")
    (course.ROOT / "pip.py").write_text(PIP.format(status=1))
    with pytest.raises(SystemExit, match=r"(?s)ERROR: No matching distribution found for some-package.*Are you online\?"):
        course.install(course.LEARNER)
    assert (course.VENV / "sound").exists()
    (course.ROOT / "pip.py").write_text(PIP.format(status=0))
    assert installs(course, capsys)


def test_an_interrupt_says_so_and_the_next_run_begins_again(course, capsys, monkeypatch):
    def interrupted(text, last=False):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course, "progress", interrupted)
        with pytest.raises(SystemExit, match="Interrupted; the next run begins again"):
            course.install(course.LEARNER)
    assert course.INSTALLING.exists()
    assert installs(course, capsys)


def test_a_python_without_venv_names_the_package(course, monkeypatch):
    monkeypatch.setattr(course.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", "ensurepip is not available"))
    with pytest.raises(SystemExit, match=r"(?s)ensurepip is not available.*python3-venv"):
        course.install(course.LEARNER)
    assert not course.VENV.exists()


@pytest.mark.parametrize(
    ("cluster", "folder"),
    [(None, "practice"), ("practice", "practice"), ("kind", "kind"), ("minikube", "minikube"), ("context:prod", "context")],
)
def test_lab_terminals_reach_the_sessions_cluster_and_the_users_kubeconfig_is_remembered(course, monkeypatch, cluster, folder):
    monkeypatch.setenv("KUBECONFIG", "/mine")
    monkeypatch.delenv("KUBESCHOOL_CLUSTER", raising=False)
    monkeypatch.delenv("KUBESCHOOL_HOME", raising=False)
    env = course.lab_environment(cluster)
    assert env["KUBESCHOOL_CLUSTER"] == (cluster or "practice")
    assert env["KUBECONFIG"] == str(course.ROOT / ".kubeschool" / folder / "kubeconfig")
    assert env["KUBESCHOOL_USER_KUBECONFIG"] == "/mine"
    assert env["PATH"].split(os.pathsep)[0] == str(course.SCRIPTS)


@pytest.mark.parametrize("name", ["practice", "kind", "minikube", "context:prod"])
def test_every_cluster_keeps_its_kubeconfig_where_terminals_look(course, tmp_path, monkeypatch, name):
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path))
    assert str(clusters.provider(name).kubeconfig_file) == course.lab_environment(name)["KUBECONFIG"]


def test_an_unknown_cluster_is_refused_before_jupyterlab_starts(course, capsys):
    with pytest.raises(SystemExit):
        course.main(["lab", "--cluster", "minicube"])
    assert "choose practice, kind, minikube or context:NAME" in capsys.readouterr().err


Run = namedtuple("Run", "command env")


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["lab", "--no-browser", "--port", "9999"], ["-m", "jupyterlab", "--no-browser", "--port", "9999"]),
        (["lab", "--cluster", "kind", "--debug"], ["-m", "jupyterlab", "--debug"]),
        (["cluster", "up", "--nodes", "3", "--speed", "10"], ["-m", "kubeschool.clusters", "up", "--nodes", "3", "--speed", "10"]),
        (["test", "unit", "practice"], ["lanes.py", "unit", "practice"]),
        (["test", "--help"], ["lanes.py", "--help"]),
        (["refresh", "notebooks/04-pods.ipynb"], ["refresh.py", "notebooks/04-pods.ipynb"]),
        (["new", "lab", "L23-no-route"], ["new.py", "lab", "L23-no-route"]),
    ],
)
def test_commands(course, monkeypatch, words, end):
    monkeypatch.setattr(course, "install", lambda *_: None)
    monkeypatch.setattr(course, "run", Run)
    monkeypatch.setattr(course.os, "geteuid", lambda: 1000, raising=False)
    command = [Path(word).name if str(word).endswith(".py") else str(word) for word in course.main(words).command]
    assert [word for word in command[1:] if not word.startswith("--ServerApp.")] == end


def test_an_unknown_command_is_refused(course):
    with pytest.raises(SystemExit):
        course.main(["labs"])

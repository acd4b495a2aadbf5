"""Every lab on the cluster that $KUBESCHOOL_CLUSTER names: broken for the stated reason, not repaired by half-fixes, repaired by repairs.

On a real cluster, where everything takes its time, each lab is broken and repaired once; `--every-repair` does all there too.
"""

import time

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

import kubeschool
from kubeschool.checks.lab import LEVELS, every
from kubeschool.errors import CourseError

SECONDS, REAL_SECONDS = 60, 180
"""How long the practice cluster, and a real one, may take to show what an attempt led to."""


PYTHON = """
from kubernetes import client
container = {"name": "cafe", "image": "nginx:1.27"}
client.AppsV1Api().patch_namespaced_deployment("cafe", cluster.namespace, {"spec": {"template": {"spec": {"containers": [container]}}}})
"""


@pytest.fixture(scope="session")
def connected():
    """The cluster named by the environment, as `cluster` in a shell with the course's magics."""
    shell = InteractiveShell.instance()
    cluster = shell.user_ns["cluster"] = kubeschool.connect()
    yield cluster
    for lab in every().values():
        if cluster.api.find(path := f"/api/v1/namespaces/{lab.namespace}"):
            cluster.api.request("DELETE", path)


@pytest.fixture
def exercise(connected, request):
    lab = every()[request.param]
    for feature in lab.needs:
        if not (able := connected.can(feature)):
            pytest.skip(f"{lab.id} cannot run here: {able.reason}")
    yield connected.lab(lab.id)
    lab.tear_down(connected)


def until(exercise, reached, what: str):
    deadline = time.monotonic() + (SECONDS if exercise.cluster.name == "practice" else REAL_SECONDS)
    while not reached(goals := exercise.check()):
        assert time.monotonic() < deadline, f"not {what}:\n{goals}"
        time.sleep(0.1)
    return goals


def is_broken(exercise) -> None:
    assert not until(exercise, lambda goals: exercise.lab.broken in str(goals), f"broken by {exercise.lab.broken}").done


@pytest.mark.parametrize("exercise", every(), indirect=True)
def test_lab(exercise, pytestconfig):
    lab = exercise.lab
    is_broken(exercise)
    if exercise.cluster.name == "practice" or pytestconfig.getoption("--every-repair"):
        for cell, words in lab.wrong.items():
            run(cell)
            assert not until(exercise, lambda goals, words=words: words in str(goals), f"answered with {words} after {cell}").done
            exercise.reset()
            is_broken(exercise)
        for cell in list(lab.repairs.values())[1:]:
            is_repaired_by(exercise, cell)
            exercise.reset()
            is_broken(exercise)
    is_repaired_by(exercise, next(iter(lab.repairs.values())))


def is_repaired_by(exercise, cell: str) -> None:
    run(cell)
    until(exercise, lambda goals: goals.done, f"repaired by {cell}")


def run(cell: str) -> None:
    """Run the text of a cell; what it raises is raised."""
    InteractiveShell.instance().run_cell(cell).raise_error()


@pytest.mark.parametrize("id", every())
def test_a_lab_is_complete(id):
    lab = every()[id]
    assert lab.level in LEVELS and len(lab.hints) == 3 and len(lab.wrong) >= 2 and len(lab.repairs) >= 2 and len(lab.goals) >= 2
    assert lab.story.strip() and lab.explanation.strip() and lab.broken


@pytest.mark.parametrize("one, other", [("L01", "L09")])
def test_one_notebook_does_two_labs_and_each_looks_at_its_own_namespace(connected, one, other):
    first = connected.lab(one)
    first.reset()
    first._repr_mimebundle_()
    second = connected.lab(other)
    second.reset()
    second._repr_mimebundle_()
    assert _terminals_use(connected) == second.lab.namespace
    is_broken(first)
    assert _terminals_use(connected) == first.lab.namespace
    is_broken(second)
    is_repaired_by(second, next(iter(second.lab.repairs.values())))
    taken = second.seconds
    first.clean_up()
    second.check()
    assert second.seconds == taken
    second.clean_up()
    assert _terminals_use(connected) == "default"
    with pytest.raises(CourseError, match="was removed"):
        second.check()


@pytest.mark.parametrize("id", ["L01"])
def test_a_lab_is_repaired_with_the_python_client_alone(connected, id):
    lab = connected.lab(id)
    lab.reset()
    is_broken(lab)
    is_repaired_by(lab, PYTHON)
    lab.clean_up()


@pytest.mark.parametrize("id", ["L20"])
def test_whoever_connects_to_a_lab_at_work_does_not_mend_it(connected, id, capsys):
    if not connected.can("nodes"):
        pytest.skip("only practice loses a node")
    lab = connected.lab(id)
    lab.reset()
    kubeschool.connect()
    assert "stays off" in capsys.readouterr().out
    is_broken(lab)
    lab.clean_up()


def _terminals_use(cluster) -> str:
    return yaml.safe_load(cluster._provider.kubeconfig_file.read_text())["contexts"][0]["context"].get("namespace", "default")

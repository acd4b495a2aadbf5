"""Every checkpoint of every chapter, on a practice cluster: untouched, with each wrong answer, and with its solution."""

import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

import kubeschool
from kubeschool.checks.checkpoint import every
from kubeschool.checks.verdict import DONE, NOT_STARTED, NOT_YET

SECONDS = 20
"""How long a wrong answer may take until the cluster shows what is wrong with it."""


@pytest.fixture(scope="session")
def connected():
    """The cluster named by the environment, as `cluster` in a shell with the course's magics."""
    shell = InteractiveShell.instance()
    shell.user_ns["cluster"] = kubeschool.connect()
    yield shell.user_ns["cluster"]
    shell.user_ns["cluster"].reset()


@pytest.fixture
def cluster(connected, monkeypatch):
    """The same with an empty namespace."""
    monkeypatch.delenv("KUBESCHOOL_CHECKS", raising=False)
    connected.use_namespace("checkpoints")
    return connected


def run(cell: str) -> None:
    """Run the text of a cell; what it raises is raised."""
    InteractiveShell.instance().run_cell(cell).raise_error()


@pytest.mark.parametrize("id", every())
def test_untouched_it_is_not_done_and_says_what_to_do(cluster, id):
    run(every()[id].before)
    verdict = cluster.check(id)
    assert verdict.state in (NOT_STARTED, NOT_YET) and len(verdict.text.split()) > 3 and verdict.next


@pytest.mark.parametrize(("id", "answer"), [(id, answer) for id, checkpoint in every().items() for answer in checkpoint.wrong])
def test_a_wrong_answer_gets_its_hint(cluster, id, answer):
    run(every()[id].before)
    run(answer)
    hint, deadline = every()[id].wrong[answer], time.monotonic() + SECONDS
    while hint not in str(verdict := cluster.check(id)) and time.monotonic() < deadline:
        assert verdict.state != DONE
        time.sleep(0.1)
    assert verdict.state != DONE and hint in str(verdict)


@pytest.mark.parametrize("id", every())
def test_the_solution_is_done(cluster, id):
    run(every()[id].before)
    run(every()[id].solution)
    assert cluster.check(id).state == DONE

"""The practice cluster's process: started, joined, found dead, brought back, stopped. With a stand-in for the process itself."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from kubernetes.client.exceptions import NotFoundException
from urllib3.exceptions import ProtocolError

from kubeschool import clusters, notebook, paths
from kubeschool.cluster import Ability
from kubeschool.clusters import __main__ as commands
from kubeschool.clusters import practice
from kubeschool.errors import CourseError


class Practice(practice.Practice):
    module = "stand_in"


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    cluster = Practice(tmp_path / "practice")
    yield cluster
    cluster.stop()


def test_starts_and_answers(cluster):
    cluster.launch()
    assert cluster.kubeconfig()["nodes"] == practice.NODES
    assert cluster.trouble() is None


def test_a_second_kernel_joins(cluster):
    cluster.launch()
    cluster.kubeconfig()
    other = Practice(cluster.directory)
    other.launch()
    assert other.kubeconfig() and other.pid() == cluster.pid()


def test_two_kernels_at_the_same_moment_share_one(cluster):
    other = Practice(cluster.directory)
    threads = [threading.Thread(target=each.launch) for each in (cluster, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cluster.kubeconfig() == other.kubeconfig()
    assert cluster.pid() == other.pid()


def test_up_joins_the_process_it_started(cluster, monkeypatch):
    joined = []
    monkeypatch.setattr(commands, "connect", lambda name: joined.append(cluster.pid()))
    commands._up(cluster)
    assert joined == [cluster.pid()] and None not in joined


def test_outlives_the_kernel_that_started_it(cluster):
    cluster.launch()
    cluster.kubeconfig()
    if os.name == "posix":
        assert os.getsid(cluster.pid()) != os.getsid(0)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_one_is_noticed_and_brought_back_as_it_was(cluster):
    cluster.launch(nodes=5, speed=10)
    before = cluster.kubeconfig()
    os.kill(cluster.pid(), signal.SIGKILL)
    cluster._started.wait()
    assert cluster.trouble() == "the practice cluster stopped (killed by signal 9)"
    cluster.revive()
    assert cluster.trouble() is None
    assert cluster.kubeconfig() == before


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_kernel_that_only_joined_notices_too(cluster):
    cluster.launch()
    cluster.kubeconfig()
    joined = Practice(cluster.directory)
    os.kill(joined.pid(), signal.SIGKILL)
    cluster._started.wait()
    assert joined.trouble() == "the practice cluster stopped unexpectedly"


def test_stop_says_whether_it_ran(cluster):
    cluster.launch()
    cluster.kubeconfig()
    assert cluster.stop() is True
    assert cluster.stop() is False
    assert cluster.trouble() == "the practice cluster was stopped"


def test_another_kernel_than_the_one_that_started_it_can_stop_it(cluster):
    cluster.launch()
    cluster.kubeconfig()
    code = """
import pathlib, sys
from kubeschool.clusters.practice import Practice
Practice.module = sys.argv[2]
print(Practice(pathlib.Path(sys.argv[1])).stop())
"""
    stopped = subprocess.run([sys.executable, "-c", code, cluster.directory, cluster.module], capture_output=True, text=True)
    assert stopped.stdout == "True\n", stopped.stderr
    assert cluster.pid() is None


def test_one_with_another_number_of_control_planes_than_asked_for_is_started_again(cluster, capsys):
    cluster.launch()
    cluster.kubeconfig()
    first = cluster.pid()
    cluster.launch(control_planes=1)
    assert cluster.pid() == first
    cluster.launch(control_planes=3)
    assert "started again, with 3 control planes" in capsys.readouterr().out
    assert cluster.kubeconfig()["control_planes"] == 3 and cluster.pid() != first
    second = cluster.pid()
    cluster.launch()
    assert cluster.pid() == second and cluster.options()["control_planes"] == 3
    cluster.launch(control_planes=1)
    assert "started again, with 1 control plane\n" in capsys.readouterr().out
    assert cluster.kubeconfig()["control_planes"] == 1 and cluster.pid() != second


def test_another_process_with_the_same_number_is_not_it(cluster):
    cluster.directory.mkdir()
    (cluster.directory / "pid").write_text(str(os.getpid()))
    assert cluster.pid() is None


def test_a_failing_start_shows_its_last_words(cluster, monkeypatch):
    monkeypatch.setattr(practice, "RACE_SECONDS", 0)
    cluster.launch(speed=13)
    with pytest.raises(CourseError, match=r"(?s)could not start \(exit status 1\).*the disk is full"):
        cluster.kubeconfig()


def test_one_that_never_answers_is_given_up(cluster, monkeypatch):
    monkeypatch.setattr(practice, "START_SECONDS", 0.3)
    cluster.launch(speed=14)
    with pytest.raises(CourseError, match="did not answer within"):
        cluster.kubeconfig()
    assert cluster._started.wait(5)


def test_unknown_cluster_names_the_choices():
    with pytest.raises(CourseError, match="practice, kind, minikube or context:NAME"):
        clusters.provider("minicube")


def test_private_files_are_replaced_whole(tmp_path):
    file = tmp_path / "new" / "kubeconfig"
    paths.write(file, "one")
    paths.write(file, "two")
    assert file.read_text() == "two" and [*file.parent.iterdir()] == [file]
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600


class FakeCluster:
    """What a notebook needs of a cluster whose process is `died`."""

    died = None

    def __init__(self, folder):
        self._provider, self._folder = self, folder

    def trouble(self):
        return self.died

    def revive(self):
        if self.died == "the disk is full":
            raise CourseError(self.died)
        self.died = None

    def kubeconfig(self):
        return {}

    def _load(self, contents):
        pass

    def wait_for_nodes(self):
        pass

    def can(self, feature):
        return Ability(feature == "components", "an administrator's work")


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A notebook that has joined `shell.cluster`."""
    shell = InteractiveShell.instance()
    shell.cluster = FakeCluster(tmp_path)
    notebook.join(shell, shell.cluster)
    yield shell
    notebook._joined.leave()
    notebook._joined = None
    shell.set_custom_exc((), None)


def test_a_dead_cluster_is_brought_back_before_the_next_cell(shell, capsys):
    shell.cluster.died = "the practice cluster stopped (killed by signal 9)"
    shell.run_cell("print('the cell')")
    out = "The practice cluster stopped (killed by signal 9); it is started again. Your objects are safe.\nthe cell\n"
    assert capsys.readouterr().out == out
    shell.run_cell("print('the next')")
    assert capsys.readouterr().out == "the next\n"


def test_when_it_cannot_be_brought_back_the_reason_is_said(shell, capsys):
    shell.cluster.died = "the disk is full"
    shell.run_cell("print('the cell')")
    assert "It could not be started: the disk is full\nthe cell\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "died", "words"),
    [
        (NotFoundException(status=404, reason="Not Found"), None, "NotFoundException 404 Not Found"),
        (ProtocolError("reset"), "the practice cluster stopped", "ProtocolError: the practice cluster stopped. Your objects are safe"),
        (KeyboardInterrupt(), None, "Interrupted."),
    ],
)
def test_errors_of_the_cluster_show_no_traceback(shell, capsys, error, died, words):
    def cell():
        shell.cluster.died = died
        raise error

    shell.user_ns["cell"] = cell
    shell.run_cell("cell()")
    out = capsys.readouterr().out
    assert words in out and "Traceback" not in out and "line 1" not in out


def test_other_errors_keep_their_traceback(shell, capsys):
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out


def test_a_second_connect_takes_the_place_of_the_first(shell, tmp_path, capsys):
    second = FakeCluster(tmp_path)
    notebook.join(shell, second)
    shell.cluster.died = "the first is gone"
    shell.run_cell("print('the cell')")
    assert capsys.readouterr().out == "the cell\n"


def test_a_cell_that_needs_what_the_cluster_lacks_only_says_why(shell, capsys):
    shell.run_cell("%%needs components\nprint('the cell')").raise_error()
    assert capsys.readouterr().out == "the cell\n"
    shell.run_cell("%%needs nodes\nprint('the cell')").raise_error()
    assert capsys.readouterr().out == "left out here: an administrator's work\n"
    shell.run_cell("%%needs components nodes\nprint('the cell')").raise_error()
    assert capsys.readouterr().out == "left out here: an administrator's work\n"
    shell.run_cell("%%needs components\n%%capture\nprint('captured')").raise_error()
    assert capsys.readouterr().out == ""

"""The twin lane: each script of script/ runs on practice and on a true one-node kind cluster; what kubectl says must be the same on both.

differences.yaml lists what Kubernetes itself changed between the two versions. The kind cluster is made for the run and deleted
(KUBESCHOOL_KIND_IMAGE names the node image), unless KUBESCHOOL_TWIN_KUBECONFIG names a one-node cluster to use.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from transcript import Cluster, commands, compared, first, read_differences, used

from kubeschool.clusters.practice import Practice

FOLDER = Path(__file__).parent
SCRIPTS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("script/*.txt"))}
DIFFERENCES = read_differences(FOLDER / "differences.yaml")
KUBECTL = Path(shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl")
SPEED = 2
"""Time-lapse of practice: not slower than the other, nor so fast that a busy machine is late for its probes."""
TOGETHER = 8
"""Scripts at a time on each cluster: most of their time is waiting."""


@contextmanager
def practice(folder: Path) -> Iterator[dict]:
    cluster = Practice(folder)
    cluster.launch(nodes=1, speed=SPEED)
    try:
        yield cluster.kubeconfig()
    finally:
        cluster.stop()


@contextmanager
def real(folder: Path) -> Iterator[dict]:
    if there := os.environ.get("KUBESCHOOL_TWIN_KUBECONFIG"):
        yield yaml.safe_load(Path(there).read_text())
        return
    name, kubeconfig, image = f"kubeschool-twin-{os.getpid()}", folder / "kubeconfig", os.environ.get("KUBESCHOOL_KIND_IMAGE")
    words = ["kind", "create", "cluster", "--name", name, "--config", FOLDER / "kind.yaml", "--kubeconfig", kubeconfig, "-q"]
    try:
        subprocess.run(words + (["--image", image] if image else []), check=True)
        yield yaml.safe_load(kubeconfig.read_text())
    finally:
        subprocess.run(["kind", "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig], capture_output=True)


def run(name: str, started, folder: Path, transcripts: dict[str, Future]) -> None:
    """Start a cluster, run the scripts whose transcripts are wanted, several at a time, end the cluster."""
    try:
        folder.mkdir()
        with started(folder) as kubeconfig:
            cluster = Cluster(name, kubeconfig, folder / "scripts", KUBECTL)

            def fill(section: str) -> None:
                try:
                    transcripts[section].set_result(cluster.run(section, SCRIPTS[section]))
                except Exception as error:
                    transcripts[section].set_exception(error)

            longest_first = sorted(transcripts, key=lambda section: -SCRIPTS[section].count("$WAIT"))
            for before in (True, False):
                with ThreadPoolExecutor(TOGETHER) as pool:
                    pool.map(fill, [section for section in longest_first if first(SCRIPTS[section]) is before])
    except Exception as error:
        for transcript in transcripts.values():
            if not transcript.done():
                transcript.set_exception(error)


@pytest.fixture(scope="session")
def transcripts(request, tmp_path_factory) -> Iterator[dict[str, dict[str, Future]]]:
    """cluster -> section -> what it will have said: both clusters run the chosen sections while the first tests wait."""
    chosen = [item.callspec.params["section"] for item in request.session.items if "section" in getattr(item, "fixturenames", ())]
    folder = tmp_path_factory.mktemp("twin")
    both = {name: {section: Future() for section in chosen} for name in ("practice", "real")}
    threads = [
        threading.Thread(target=run, args=(started.__name__, started, folder / started.__name__, both[started.__name__]))
        for started in (practice, real)
    ]
    for thread in threads:
        thread.start()
    yield both
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("section", SCRIPTS)
def test_twin(section, transcripts):
    difference = compared(transcripts["practice"][section].result(), transcripts["real"][section].result(), DIFFERENCES)
    assert not difference, f"practice does not say what the real cluster says:\n\n{difference}"


def test_every_difference_is_still_one(transcripts):
    """A difference that no longer occurs leaves the list."""
    if len(transcripts["real"]) < len(SCRIPTS):
        pytest.skip("only some sections were run")
    said = {name: [line for future in sections.values() for line in future.result()] for name, sections in transcripts.items()}
    assert [difference.reason for difference in DIFFERENCES if not used(difference, said)] == []


def test_the_script_is_long_enough():
    assert sum(command.text.count("kubectl ") for script in SCRIPTS.values() for command in commands(script)) >= 150

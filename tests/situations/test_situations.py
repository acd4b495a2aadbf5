"""The situations lane: every row of situations.yaml on practice; with KUBESCHOOL_SITUATIONS=kind also on a true one-node kind cluster.

What Kubernetes changed between the two versions stands in ../twin/differences.yaml and in the rows themselves. The kind cluster is made
for the run and deleted (KUBESCHOOL_KIND_IMAGE names its node image, of Kubernetes 1.20), unless KUBESCHOOL_TWIN_KUBECONFIG names a
one-node cluster to use.
"""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "twin")]

from lanes import without_kind  # noqa: E402
from stage import Row, Stage, read_rows  # noqa: E402
from test_twin import KUBECTL, real  # noqa: E402
from transcript import read_differences  # noqa: E402

from kubeschool.clusters.practice import Practice  # noqa: E402

ROWS = read_rows(HERE / "situations.yaml")
DIFFERENCES = read_differences(HERE.parent / "twin" / "differences.yaml")
SPEED = 20
TOGETHER = {"practice": 40, "real": 15}
"""Rows at a time: a node has room for 110 pods, a true one seldom the strength to start many at once."""
SECONDS = {"practice": 60, "real": 240}
"""The longest a row waits for its next step."""


def without_real() -> str | None:
    if "KUBESCHOOL_TWIN_KUBECONFIG" in os.environ:
        return None
    if os.environ.get("KUBESCHOOL_SITUATIONS") != "kind":
        return "a true cluster takes a quarter of an hour for them: KUBESCHOOL_SITUATIONS=kind asks for it"
    if "KUBESCHOOL_KIND_IMAGE" not in os.environ:
        return "KUBESCHOOL_KIND_IMAGE names no node image of Kubernetes 1.20, for which the differences are written"
    return without_kind()


MISSING = without_real()


@contextmanager
def practice(folder: Path) -> Iterator[dict]:
    cluster = Practice(folder)
    cluster.launch(nodes=1, speed=SPEED)
    try:
        yield cluster.kubeconfig()
    finally:
        cluster.stop()


def play(cluster, folder: Path, results: dict[str, Future]) -> None:
    """Start a cluster, play the rows whose results are wanted side by side, then those that need it alone; end the cluster."""
    name = cluster.__name__
    try:
        folder.mkdir()
        (folder / "stage").mkdir()
        with cluster(folder) as kubeconfig, Stage(name, kubeconfig, folder / "stage", KUBECTL, DIFFERENCES, SECONDS[name]) as stage:

            def fill(row: Row) -> None:
                try:
                    results[row.name].set_result(stage.play(row))
                except Exception as problem:
                    results[row.name].set_exception(problem)

            for alone in (False, True):
                with ThreadPoolExecutor(1 if alone else TOGETHER[name]) as pool:
                    pool.map(fill, [ROWS[row] for row in results if ROWS[row].alone is alone])
    except Exception as problem:
        for result in results.values():
            if not result.done():
                result.set_exception(problem)


@pytest.fixture(scope="session")
def played(request, tmp_path_factory) -> Iterator[dict[str, dict[str, Future]]]:
    """cluster -> row -> how it went: each cluster plays all chosen rows while the first tests wait."""
    results: dict[str, dict[str, Future]] = {}
    for item in request.session.items:
        if "played" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("skip"):
            results.setdefault(item.callspec.params["cluster"], {})[item.callspec.params["row"]] = Future()
    folder = tmp_path_factory.mktemp("situations")
    clusters = {"practice": practice, "real": real}
    threads = [threading.Thread(target=play, args=(clusters[name], folder / name, results[name])) for name in results]
    for thread in threads:
        thread.start()
    yield results
    for thread in threads:
        thread.join()


def cases() -> list:
    found = []
    for cluster in ("practice", "real"):
        for name, row in ROWS.items():
            why = row.lacks or MISSING if cluster == "real" else None
            found.append(pytest.param(cluster, name, id=f"{cluster}-{name}", marks=[pytest.mark.skip(reason=why)] if why else []))
    return found


@pytest.mark.parametrize(("cluster", "row"), cases())
def test_situation(cluster, row, played):
    try:
        played[cluster][row].result()
    except Exception as problem:
        pytest.fail(str(problem), pytrace=False)


def test_the_table_is_long_enough():
    assert len(ROWS) >= 60

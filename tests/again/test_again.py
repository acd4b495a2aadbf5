"""A chapter after a run that was broken off half-way, and once more after that: what it left is in nobody's way, and in the end it is gone.

Runs on the cluster that the environment names, without the chapters before it.
"""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from solved import solve

import kubeschool

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CELL_SECONDS = 60


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_again(chapter):
    notebook = solve(nbformat.read(chapter, as_version=4))
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(chapter.parent)}})
    with client.setup_kernel(env={**os.environ, "KUBESCHOOL_CHECKS": "raise"}):
        run(client, notebook.cells[: len(notebook.cells) // 2])
        for _ in range(2):
            run(client, notebook.cells)
    cluster = kubeschool.connect()
    assert cluster.api.get("/api/v1/namespaces", labelSelector="kubeschool.dev/learner")["items"] == []


def run(client: NotebookClient, cells: list) -> None:
    """Raises CellExecutionError for a cell that fails and is not meant to."""
    for index, cell in enumerate(cells):
        client.execute_cell(cell, index)

"""A chapter as a learner leaves it who solved every checkpoint: its `your-turn` cells hold the solutions of kubeschool/checks/chapters/."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from kubeschool.checks.checkpoint import find

CHECK = re.compile(r"""cluster\.check\(["']([\w.]+)["']\)""")
UNCOMPARED = "nbval-ignore-output"


def solve(notebook: NotebookNode) -> NotebookNode:
    """Put each solution into the `your-turn` cell before its `cluster.check("ID")`, in place. Raises ValueError for a cell that is left."""
    turn = None
    for cell in notebook.cells:
        if "your-turn" in cell.metadata.get("tags", ()):
            if turn:
                break
            turn = cell
        elif turn and cell.cell_type == "code" and (check := CHECK.search(cell.source)):
            turn.source = find(check[1]).solution
            turn.metadata["tags"] = [*turn.metadata["tags"], UNCOMPARED]
            turn = None
    if turn:
        raise ValueError(f"no cluster.check() follows the your-turn cell: {turn.source}")
    return notebook


def solved(path: Path, folder: Path) -> Path:
    """Write the solved copy of the notebook at `path` into `folder`."""
    copy = folder / path.name
    nbformat.write(solve(nbformat.read(path, as_version=4)), copy)
    return copy

"""Rules every file of the project keeps."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path for folder in ("notebooks", "labs", "docs") for path in (ROOT / folder).rglob("*.ipynb"))


def test_ruff_finds_nothing():
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "--output-format=concise", ROOT], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_runs_kubectl_unseen(notebook):
    """A `!kubectl` that fails passes nbval; `%kubectl` raises."""
    cells = (cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code")
    assert not [line for cell in cells for line in cell["source"] if line.lstrip().startswith("!kubectl")]

"""Notebooks are committed with the outputs of one run from top to bottom: `python3 tests/true_outputs.py NOTEBOOK…` (pre-commit does).

Whether the outputs are what the cells print today, only `course.py test practice` knows; this finds what was edited or run by hand.
"""

import json
import sys
from pathlib import Path


def faults(path: Path) -> list[str]:
    """What shows that a notebook was not saved by `course.py refresh`."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = ["it holds the state of widgets"] if "widgets" in notebook["metadata"] else []
    number = 0
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or not source.strip():
            continue
        number += 1
        tags = cell["metadata"].get("tags", [])
        if cell["execution_count"] != number:
            found.append(f"run number {cell['execution_count']} where {number} is due: {source.splitlines()[0]}")
        if "raises-exception" not in tags and any(output["output_type"] == "error" for output in cell["outputs"]):
            found.append(f"it failed: {source.splitlines()[0]}")
    return found


if __name__ == "__main__":
    told = [f"{name}: {fault}" for name in sys.argv[1:] for fault in faults(Path(name))]
    sys.exit("\n".join([*told, "course.py refresh NOTEBOOK saves true outputs"]) if told else 0)

"""`course.py refresh [NOTEBOOK…]`: run chapters on a fresh practice cluster and save their true outputs, without noise.

What would differ at every run for no reason is left out: widget state and views, execution times, random cell ids, kernel versions.
A notebook whose outputs differ from the saved ones only in what nbval_sanitize.cfg takes for noise (ages, names, addresses) stays as it was
saved; otherwise all its outputs are those of the new run, so that a name in one cell is the name in the next.
The chapter's Chinese twin gets its cells and outputs.
"""

import argparse
import asyncio
import copy
import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat
from chinese import carry_over
from lanes import PRACTICE_CELL_SECONDS, SANITIZE, fresh_cluster, notebooks
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbval.plugin import coalesce_streams, get_sanitize_patterns

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT = {"tags", "jupyter", "scrolled"}
"""Cell metadata an author sets on purpose."""
WIDGET = "application/vnd.jupyter.widget-view+json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="course.py refresh", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all of notebooks/")
    chosen, failed = parser.parse_args().notebooks or notebooks(), 0
    if strange := [str(path) for path in chosen if not path.is_file()]:
        parser.error(f"no such notebook: {', '.join(strange)}; the chapters: {', '.join(str(path) for path in notebooks())}")
    for path in chosen:
        print(f"{path.name} ", end="", flush=True)
        notebook = nbformat.read(path, as_version=4)
        saved = copy.deepcopy(notebook.cells)
        try:
            with fresh_cluster() as env:
                run(notebook, path.parent, env)
        except CellExecutionError as error:
            print(f"NOT saved: a cell failed\n{error}")
            failed += 1
            continue
        clean(notebook)
        keep_saved(notebook.cells, saved)
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        carry_over(path)
        print("saved")
    return int(bool(failed))


def run(notebook: NotebookNode, folder: Path, env: dict[str, str]) -> None:
    """Execute the notebook in place, in a kernel of this Python. Raises CellExecutionError."""
    if sys.platform == "win32":
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=PRACTICE_CELL_SECONDS, kernel_name="python3", store_widget_state=False, record_timing=False, resources=where
    )
    client.execute(env=env)


def clean(notebook: NotebookNode) -> None:
    """Leave what a reader sees, and nothing that changes by itself."""
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    notebook.nbformat_minor = 5
    ran = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = hashlib.sha256(f"{number}".encode()).hexdigest()[:8] if len(cell.get("id", "")) != 8 else cell.id
        cell.metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key in KEPT})
        if cell.cell_type != "code":
            continue
        ran += 1
        cell.execution_count = ran
        cell.outputs = [kept for output in coalesce_streams(cell.outputs) if (kept := _kept(output, ran))]


def keep_saved(cells: list[NotebookNode], saved: list[NotebookNode]) -> None:
    """Take back the saved cells' outputs if the new ones say the same in all of them."""
    patterns = get_sanitize_patterns(SANITIZE.read_text(encoding="utf-8"))

    def sanitized(cell: NotebookNode) -> str:
        text = json.dumps(cell.get("outputs"), sort_keys=True, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')
        for regex, replacement in patterns:
            text = re.sub(regex, replacement, text)
        return text

    if all(sanitized(cell) == sanitized(before) for cell, before in zip(cells, saved, strict=True)):
        for cell, before in zip(cells, saved, strict=True):
            if cell.cell_type == "code":
                cell.outputs = before.outputs


def _kept(output: NotebookNode, count: int) -> NotebookNode | None:
    """The output as it is saved; None when a reader would see nothing of it."""
    if output.output_type == "stream":
        output.text = "\n".join(line.rstrip() for line in output.text.split("\n"))
        return output if output.text.strip() else None
    if "data" in output:
        if WIDGET in output.data:
            if "text/html" not in output.data:  # what a widget says of itself; a view of ours has its twins, compared by nbval
                del output.data["text/plain"]
            del output.data[WIDGET]
        output.metadata = NotebookNode()
        if not output.data:
            return None
    if output.output_type == "execute_result":
        output.execution_count = count
    return output


if __name__ == "__main__":
    sys.exit(main())

"""The Chinese edition: a notebook of notebooks/zh-CN/ is the English one of the same name, with Markdown of its own.

`python tests/chinese.py` carries cells, their order and their outputs over from the English notebooks; `course.py refresh` does the same.
Markdown keeps its translation by its cell's id; where there is none yet it comes over in English, and tests/unit/test_zh.py names it.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

ENGLISH = Path(__file__).resolve().parent.parent / "notebooks"
CHINESE = ENGLISH / "zh-CN"


def in_step(english: NotebookNode, chinese: NotebookNode) -> NotebookNode:
    """`english` with the Markdown of `chinese`."""
    prose = {cell.id: cell.source for cell in chinese.cells if cell.cell_type == "markdown"}
    for cell in english.cells:
        if cell.cell_type == "markdown":
            cell.source = prose.get(cell.id, cell.source)
    return english


def carry_over(path: Path) -> None:
    """Bring the Chinese twin of an English notebook in step, if there is one."""
    if (twin := CHINESE / path.name).exists():
        nbformat.write(in_step(nbformat.read(path, as_version=4), nbformat.read(twin, as_version=4)), twin)


if __name__ == "__main__":
    for chapter in sorted(ENGLISH.glob("[0-9]*.ipynb")):
        carry_over(chapter)

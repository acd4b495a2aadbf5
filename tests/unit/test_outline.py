"""Every line of the document that the course mirrors is shown by cells: tests/outline.yaml says which, and they are there."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OUTLINE = yaml.safe_load((ROOT / "tests" / "outline.yaml").read_text(encoding="utf-8"))
SHOWN = [(f"{section} {line}", cell) for section, lines in OUTLINE.items() for line, cells in lines.items() for cell in cells]
SOURCE = ROOT.parent / "shared" / "source-outline.md"
PARTS = {"2", "3"}
"""Sections that hold nothing but their subsections."""


def cells(chapter: str) -> list[str]:
    """The code cells of the chapter whose number is `chapter`."""
    [path] = (ROOT / "notebooks").glob(f"{chapter}-*.ipynb")
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize(("line", "cell"), SHOWN)
def test_a_line_is_shown_by_a_cell(line, cell):
    chapter, _, text = cell.partition(": ")
    assert any(text in source for source in cells(chapter)), f"no code cell of chapter {chapter} has {text!r}"


def test_every_line_has_cells():
    assert all(cells for lines in OUTLINE.values() for cells in lines.values())


@pytest.mark.skipif(not SOURCE.exists(), reason=f"{SOURCE.name} is not beside the course")
def test_every_section_and_every_command_of_the_source_is_in_the_map():
    source, known = SOURCE.read_text(encoding="utf-8"), " ".join(line for lines in OUTLINE.values() for line in lines)
    sections = re.findall(r"^(?:## )?(\d(?:\.\d)*) ", source, re.MULTILINE)
    assert set(sections) - PARTS == set(OUTLINE)
    body = source.partition("## 1 ")[2]
    assert [term for term in re.findall(r"`([^`]+)`", body) if term not in known] == []

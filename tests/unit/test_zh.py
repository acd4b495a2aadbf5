"""The Chinese edition says in Chinese what the English one says, beside the same cells."""

import re
from pathlib import Path
from unicodedata import category

import nbformat
import pytest

ENGLISH = Path(__file__).resolve().parents[2] / "notebooks"
CHINESE = ENGLISH / "zh-CN"
TWINS = sorted(CHINESE.glob("[0-9]*.ipynb"))
FENCE = re.compile(r"^```(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
HAN = re.compile(r"[\u4e00-\u9fff]")

each_twin = pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)


def cells(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def prose(path: Path) -> dict[str, str]:
    """The notebook's Markdown, by the id of its cell."""
    return {cell.id: cell.source for cell in cells(path) if cell.cell_type == "markdown"}


def twin(path: Path) -> Path:
    """The other edition's file, for a chapter; any other file stands for both."""
    if path.parent == CHINESE:
        return ENGLISH / path.name
    return CHINESE / path.name if path.parent == ENGLISH else path


def links(text: str, folder: Path) -> set[Path | str]:
    return {link if "://" in link else (folder / link).resolve() for link in LINK.findall(text)}


def signs(text: str) -> dict[str, object]:
    """What a translation keeps: levels of headings, commands and names, kinds of diagrams, rows of tables, items of lists."""
    rest = FENCE.sub("", text)
    return {
        "headings": re.findall(r"^#+(?= )", rest, re.MULTILINE),
        "names and commands": set(SPAN.findall(rest)),
        "diagrams": FENCE.findall(text),
        "rows": len(re.findall(r"^\|", rest, re.MULTILINE)),
        "items": len(re.findall(r"^(?:-|\d+\.) ", rest, re.MULTILINE)),
        "addresses": set(re.findall(r"<https?://[^>]+>", rest)),
    }


def flat(text: str) -> list[str]:
    """Bold that CommonMark leaves as asterisks: a punctuation mark just inside them, and a letter just outside."""

    def mark(sign: str) -> bool:
        return category(sign)[0] in "PS"

    def letter(sign: str) -> bool:
        return bool(sign) and not sign.isspace() and not mark(sign)

    text = SPAN.sub("``", FENCE.sub("", text))
    return [
        bold[1]
        for bold in BOLD.finditer(text)
        if (mark(bold[1][0]) and letter(text[: bold.start()][-1:])) or (mark(bold[1][-1]) and letter(text[bold.end() :][:1]))
    ]


@each_twin
def test_all_but_the_prose_is_the_same(path):
    """Cells, their ids, order, tags and outputs. `python tests/chinese.py` brings them in step."""

    def without_prose(path: Path) -> list:
        return [{**cell, "source": ""} if cell.cell_type == "markdown" else cell for cell in cells(path)]

    assert without_prose(path) == without_prose(ENGLISH / path.name)


@each_twin
def test_every_text_is_in_chinese(path):
    assert [source for source in prose(path).values() if FENCE.sub("", source).strip() and not HAN.search(source)] == []


@each_twin
def test_a_translation_keeps_names_commands_and_structure(path):
    english = prose(ENGLISH / path.name)
    for key, source in prose(path).items():
        assert signs(source) == signs(english[key]), f"cell {key}"


@each_twin
def test_links_lead_to_the_same_places(path):
    english = prose(ENGLISH / path.name)
    for key, source in prose(path).items():
        theirs = {target if isinstance(target, str) else twin(target) for target in links(english[key], ENGLISH)}
        assert links(source, CHINESE) == theirs, f"cell {key}"


@each_twin
def test_bold_is_bold(path):
    assert [bold for source in prose(path).values() for bold in flat(source)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("**预测：**哪个？", ["预测："]), ("**预测**：哪个？", []), ("这是**“卷”**", ["“卷”"]), ("**猜：** 一个", [])],
)
def test_bold_that_stays_flat_is_found(text, found):
    assert flat(text) == found


def test_every_chapter_has_its_twin():
    assert {path.name for path in ENGLISH.glob("[0-9]*.ipynb")} == {path.name for path in TWINS}

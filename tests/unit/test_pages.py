"""The pages a reader meets, README, docs and chapters: links lead somewhere, commands and files that are named exist, chapters keep
their anatomy."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest

from kubeschool.clusters.__main__ import arguments_parser

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"")
MANIFEST = re.compile(r"manifests/[\w./-]+\.\w+")
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
DOCUMENTS = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")), *sorted((ROOT / "docs").glob("*.md")), *CHAPTERS]
LINES = 12
MADE_BY_THE_READER = {"kubeschool/practice/runtime/images/greeter.py"}
PAGES = [path for path in DOCUMENTS if path.suffix == ".md"]
ANCHOR = re.compile(r"\]\(([^)\s#]*\.md)?#([^)]+)\)")
COMMAND = re.compile(r"course\.py ((?:lab|test|cluster|refresh|new)\b[^`\n#&|;…]*)")
FILE = re.compile(r"`((?:kubeschool|tests|docs|binder|manifests|notebooks|labs|benchmarks)/[\w./-]+)`")


def broken(text: str, folder: Path) -> list[str]:
    """Relative links of a Markdown text that lead nowhere."""
    links = [link or source for link, source in LINK.findall(text)]
    return [link for link in links if "://" not in link and not (folder / link).exists()]


def markdown(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


def code(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def named(path: Path) -> str:
    return path.name


def test_a_broken_link_is_found():
    text = '[here](test_pages.py), [there](no-such-file.md#part), [outside](https://example.com/x), <img src="no.png">'
    assert broken(text, Path(__file__).parent) == ["no-such-file.md", "no.png"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path):
    assert broken(markdown(path), path.parent) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=named)
def test_files_that_cells_name_are_there(path):
    files = {name for source in [*code(path), markdown(path)] for name in MANIFEST.findall(source)}
    assert [name for name in files if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=named)
def test_a_chapter_begins_with_connect_and_ends_with_its_clean_up(path):
    first, *rest = cells = code(path)
    assert re.fullmatch(r'import kubeschool\ncluster = kubeschool\.connect\(namespace="[a-z-]+"\)', first)
    assert cells[-1] == "cluster.clean_up()"
    assert any("kubeschool.quiz(" in source for source in rest)
    assert markdown(path).startswith(f"# {path.name[:2]} · ")


@pytest.mark.parametrize("path", CHAPTERS, ids=named)
def test_cells_are_short_and_never_fail_unseen(path):
    for source in code(path):
        lines = [line for line in source.splitlines() if line.strip()]
        assert len(lines) <= LINES, source
        assert not any(line.lstrip().startswith("!") for line in lines), f"! hides a failure; use %kubectl: {source}"
        assert "sleep(" not in source, f"wait for a condition: {source}"


def heading_ids(path: Path) -> set[str]:
    """The anchors GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_anchors_are_headings(path):
    text = path.read_text(encoding="utf-8")
    assert [part for file, part in ANCHOR.findall(text) if part not in heading_ids(path.parent / file if file else path)] == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_files_that_pages_name_are_there(path):
    names = FILE.findall(path.read_text(encoding="utf-8"))
    there = {name for name in names if (ROOT / name).exists() or "NN" in name}
    assert set(names) - there <= MADE_BY_THE_READER


def refused(command: str, lanes) -> bool:
    """Whether course.py would not take these words, e.g. "cluster up --nodes 3"."""
    first, *words = [word.rstrip(".,:;)") for word in command.split()]
    if first == "test":
        return not set(words) <= {"all", *(lane.name for lane in lanes.LANES), "--retry"}
    if first == "cluster" and words:
        try:
            arguments_parser().parse_args(words)
        except SystemExit:
            return True
    if first == "lab" and "--cluster" in words:
        return words[words.index("--cluster") + 1].partition(":")[0] not in ("practice", "kind", "minikube", "context", "NAME")
    if first == "refresh":
        return not all((ROOT / word).exists() for word in words if word != "NOTEBOOK")
    return first == "new" and words[0] not in ("chapter", "lab")


def test_a_command_that_is_not_one_is_found(lanes):
    wrong = ["test units", "cluster go", "cluster up --speed fast", "lab --cluster minicube", "refresh notebooks/99.ipynb", "new quiz"]
    assert all(refused(command, lanes) for command in wrong)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_of_pages_are_commands(path, lanes):
    assert [command for command in COMMAND.findall(path.read_text(encoding="utf-8")) if refused(command, lanes)] == []


@pytest.fixture
def lanes(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    return importlib.import_module("lanes")


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").glob("*")), ids=named)
def test_pictures_are_pictures_and_are_shown(picture):
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert any(f"pictures/{picture.name}" in path.read_text(encoding="utf-8") for path in PAGES)


def test_the_readme_repeats_what_stands_elsewhere(monkeypatch):
    """tests/tools/readme.py writes it."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "tools"))
    readme = importlib.import_module("readme")
    text = readme.README.read_text(encoding="utf-8")
    assert readme.filled(text) == text
    for chapter in CHAPTERS:
        assert f"| [{chapter.stem}](notebooks/{chapter.name}) |" in text
        assert f"[launch]({readme.launch(f'notebooks/{chapter.name}')}) |" in text


@pytest.mark.parametrize("path", [*CHAPTERS, *sorted((ROOT / "labs").glob("*.ipynb"))], ids=named)
def test_notebooks_were_saved_by_one_run(path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    assert importlib.import_module("true_outputs").faults(path) == []

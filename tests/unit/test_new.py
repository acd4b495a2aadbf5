"""`course.py new`: what it makes runs as it is."""

import importlib

import nbformat
import pytest
import yaml

from kubeschool.checks import lab as labs
from kubeschool.checks.quiz import questions
from kubeschool.paths import ROOT


@pytest.fixture
def new(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    return importlib.import_module("new")


def test_a_chapter_has_the_anatomy_of_the_others(new, tmp_path, monkeypatch):
    assert new.main(["chapter", "11-storage"], tmp_path) == 0
    cells = nbformat.read(tmp_path / "notebooks" / "11-storage.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert 'connect(namespace="storage")' in code[0] and code[-1] == "cluster.clean_up()" and 'cluster.check("11.1")' in code
    compile((tmp_path / "kubeschool/checks/chapters/chapter_11.py").read_text(), "chapter_11.py", "exec")
    monkeypatch.setattr("kubeschool.checks.quiz.FOLDER", tmp_path / "kubeschool/checks/quizzes")
    assert [question.id for question in questions("11-storage")] == ["11-q1"]
    assert yaml.safe_load((tmp_path / "manifests/11-storage/pod.yaml").read_text())["kind"] == "Pod"


def test_a_lab_is_found_by_its_id(new, tmp_path, monkeypatch):
    assert new.main(["lab", "L23-no-route"], tmp_path) == 0
    made = labs._load(tmp_path / "labs" / "L23-no-route" / "lab.py")
    assert made.id == "L23" and len(made.goals) == 1 and made.broken in (tmp_path / "labs" / "L23-no-route" / "broken.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["lab", "23-no-route"], "it looks like 11-storage or L23-no-route"),
        (["chapter", "storage"], "it looks like 11-storage or L23-no-route"),
        (["lab", "L01-wrong-image-tag"], "is there already"),
    ],
)
def test_a_wrong_or_taken_name_is_refused(new, words, error, capsys):
    with pytest.raises(SystemExit):
        new.main(words)
    assert error in capsys.readouterr().err

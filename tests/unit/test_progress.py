"""kubeschool.progress(): what is reached, chapter by chapter."""

import pytest

import kubeschool
from kubeschool.checks import record


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path))


def line(chapter: str) -> str:
    return next(line for line in str(kubeschool.progress()).splitlines() if line.startswith(chapter))


def test_nothing_is_reached_at_first():
    assert "●" not in str(kubeschool.progress())
    assert "0 of 3: ○ 7.1 ○ 7.2 ○ 7.3" in line("07-nginx-demo")


def test_a_checkpoint_and_a_question_count_for_their_chapter_only():
    before = line("04-pods")
    record.reached("7.2")
    record.reached("07-q1")
    assert "1 of 3: ○ 7.1 ● 7.2 ○ 7.3" in line("07-nginx-demo") and "questions 1 of 5" in line("07-nginx-demo")
    assert line("04-pods") == before


def test_the_table_says_what_the_text_says():
    record.reached("0.1")
    bundle = kubeschool.progress()._repr_mimebundle_()
    assert bundle["text/plain"] == str(kubeschool.progress())
    assert "<td>00-start-here</td><td>● 0.1</td>" in bundle["text/html"]

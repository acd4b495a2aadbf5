"""Verdicts, the record of what was reached, quizzes, and what the lanes do with checkpoints."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest

import kubeschool
from kubeschool.checks import checkpoint, quiz, record
from kubeschool.checks.verdict import NotDone, done, not_started, not_yet
from kubeschool.errors import CourseError

TESTS = Path(__file__).resolve().parents[1]
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path))
    monkeypatch.delenv("KUBESCHOOL_CHECKS", raising=False)
    return tmp_path


@pytest.fixture
def answer(monkeypatch):
    """A checkpoint "9.1" that looks no further than what the test puts in: answer(verdict)."""
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", dict(checkpoint.every()))
    verdicts = []
    checkpoint.checkpoint("9.1", objective="o", solution="\npass\n", wrong={})(lambda cluster: verdicts[-1])
    return verdicts.append


def test_every_checkpoint_has_wrong_answers_and_an_objective():
    assert all(len(each.wrong) >= 2 and each.objective for each in checkpoint.every().values())


def test_a_verdict_says_what_the_cluster_says_and_what_to_try():
    verdict = not_yet("web is not Ready", why="ErrImagePull: <nope>", next="%kubectl describe pod web")
    assert str(verdict) == "◐ not yet: web is not Ready\nthe cluster says: ErrImagePull: <nope>\ntry: %kubectl describe pod web"
    assert str(done("there it is")) == "● done: there it is"


def test_what_comes_from_the_cluster_is_escaped():
    shown = not_yet("no", why="<script>")._repr_mimebundle_()
    assert "<script>" in shown["text/plain"] and "<script>" not in shown["text/html"] and "&lt;script&gt;" in shown["text/html"]


def test_only_what_is_done_is_kept(answer):
    answer(not_started("nothing yet"))
    checkpoint.check(None, "9.1")
    assert record.everything() == {}
    answer(done("good"))
    checkpoint.check(None, "9.1")
    assert list(record.everything()) == ["9.1"]


def test_in_the_lanes_what_is_not_done_raises(answer, monkeypatch):
    monkeypatch.setenv("KUBESCHOOL_CHECKS", "raise")
    answer(not_yet("web is not Ready"))
    with pytest.raises(NotDone, match=r"checkpoint 9\.1: .*web is not Ready"):
        checkpoint.check(None, "9.1")
    answer(done("good"))
    assert checkpoint.check(None, "9.1").state == "done"


def test_an_unknown_checkpoint_names_those_there_are(answer):
    with pytest.raises(CourseError, match=r'no checkpoint "9\.9".*9\.1'):
        checkpoint.check(None, "9.9")


def test_the_first_day_counts_and_forgetting_starts_over(home):
    (home / "progress.json").write_text('{"4.1": "2026-01-01"}')
    record.reached("4.1")
    record.reached("4.2")
    assert record.everything()["4.1"] == "2026-01-01" and set(record.everything()) == {"4.1", "4.2"}
    record.forget()
    record.forget()
    assert record.everything() == {}


@pytest.mark.parametrize("damage", ["", "{", "\x00"])
def test_a_damaged_record_is_an_empty_one(home, damage):
    (home / "progress.json").write_text(damage)
    assert record.everything() == {}
    record.reached("4.1")
    assert list(record.everything()) == ["4.1"]


def test_a_question_has_one_right_choice():
    with pytest.raises(ValueError, match="q1"):
        quiz.Question("q1", "o", "?", (quiz.Choice("a", "why", right=True), quiz.Choice("b", "why", right=True)))


def test_a_chapter_without_quiz_names_those_that_have_one():
    with pytest.raises(CourseError, match="04-pods"):
        kubeschool.quiz("99-nowhere")


def test_picking_answers_and_keeps_what_was_right():
    question = quiz.questions("04-pods")[0]
    _, picked, answer = quiz._card(question, {}, quiz.WORDS[quiz.ENGLISH]).children
    right = next(i for i, choice in enumerate(question.choices) if choice.right)
    picked.value = (right + 1) % len(question.choices)
    assert "Not quite" in answer.value and record.everything() == {}
    picked.value = right
    assert "Right" in answer.value and list(record.everything()) == [question.id]


def test_a_grade_counts_first_answers_and_says_what_to_read():
    shown = kubeschool.quiz("10-faq-and-exam")
    for question, good in zip(shown.questions, (True, False), strict=False):
        _, picked, _ = quiz._card(question, shown.first, quiz.WORDS[quiz.ENGLISH]).children
        right = next(i for i, choice in enumerate(question.choices) if choice.right)
        picked.value = right if good else (right + 1) % len(question.choices)
        picked.value = right
    head, wrong = str(shown.grade()).splitlines()
    assert head == f"1 of {len(shown.questions)} right at the first try, 2 answered"
    assert shown.questions[1].text in wrong and shown.questions[1].read in wrong


@pytest.mark.parametrize("chapter", sorted(path.stem for path in quiz.FOLDER.glob("*.yaml")))
def test_a_quiz_can_be_read_without_widgets_and_explains_every_choice(chapter):
    shown = kubeschool.quiz(chapter)
    assert all(choice.why for question in shown.questions for choice in question.choices)
    assert len({question.id for question in shown.questions}) == len(shown.questions)
    assert all(question.text in str(shown) for question in shown.questions)


@pytest.mark.parametrize("chapter", sorted(path.stem for path in quiz.FOLDER.glob("*.yaml")))
def test_every_objective_of_a_chapter_is_tested(chapter):
    first = nbformat.read(TESTS.parent / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
    tested = {question.objective for question in quiz.questions(chapter)} | {c.objective for c in checkpoint.every().values()}
    stated = {line.split("`")[1] for line in first.splitlines() if line.startswith("- `")}
    assert stated and stated <= tested


@pytest.mark.parametrize("chapter", sorted(path.stem for path in quiz.FOLDER.glob("*.yaml")))
def test_a_notebook_of_the_chinese_edition_asks_in_chinese(chapter, monkeypatch):
    english = kubeschool.quiz(chapter)
    monkeypatch.setenv("JPY_SESSION_NAME", f"/home/jovyan/notebooks/zh-CN/{chapter}.ipynb")
    chinese = kubeschool.quiz(chapter)
    assert [q.id for q in chinese.questions] == [q.id for q in english.questions]
    for ours, theirs in zip(chinese.questions, english.questions, strict=True):
        assert (ours.objective, ours.read) == (theirs.objective, theirs.read) and HAN.search(ours.text)
        assert [choice.right for choice in ours.choices] == [choice.right for choice in theirs.choices]
        assert all(HAN.search(choice.why) for choice in ours.choices)
    assert "第一次" in str(chinese.grade())


def test_the_right_choice_stands_anywhere():
    every = [question for path in quiz.FOLDER.glob("*.yaml") for question in quiz.questions(path.stem)]
    rights = [[choice.right for choice in question.choices].index(True) for question in every]
    assert max(rights.count(place) for place in range(3)) < len(rights) / 2


def solved(monkeypatch, *cells):
    monkeypatch.syspath_prepend(str(TESTS))
    return importlib.import_module("solved").solve(nbformat.v4.new_notebook(cells=list(cells)))


def turn():
    return nbformat.v4.new_code_cell("# Your turn", metadata={"tags": ["your-turn"]})


def test_the_lanes_put_the_solution_where_the_learner_works(monkeypatch, answer):
    other, check = nbformat.v4.new_code_cell("%kubectl get pods"), nbformat.v4.new_code_cell('cluster.check("9.1")')
    cells = solved(monkeypatch, other, turn(), check).cells
    assert [cell.source for cell in cells] == ["%kubectl get pods", "pass", 'cluster.check("9.1")']
    assert cells[1].metadata.tags == ["your-turn", "nbval-ignore-output"]


def test_a_cell_for_the_learner_without_a_check_is_an_error(monkeypatch):
    for cells in ([turn()], [turn(), turn(), nbformat.v4.new_code_cell('cluster.check("4.1")')]):
        with pytest.raises(ValueError, match="Your turn"):
            solved(monkeypatch, *cells)

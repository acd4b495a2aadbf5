"""Quiz questions: a widget to answer with, a list to read where there are no widgets. Questions are data, `quizzes/CHAPTER.yaml`, and in
Chinese `quizzes/zh-CN/CHAPTER.yaml`, for the notebooks of that folder."""

import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from zlib import crc32

import yaml

from kubeschool.checks import record
from kubeschool.errors import CourseError

FOLDER = Path(__file__).parent / "quizzes"
ENGLISH, CHINESE = "", "zh-CN"
WORDS = {
    ENGLISH: {
        "right": "✔ Right.",
        "wrong": "✘ Not quite.",
        "grade": "{right} of {all} right at the first try, {answered} answered",
        "again": "read again: {chapter}",
    },
    CHINESE: {
        "right": "✔ 对。",
        "wrong": "✘ 还不对。",
        "grade": "{all} 题中答了 {answered} 题，第一次就答对的有 {right} 题",
        "again": "再读一遍：{chapter}",
    },
}


@dataclass(frozen=True)
class Choice:
    """`why` is shown when the choice is picked, right or wrong."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """`read` is where the answer is found: the chapter itself, or another one."""

    id: str
    objective: str
    text: str
    choices: tuple[Choice, ...]
    read: str = ""

    def __post_init__(self):
        if sum(choice.right for choice in self.choices) != 1:
            raise ValueError(f"question {self.id} needs exactly one right choice")


def language() -> str:
    """Of the notebook that this kernel works for, by its folder; JupyterLab names it in $JPY_SESSION_NAME."""
    return CHINESE if Path(os.environ.get("JPY_SESSION_NAME", "")).parent.name == CHINESE else ENGLISH


def questions(chapter: str, language: str = ENGLISH) -> list[Question]:
    """The questions of a chapter, e.g. "04-pods", their choices shuffled, always in the same way. Raises CourseError when it has none."""
    translated = FOLDER / language / f"{chapter}.yaml"
    path = translated if translated.is_file() else FOLDER / f"{chapter}.yaml"
    if not path.is_file():
        raise CourseError(f'chapter "{chapter}" has no quiz; there are: {", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))}')
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [Question(e["id"], e["objective"], e["question"], _choices(e), e.get("read", chapter)) for e in entries]


def _choices(entry: dict) -> tuple[Choice, ...]:
    numbered = sorted(enumerate(entry["choices"]), key=lambda choice: crc32(f"{entry['id']} {choice[0]}".encode()))
    return tuple(Choice(**choice) for _, choice in numbered)


class Quiz:
    """All questions of a chapter, one below the other. `first` is whether the first answer to a question (its id) was right."""

    def __init__(self, chapter: str):
        chosen = language()
        self.questions, self._words = questions(chapter, chosen), WORDS[chosen]
        self.first: dict[str, bool] = {}

    def grade(self) -> "Grade":
        """How many first answers were right, and what to read again."""
        return Grade(self.questions, dict(self.first), self._words)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        import ipywidgets

        widget = ipywidgets.VBox([_card(question, self.first, self._words) for question in self.questions])
        return {**widget._repr_mimebundle_(), "text/plain": str(self), "text/html": self._static()}

    def __str__(self) -> str:
        return "\n\n".join(
            "\n".join([f"{q.id}  {q.text}", *(f"  {letter}) {c.text}" for letter, c in zip("abcdef", q.choices, strict=False))])
            for q in self.questions
        )

    def _static(self) -> str:
        items = "".join(
            f"<li><b>{escape(q.text)}</b><ol type='a'>{''.join(f'<li>{escape(c.text)}</li>' for c in q.choices)}</ol></li>"
            for q in self.questions
        )
        return f"<ol>{items}</ol>"


@dataclass(frozen=True)
class Grade:
    """`str()` of it and its table say the same."""

    questions: list[Question]
    first: dict[str, bool] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=lambda: WORDS[ENGLISH])

    @property
    def lines(self) -> list[str]:
        right = sum(self.first.values())
        lines = [self.words["grade"].format(right=right, all=len(self.questions), answered=len(self.first))]
        for question in self.questions:
            if not self.first.get(question.id, True):
                lines.append(f"◐ {question.id}  {question.text}  ({self.words['again'].format(chapter=question.read)})")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        rows = "".join(f"<div>{escape(line)}</div>" for line in self.lines)
        return {"text/plain": str(self), "text/html": f"<div>{rows}</div>"}


def _card(question: Question, first: dict[str, bool], words: dict[str, str]):
    import ipywidgets as widgets

    picked = widgets.RadioButtons(
        options=[(choice.text, i) for i, choice in enumerate(question.choices)],
        value=None,
        layout=widgets.Layout(width="auto"),
        tooltip=question.text,
    )
    answer = widgets.HTML()
    answer.layout.margin = "0 0 16px 0"

    def show(change) -> None:
        choice = question.choices[change["new"]]
        mark = words["right" if choice.right else "wrong"]
        first.setdefault(question.id, choice.right)
        answer.value = f"<div role='status'><b>{mark}</b> {escape(choice.why)}</div>"
        if choice.right:
            record.reached(question.id)

    picked.observe(show, "value")
    return widgets.VBox([widgets.HTML(f"<b>{escape(question.text)}</b>"), picked, answer])

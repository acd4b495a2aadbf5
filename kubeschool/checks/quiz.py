"""Quiz questions: a widget to answer with, a list to read where there are no widgets. Questions are data, `quizzes/CHAPTER.yaml`."""
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import yaml

from kubeschool.checks import record
from kubeschool.errors import CourseError

FOLDER = Path(__file__).parent / "quizzes"


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


def questions(chapter: str) -> list[Question]:
    """The questions of a chapter, e.g. "04-pods". Raises CourseError when it has none."""
    path = FOLDER / f"{chapter}.yaml"
    if not path.is_file():
        raise CourseError(f'chapter "{chapter}" has no quiz; there are: {", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))}')
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Question(e["id"], e["objective"], e["question"], tuple(Choice(**c) for c in e["choices"]), e.get("read", chapter)) for e in entries
    ]


class Quiz:
    """All questions of a chapter, one below the other. `first` is whether the first answer to a question (its id) was right."""

    def __init__(self, chapter: str):
        self.questions = questions(chapter)
        self.first: dict[str, bool] = {}

    def grade(self) -> "Grade":
        """How many first answers were right, and what to read again."""
        return Grade(self.questions, dict(self.first))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        import ipywidgets

        widget = ipywidgets.VBox([_card(question, self.first) for question in self.questions])
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

    @property
    def lines(self) -> list[str]:
        right = sum(self.first.values())
        lines = [f"{right} of {len(self.questions)} right at the first try, {len(self.first)} answered"]
        for question in self.questions:
            if not self.first.get(question.id, True):
                lines.append(f"◐ {question.id}  {question.text}  (read again: {question.read})")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        rows = "".join(f"<div>{escape(line)}</div>" for line in self.lines)
        return {"text/plain": str(self), "text/html": f"<div>{rows}</div>"}


def _card(question: Question, first: dict[str, bool]):
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
        mark = "✔ Right." if choice.right else "✘ Not quite."
        first.setdefault(question.id, choice.right)
        answer.value = f"<div role='status'><b>{mark}</b> {escape(choice.why)}</div>"
        if choice.right:
            record.reached(question.id)

    picked.observe(show, "value")
    return widgets.VBox([widgets.HTML(f"<b>{escape(question.text)}</b>"), picked, answer])

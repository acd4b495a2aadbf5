"""What is reached, chapter by chapter: `kubeschool.progress()`."""

from dataclasses import dataclass
from html import escape

from kubeschool.checks import checkpoint, quiz, record


@dataclass(frozen=True)
class Chapter:
    """`checkpoints` and `questions` map each id to whether it is reached."""

    name: str
    checkpoints: dict[str, bool]
    questions: dict[str, bool]


def chapters() -> list[Chapter]:
    """Every chapter that has a quiz, in order, with what this learner has reached in it."""
    reached = record.everything()
    checkpoints = sorted(checkpoint.every(), key=lambda id: [int(part) for part in id.split(".")])
    return [
        Chapter(
            name,
            {id: id in reached for id in checkpoints if int(id.split(".")[0]) == int(name[:2])},
            {question.id: question.id in reached for question in quiz.questions(name)},
        )
        for name in sorted(path.stem for path in quiz.FOLDER.glob("[0-9]*.yaml"))
    ]


class Progress:
    """A table of the chapters; `str()` of it says the same."""

    def __init__(self):
        self.chapters = chapters()

    def __str__(self) -> str:
        width = max((len(chapter.name) for chapter in self.chapters), default=0)
        return "\n".join(
            f"{chapter.name:{width}}  checkpoints {_count(chapter.checkpoints)}: {_marks(chapter.checkpoints)}"
            f"  questions {_count(chapter.questions)}"
            for chapter in self.chapters
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        rows = "".join(
            f"<tr><td>{escape(chapter.name)}</td><td>{_marks(chapter.checkpoints)}</td><td>{_count(chapter.questions)}</td></tr>"
            for chapter in self.chapters
        )
        head = "<tr><th>chapter</th><th>checkpoints</th><th>questions</th></tr>"
        return {"text/plain": str(self), "text/html": f"<table>{head}{rows}</table>"}


def _marks(reached: dict[str, bool]) -> str:
    return " ".join(f"{'●' if yes else '○'} {id}" for id, yes in reached.items())


def _count(reached: dict[str, bool]) -> str:
    return f"{sum(reached.values())} of {len(reached)}"

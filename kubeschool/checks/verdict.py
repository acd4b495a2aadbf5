"""The answer of a check: not started, not yet (wanted against seen, why, what to try), or done."""
from dataclasses import dataclass
from html import escape

from kubeschool.errors import CourseError

NOT_STARTED, NOT_YET, DONE = "not started", "not yet", "done"
_MARKS = {NOT_STARTED: "○", NOT_YET: "◐", DONE: "●"}


class NotDone(CourseError):
    """Raised in place of showing a verdict when $KUBESCHOOL_CHECKS is `raise`, as the test lanes set it."""


@dataclass(frozen=True)
class Verdict:
    """`text` says it in a sentence. `why` is the cluster's own word (an event, a state), `next` a command to try."""

    state: str
    text: str
    why: str = ""
    next: str = ""

    @property
    def mark(self) -> str:
        return _MARKS[self.state]

    @property
    def lines(self) -> list[tuple[str, str]]:
        lines = [(f"{self.mark} {self.state}", self.text)]
        lines += [("the cluster says", self.why)] if self.why else []
        return lines + ([("try", self.next)] if self.next else [])

    def __str__(self) -> str:
        return "\n".join(f"{label}: {text}" for label, text in self.lines)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        rows = "".join(f"<div><b>{escape(label)}</b>: {escape(text)}</div>" for label, text in self.lines)
        return {"text/plain": str(self), "text/html": f"<div>{rows}</div>"}


def not_started(text: str, next: str = "") -> Verdict:
    return Verdict(NOT_STARTED, text, next=next)


def not_yet(text: str, *, why: str = "", next: str = "") -> Verdict:
    return Verdict(NOT_YET, text, why, next)


def done(text: str) -> Verdict:
    return Verdict(DONE, text)

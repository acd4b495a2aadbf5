"""The answer of explain(): readable as text, as HTML, and as a list of findings."""

from dataclasses import dataclass
from html import escape

from kubeschool.inspectors.view import COLOURS, MARKS


@dataclass(frozen=True)
class Finding:
    """One trouble of `ref` ("pod/web"), or that it has none. `state` is a key of MARKS, `id` the situation's, `subject` e.g. a container.

    `wrong` is one sentence; `said` the cluster's own words; `means` why that is so; `see` and `fix` are commands, or words.
    """

    ref: str
    state: str
    wrong: str
    said: str = ""
    means: str = ""
    see: str = ""
    fix: str = ""
    id: str = ""
    subject: str = ""

    @property
    def headline(self) -> str:
        return f"{self.ref}: {self.wrong}" if self.ref else self.wrong

    @property
    def lines(self) -> list[tuple[str, str]]:
        lines = [("the cluster says", self.said), ("it means", self.means), ("to see it", self.see), ("try", self.fix)]
        return [(label, text) for label, text in lines if text]

    def __str__(self) -> str:
        return "\n".join([f"{MARKS[self.state]} {self.headline}", *(f"    {label}: {text}" for label, text in self.lines)])

    @property
    def html(self) -> str:
        mark = f"<span style='color:{COLOURS[self.state]}' title='{self.state}'>{MARKS[self.state]}</span>"
        rows = "".join(f"<div style='margin-left:1.5em'><i>{label}:</i> {escape(text)}</div>" for label, text in self.lines)
        return f"<div>{mark} <b>{escape(self.headline)}</b>{rows}</div>"


class Explanation:
    """What explain() found, in the order of the tables. `str()` of it says all."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings

    @property
    def healthy(self) -> bool:
        return all(finding.state == "good" for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": "".join(finding.html for finding in self.findings)}

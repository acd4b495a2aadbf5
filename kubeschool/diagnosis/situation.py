"""A row of a table: what the cluster shows, and what to say about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.explanation import Finding


@dataclass(frozen=True)
class Clue:
    """Where a sign was seen: on which container or node reason (`subject`), in which words, and what they name."""

    subject: str
    said: str
    values: dict[str, str]


Sign = Callable[[Evidence], Iterable[Clue]]


@dataclass(frozen=True)
class Situation:
    """`wrong`, `means`, `see` and `fix` may name {container}, {image}, {node}, whatever the sign's pattern names, and Evidence.words.

    Of the rows that fit one subject the first counts, so the exact ones stand before the general ones.
    """

    id: str
    sign: Sign
    wrong: str
    means: str
    fix: str
    see: str = "kubectl describe {type} {name}{n}"
    state: str = "bad"
    last_resort: bool = False
    """Only when no row before fits."""


def findings(table: Iterable[Situation], evidence: Evidence) -> list[Finding]:
    """The rows that fit, one for each subject."""
    found: dict[str, Finding] = {}
    for row in table:
        for clue in () if row.last_resort and found else row.sign(evidence):
            if clue.subject not in found:
                found[clue.subject] = _finding(row, clue, evidence)
    return list(found.values())


def _finding(row: Situation, clue: Clue, evidence: Evidence) -> Finding:
    words = {**evidence.words, **clue.values}
    wrong, means, see, fix = (text.format_map(words) for text in (row.wrong, row.means, row.see, row.fix))
    return Finding(evidence.ref, row.state, wrong, clue.said.strip(), means, see, fix, row.id, clue.subject)

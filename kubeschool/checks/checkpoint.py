"""Checkpoints: a task in a chapter, and a function that looks at the cluster (never at what was typed).

One module a chapter in `chapters/`; its checkpoints are found by their id, `CHAPTER.NUMBER`.
"""
import importlib
import os
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field

from kubeschool.checks import chapters, record
from kubeschool.checks.verdict import DONE, NotDone, Verdict
from kubeschool.errors import CourseError


@dataclass(frozen=True)
class Checkpoint:
    """`solution` is the text of a cell that solves it. `wrong` maps plausible wrong cells to words their verdict must contain.

    `before` makes, in an empty namespace, what the chapter has made by then and the task needs (tests/checkpoints/).
    """

    id: str
    objective: str
    look: Callable[..., Verdict]
    solution: str
    wrong: dict[str, str] = field(default_factory=dict)
    before: str = ""


CHECKPOINTS: dict[str, Checkpoint] = {}


def checkpoint(id: str, *, objective: str, solution: str, wrong: dict[str, str], before: str = "") -> Callable:
    """Decorate `look(cluster) -> Verdict`."""

    def register(look: Callable[..., Verdict]) -> Callable[..., Verdict]:
        CHECKPOINTS[id] = Checkpoint(id, objective, look, solution.strip("\n"), wrong, before)
        return look

    return register


def every() -> dict[str, Checkpoint]:
    """The checkpoints of all chapters, by their ids."""
    for module in pkgutil.iter_modules(chapters.__path__):
        importlib.import_module(f"{chapters.__name__}.{module.name}")
    return CHECKPOINTS


def find(id: str) -> Checkpoint:
    """The checkpoint with this id. Raises CourseError."""
    known = every()
    if id not in known:
        raise CourseError(f'there is no checkpoint "{id}"; there are: {", ".join(sorted(known))}')
    return known[id]


def check(cluster, id: str) -> Verdict:
    """Look at the cluster and say how far the learner is; what is done is kept. Raises NotDone in the test lanes."""
    verdict = find(id).look(cluster)
    if verdict.state == DONE:
        record.reached(id)
    elif os.environ.get("KUBESCHOOL_CHECKS") == "raise":
        raise NotDone(f"checkpoint {id}: {verdict}")
    return verdict

"""Labs: a story, something broken, goals that look at the cluster. One folder a lab in `labs/`: `lab.py` and the YAML it breaks with.

`docs/writing-a-lab.md` says how to add one; tests/labs/ proves each.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kubeschool import paths
from kubeschool.checks.verdict import Verdict
from kubeschool.errors import CourseError

FOLDER = paths.ROOT / "labs"
BROKEN = "broken.yaml"
LEVELS = {1: "first steps", 2: "a second look", 3: "detective work"}


@dataclass(frozen=True)
class Goal:
    """`look(cluster) -> Verdict` says how far it is, from the effects."""

    text: str
    look: Callable[..., Verdict]


@dataclass
class Lab:
    """What `lab.py` holds, as `LAB`.

    level         1 to 3, see LEVELS
    minutes       how long it may take a learner
    broken        words the goals' verdicts contain at the start: the stated reason
    hints         three, from vague to exact
    wrong         half-fixes and cheats: the text of a cell, and words the verdicts then contain
    repairs       at least two sound ones: what it does, and the text of a cell
    explanation   what was wrong and why the repairs work, Markdown
    needs         features asked of `cluster.can()`
    set_up        `set_up(cluster)`, after broken.yaml was applied
    tear_down     `tear_down(cluster)`, before the namespace is removed: undoes what lies outside it
    """

    title: str
    level: int
    minutes: int
    story: str
    broken: str
    hints: tuple[str, str, str]
    wrong: dict[str, str]
    repairs: dict[str, str]
    explanation: str
    needs: tuple[str, ...] = ()
    set_up: Callable[..., None] = lambda cluster: None
    tear_down: Callable[..., None] = lambda cluster: None
    goals: list[Goal] = field(default_factory=list)
    folder: Path = FOLDER

    @property
    def id(self) -> str:
        return self.folder.name.partition("-")[0]

    @property
    def namespace(self) -> str:
        return f"lab-{self.id.lower()}"

    def hint(self, number: int) -> str:
        """The hint of this `number`, or the nearest there is; Markdown."""
        number = max(1, min(number, len(self.hints)))
        return f"Hint {number} of {len(self.hints)}. {self.hints[number - 1]}"

    def solution(self) -> str:
        """What was wrong, and every repair that is known to be sound; Markdown."""
        repairs = (f"**{name}**\n```\n{cell.strip()}\n```" for name, cell in self.repairs.items())
        return "\n\n".join([self.explanation.strip(), *repairs])

    def goal(self, text: str) -> Callable:
        """Decorate `look(cluster) -> Verdict`."""

        def add(look: Callable[..., Verdict]) -> Callable[..., Verdict]:
            self.goals.append(Goal(text, look))
            return look

        return add


@cache
def every() -> dict[str, Lab]:
    """All labs by their ids, in order."""
    return {lab.id: lab for lab in map(_load, sorted(FOLDER.glob("L[0-9]*/lab.py")))}


def find(id: str) -> Lab:
    """The lab with this id, e.g. "L03". Raises CourseError."""
    if id.upper() not in every():
        raise CourseError(f'there is no lab "{id}"; there are: {", ".join(every())}')
    return every()[id.upper()]


def _load(path: Path) -> Lab:
    spec = importlib.util.spec_from_file_location(f"labs.{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.LAB.folder = path.parent
    return module.LAB

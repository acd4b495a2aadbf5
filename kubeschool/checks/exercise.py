"""A lab at work on a cluster: `lab = cluster.lab("L03")`. What it must remember (when it began) stands on its namespace."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from kubeschool.api import message
from kubeschool.checks import lab as labs
from kubeschool.checks import look, record
from kubeschool.checks.lab import Goal, Lab
from kubeschool.checks.verdict import DONE, Verdict, not_yet
from kubeschool.errors import CourseError

STARTED, REPAIRED = "kubeschool.dev/lab-started", "kubeschool.dev/lab-repaired"
REFRESH_SECONDS, PAUSE_SECONDS = 0.5, 0.1


class Exercise:
    """One lab on one cluster. Joins the lab where it was left; `reset()` breaks everything anew."""

    def __init__(self, cluster, lab: Lab):
        """Raises CourseError on a cluster that lacks what the lab needs."""
        for feature in lab.needs:
            if not (able := cluster.can(feature)):
                raise CourseError(f"lab {lab.id} cannot run here: {able.reason}")
        self.cluster, self.lab = cluster, lab
        self._before = "default" if cluster.namespace == lab.namespace else cluster.namespace
        self._hints = 0
        self._watching: threading.Event | None = None
        self._live = None
        if is_begun(cluster, lab):
            self._enter()
        else:
            self.reset()

    def reset(self) -> None:
        """Break it (again): the namespace is made afresh, and the clock starts."""
        if self.cluster.api.find(_path(self.lab)):
            self._enter()
            self.lab.tear_down(self.cluster)
        self.cluster.use_namespace(self.lab.namespace)
        self._enter()
        self._apply(self.lab.folder / labs.BROKEN)
        self.lab.set_up(self.cluster)
        self._note(STARTED)
        self._hints = 0
        if self._live:
            self._watch(self._live)

    def clean_up(self) -> None:
        """Remove everything the lab made, and use the namespace again that was used before."""
        self._stop_watching()
        self.cluster.join_namespace(self.lab.namespace)
        self.lab.tear_down(self.cluster)
        self.cluster.clean_up()
        self.cluster.use_in_terminals("default")
        self.cluster.join_namespace(self._before)

    def hint(self, number: int | None = None) -> str:
        """The next hint of three, or that of this `number`."""
        self._hints = max(1, min(number or self._hints + 1, len(self.lab.hints)))
        return _Text(self.lab.hint(self._hints))

    def solution(self) -> str:
        """What was wrong, and every repair that is known to be sound."""
        return _Text(self.lab.solution())

    def check(self) -> "Goals":
        """Look at every goal now; what is reached is kept. Raises CourseError when the lab was removed."""
        self._enter()
        return self._look()

    def _look(self) -> "Goals":
        verdicts = [(goal.text, _verdict(goal, self.cluster)) for goal in self.lab.goals]
        if all(verdict.state == DONE for _, verdict in verdicts) and REPAIRED not in self._notes():
            self._note(REPAIRED)
        goals = Goals(verdicts, self.seconds)
        for number, (_, verdict) in enumerate(goals.verdicts, 1):
            if verdict.state == DONE:
                record.reached(f"{self.lab.id}.{number}")
        if goals.done:
            record.reached(self.lab.id, seconds=self.seconds)
        return goals

    @property
    def seconds(self) -> int:
        """From the lab's beginning to its repair; until now when it is not repaired."""
        notes = self._notes()
        if STARTED not in notes:
            return 0
        end = datetime.fromisoformat(notes[REPAIRED]) if REPAIRED in notes else datetime.now().astimezone()
        return int((end - datetime.fromisoformat(notes[STARTED])).total_seconds())

    def _enter(self) -> None:
        """Work in the lab's namespace: this notebook, and JupyterLab's terminals."""
        if not self.cluster.api.find(_path(self.lab)):
            raise CourseError(f"{self.lab.id} was removed; reset() breaks it anew")
        if self.cluster.namespace != self.lab.namespace:
            self.cluster.join_namespace(self.lab.namespace)
        self.cluster.use_in_terminals(self.lab.namespace)

    def _apply(self, file: Path) -> None:
        applied, said = look.kubectl(self.cluster, "apply", "-f", str(file))
        if not applied:
            raise CourseError(f"lab {self.lab.id} could not be set up: {said}")

    def _note(self, key: str) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self.cluster.api.request("PATCH", _path(self.lab), {"metadata": {"annotations": {key: now}}})

    def _notes(self) -> dict[str, str]:
        return _notes(self.cluster, self.lab)

    def __str__(self) -> str:
        lab = self.lab
        head = f"{lab.id} · {lab.title} ({labs.LEVELS[lab.level]}, about {lab.minutes} minutes; namespace {lab.namespace})"
        return "\n".join([head, "", lab.story.strip(), "", *(f"○ {goal.text}" for goal in lab.goals)])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        import ipywidgets

        lab = self.lab
        story = "".join(f"<p>{escape(part)}</p>" for part in lab.story.strip().split("\n\n"))
        about = f"{labs.LEVELS[lab.level]} · about {lab.minutes} minutes · namespace <code>{lab.namespace}</code>"
        head = f"<h3>{lab.id} · {escape(lab.title)}</h3><p><i>{about}</i></p>{story}"
        goals = f"<ul>{''.join(f'<li>○ {escape(goal.text)}</li>' for goal in lab.goals)}</ul>"
        self._enter()
        self._live = ipywidgets.HTML(goals)
        self._watch(self._live)
        widget = ipywidgets.VBox([ipywidgets.HTML(head), self._live])
        return {**widget._repr_mimebundle_(), "text/plain": str(self), "text/html": f"{head}{goals}"}

    def _watch(self, widget) -> None:
        """Keep the ticks true until every goal is done, the widget is closed or shown anew, or the notebook goes on to something else."""
        self._stop_watching()
        stop = self._watching = threading.Event()

        def run() -> None:
            while not stop.is_set() and widget.comm is not None and self.cluster.namespace == self.lab.namespace:
                began = time.monotonic()
                goals = self._look()
                widget.value = goals.ticks
                if goals.done:
                    return
                stop.wait(max(PAUSE_SECONDS, began + REFRESH_SECONDS - time.monotonic()))
            if not stop.is_set():
                widget.value += "<p><i>No longer watched, since the notebook does something else: show the lab again.</i></p>"

        threading.Thread(target=run, daemon=True, name=f"goals of {self.lab.id}").start()

    def _stop_watching(self) -> None:
        if self._watching:
            self._watching.set()


class Goals:
    """`verdicts` is [(goal, Verdict)]; `seconds` since the lab began."""

    def __init__(self, verdicts: list[tuple[str, Verdict]], seconds: int):
        self.verdicts, self.seconds = verdicts, seconds

    @property
    def done(self) -> bool:
        return all(verdict.state == DONE for _, verdict in self.verdicts)

    @property
    def _end(self) -> str:
        took = f"{self.seconds // 60} min {self.seconds % 60} s"
        return f"Repaired, in {took}. Compare with solution()." if self.done else f"{took} so far"

    def __str__(self) -> str:
        lines = [f"{verdict.mark} {text}\n    " + "\n    ".join(_said(verdict)) for text, verdict in self.verdicts]
        return "\n".join([*lines, self._end])

    @property
    def html(self) -> str:
        """Every goal with all that is known about it."""
        return self._list(_said)

    @property
    def ticks(self) -> str:
        """Every goal and how far it is. Why, and what to try, is for the learner to find out, or to ask check() for."""
        return self._list(lambda verdict: [verdict.text])

    def _list(self, said: Callable[[Verdict], list[str]]) -> str:
        items = "".join(
            f"<div><span title='{verdict.state}'>{verdict.mark}</span> <b>{escape(text)}</b>"
            f"<div style='margin-left:1.4em'>{'<br>'.join(map(escape, said(verdict)))}</div></div>"
            for text, verdict in self.verdicts
        )
        return f"<div role='status' style='line-height:1.5'>{items}</div><p><i>{self._end}</i></p>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html}


def start(cluster, id: str) -> Exercise:
    """The lab `id`, or with "surprise" one drawn from those this learner has not repaired yet."""
    if id != "surprise":
        return Exercise(cluster, labs.find(id))
    possible = [lab for lab in labs.every().values() if all(map(cluster.can, lab.needs))]
    reached = record.everything()
    return Exercise(cluster, random.choice([lab for lab in possible if lab.id not in reached] or possible))


def _verdict(goal: Goal, cluster) -> Verdict:
    try:
        return goal.look(cluster)
    except ApiException as error:
        return not_yet(f"the cluster refuses: {message(error)}")
    except (HTTPError, OSError):
        return not_yet("the cluster does not answer")


def is_begun(cluster, lab: Lab) -> bool:
    namespace = cluster.api.find(_path(lab)) or {"metadata": {}}
    return "deletionTimestamp" not in namespace["metadata"] and STARTED in _notes(cluster, lab)


def _notes(cluster, lab: Lab) -> dict[str, str]:
    """What stands on the lab's namespace: when it began, when it was repaired."""
    return (cluster.api.find(_path(lab)) or {}).get("metadata", {}).get("annotations") or {}


def _path(lab: Lab) -> str:
    return f"/api/v1/namespaces/{lab.namespace}"


def _said(verdict: Verdict) -> list[str]:
    return [verdict.text, *(f"{label}: {text}" for label, text in verdict.lines[1:])]


class _Text(str):
    """A string that a notebook shows as Markdown."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return str(self)

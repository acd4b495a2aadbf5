"""What a table may ask of the evidence. A pattern is a regular expression; its named groups are words for the texts."""

import re
from collections.abc import Iterator

from kubeschool.diagnosis.evidence import Container, Evidence
from kubeschool.diagnosis.situation import Clue, Sign


def waiting(reason: str, message: str = "") -> Sign:
    """A container waits for this reason; the message is in its state or in an event Failed about it."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            if re.fullmatch(reason, container.waiting.get("reason", "")):
                match = re.search(message, container.waiting.get("message", ""), re.DOTALL)
                match = match or evidence.said("Failed|InspectFailed|ErrImageNeverPull", message, container.name)
                if match:
                    yield Clue(container.name, match.string or container.waiting["reason"], {**container.words, **match.groupdict("")})

    return sign


def ended(reason: str = ".*", codes: tuple[int, ...] = (), message: str = "") -> Sign:
    """A container ended for this reason, with one of these exit codes (none: any)."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            end = evidence.ended(container)
            if end and re.fullmatch(reason, end.get("reason") or "") and (not codes or end["exitCode"] in codes):
                match = re.search(message, end.get("message") or "", re.DOTALL) or evidence.said("Failed", message, container.name)
                if match or not message:
                    yield Clue(container.name, end.get("message") or _end(evidence, container), {**container.words, **_groups(match)})

    return sign


def _groups(match: re.Match | None) -> dict[str, str]:
    return match.groupdict("") if match else {}


def _end(evidence: Evidence, container: Container) -> str:
    end, words = container.last_end, evidence.last_words(container)
    log = f"; the last it wrote: {' ⏎ '.join(words.splitlines())}" if words else "; it wrote nothing"
    return f"{end.get('reason') or 'Error'}, exit code {end['exitCode']}{log}"


def wrote(pattern: str) -> Sign:
    """A container ended, and the end of its log says this."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            if evidence.ended(container) and re.search(pattern, evidence.last_words(container), re.IGNORECASE):
                yield Clue(container.name, _end(evidence, container), container.words)

    return sign


def killed_by(probe: str) -> Sign:
    """A container was killed because its liveness or startup probe failed."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            if evidence.lately(container) and evidence.said("Killing", rf"failed {probe.lower()} probe", container.name):
                unwell = evidence.said("Unhealthy", rf"^{probe} probe (failed|errored)", container.name)
                yield Clue(container.name, unwell.string if unwell else f"{probe} probe failed", container.words)

    return sign


def after_event(reason: str) -> Sign:
    """A container ended, and an event about it tells why."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            if evidence.lately(container) and (said := evidence.said(reason, container=container.name)):
                yield Clue(container.name, said.string, container.words)

    return sign


def unready(message: str) -> Sign:
    """A container runs and is not ready, and its readiness or startup probe says this."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        for container in evidence.containers:
            if container.running and not container.status.get("ready"):
                said = evidence.said("Unhealthy", "^(Readiness|Startup) probe", container.name)
                if said and (unwell := re.search(rf"^(?P<probe>\w+) probe .*?{message}", said.string, re.DOTALL)):
                    yield Clue(container.name, unwell.string, {**container.words, **unwell.groupdict("")})

    return sign


def condition(type: str, status: str, reason: str = "", message: str = "") -> Sign:
    """A condition has this status, and its reason and message fit. Two rows about one condition with different messages may both fit."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        found = evidence.conditions.get(type, {})
        match = re.search(message, found.get("message") or "", re.DOTALL)
        if match and found.get("status") == status and re.fullmatch(reason or ".*", found.get("reason") or ""):
            yield Clue(type + match[0], match.string or found.get("reason", ""), match.groupdict(""))

    return sign


def event(reason: str, message: str = "", while_: Sign | None = None) -> Sign:
    """An event tells of it, and, if given, `while_` is still so."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        if (while_ is None or any(while_(evidence))) and (match := evidence.said(reason, message)):
            yield Clue("event" if while_ is None else "", match.string, match.groupdict(""))

    return sign


def reason(words: str, message: str = "") -> Sign:
    """The object's own status.reason and status.message."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        match = re.search(message, evidence.status.get("message") or "", re.DOTALL)
        if match and re.fullmatch(words, evidence.status.get("reason") or ""):
            yield Clue("", match.string or evidence.status["reason"], match.groupdict(""))

    return sign


def when(test, said=lambda evidence: "", **words) -> Sign:
    """Anything else: `test(evidence)` is true; `said` and `words` are functions of the evidence too."""

    def sign(evidence: Evidence) -> Iterator[Clue]:
        if test(evidence):
            yield Clue("", said(evidence), {key: str(value(evidence)) for key, value in words.items()})

    return sign

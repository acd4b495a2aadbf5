"""Cron schedules as CronJobs understand them (semantics and error texts of github.com/robfig/cron/v3, ParseStandard)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = {n: i for i, n in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_DAYS = {n: i for i, n in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_BOUNDS = ((0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 6, _DAYS))
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


class ScheduleError(ValueError):
    """A schedule that cannot be parsed, in the library's words."""


@dataclass(frozen=True)
class Schedule:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """Whether day of month or day of week is `*`: then both must match, else either."""

    def next(self, after: datetime) -> datetime | None:
        """The first matching minute after `after`, in its time zone; None when there is none in five years."""
        at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        limit = after + timedelta(days=5 * 366)
        while at <= limit:
            if at.month not in self.months or not self._on(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at
        return None

    def _on(self, at: datetime) -> bool:
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return day and weekday if self.any_day else day or weekday


@dataclass(frozen=True)
class Every:
    """`@every 1h30m`."""

    period: timedelta

    def next(self, after: datetime) -> datetime:
        return after.replace(microsecond=0) + self.period


def parse_schedule(text: str) -> Schedule | Every:
    """Five fields or a descriptor. Raises ScheduleError."""
    text = text.strip()
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith("@every "):
        return Every(timedelta(seconds=max(1, int(_duration(text)))))
    if text.startswith("@"):
        if text not in _DESCRIPTORS:
            raise ScheduleError(f"unrecognized descriptor: {text}")
        text = _DESCRIPTORS[text]
    fields = text.split()
    if len(fields) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    values = [_field(f, *bounds) for f, bounds in zip(fields, _BOUNDS, strict=True)]
    return Schedule(*values, any_day=any(f[0] in "*?" for f in (fields[2], fields[4])))


def _duration(text: str) -> float:
    given = text.removeprefix("@every ")
    parts = re.findall(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", given)
    if not parts or "".join(n + u for n, u in parts) != given:
        raise ScheduleError(f'failed to parse duration {text}: time: invalid duration "{given}"')
    return sum(float(n) * _UNITS[u] for n, u in parts)


def _field(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(v for part in text.split(",") if part for v in _range(part, low, high, names))


def _range(text: str, low: int, high: int, names: dict[str, int]) -> range:
    bounds, *steps = text.split("/")
    ends = bounds.split("-")
    if ends[0] in ("*", "?"):
        start, end = low, high
    else:
        start = _number(ends[0], names)
        if len(ends) > 2:
            raise ScheduleError(f"too many hyphens: {text}")
        end = _number(ends[1], names) if len(ends) == 2 else start
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _number(steps[0], {})
        if len(ends) == 1 and ends[0] not in ("*", "?"):
            end = high
    if start < low:
        raise ScheduleError(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise ScheduleError(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return range(start, end + 1, step)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if re.fullmatch(r"\+?\d+", text):
        return int(text)
    if re.fullmatch(r"-\d+", text):
        raise ScheduleError(f"negative number ({text}) not allowed: {text}")
    raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')

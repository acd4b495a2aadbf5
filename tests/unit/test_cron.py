from datetime import UTC, datetime

import pytest

from kubeschool.practice.cron import ScheduleError, parse_schedule

FRIDAY = datetime(2026, 1, 30, 23, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", "2026-01-31T00:00"),
        ("*/15 * * * *", "2026-01-31T00:00"),
        ("5/20 1 * * *", "2026-01-31T01:05"),
        ("0 9-17 * * mon-fri", "2026-02-02T09:00"),
        ("30 2 29 feb *", "2028-02-29T02:30"),
        ("0 0 13 * 5", "2026-02-06T00:00"),
        ("@monthly", "2026-02-01T00:00"),
        ("@every 1h30m", "2026-01-31T01:29"),
    ],
)
def test_the_next_time(schedule, expected):
    assert parse_schedule(schedule).next(FRIDAY).strftime("%Y-%m-%dT%H:%M") == expected


def test_a_day_that_never_comes():
    assert parse_schedule("0 0 30 2 *").next(FRIDAY) is None


@pytest.mark.parametrize("schedule", ["", "* * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "@every soon", "* * * * funday"])
def test_what_is_no_schedule(schedule):
    with pytest.raises(ScheduleError):
        parse_schedule(schedule)

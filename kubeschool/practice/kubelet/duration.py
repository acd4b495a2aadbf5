"""Durations as Go prints them."""


def format_duration(seconds: float) -> str:
    """time.Duration.String() at millisecond precision: 10s, 1m20s, 2.5s, 350ms, 1h0m0s."""
    milliseconds = int(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    rest = f"{milliseconds % 60_000 / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, hours = milliseconds // 60_000 % 60, milliseconds // 3_600_000
    return f"{hours}h{minutes}m{rest}" if hours else f"{minutes}m{rest}" if minutes else rest

"""One line that says what is being waited for, and disappears when the wait is over.

The line is rewritten with a carriage return, as progress bars do. A widget would stay behind as "model not
found" in a notebook opened later; an updated display is what nbval compares wrongly. `tests/nbval_sanitize.cfg`
drops every line that was overwritten.
"""

import sys
import time

PATIENCE = 0.4
"""Seconds before the line appears: most waits are shorter."""


def _is_watched() -> bool:
    return sys.stdout.isatty() or type(sys.stdout).__module__ == "ipykernel.iostream"


class Progress:
    """`with Progress("starting") as progress: … progress.say("3 of 5 nodes are Ready")`; call `tick()` at least every second."""

    def __init__(self, text: str):
        self._text, self._started, self._shown = text, time.monotonic(), ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        if self._shown:
            self._write("")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        self._text = text
        self.tick()

    def tick(self) -> None:
        line = f"… {self._text} ({self.seconds:.0f} s)"
        if self.seconds >= PATIENCE and line != self._shown and _is_watched():
            self._write(line)

    def _write(self, line: str) -> None:
        sys.stdout.write("\r" + " " * len(self._shown) + "\r" + line)
        sys.stdout.flush()
        self._shown = line

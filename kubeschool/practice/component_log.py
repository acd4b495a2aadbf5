"""A component's own log in klog's form (`k8s.io/klog/v2`), for the containers that stand for the component in kube-system."""
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

LINES = 500
LETTERS = {logging.WARNING: "W", logging.ERROR: "E", logging.CRITICAL: "F"}


class ComponentLog(logging.Handler):
    """Collects what `loggers` (names) say, DEBUG included; the newest LINES lines are kept. `running` is whether the component runs."""

    def __init__(self, name: str, *loggers: str):
        super().__init__()
        self.component = name
        self.running = False
        self.lines: deque[bytes] = deque(maxlen=LINES)
        self._followers: dict[Callable[[bytes], None], Callable[[], None]] = {}
        self._loggers = [logging.getLogger(logger) for logger in loggers or (name,)]
        for logger in self._loggers:
            logger.setLevel(logging.DEBUG)
            logger.addHandler(self)

    def close(self) -> None:
        for logger in self._loggers:
            logger.removeHandler(self)
        super().close()

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        said = record.getMessage() + (f": {record.exc_info[1]!r}" if record.exc_info else "")
        return f"{LETTERS.get(record.levelno, 'I')}{at:%m%d %H:%M:%S.%f}       1 {record.filename}:{record.lineno}] {said}\n"

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record).encode()
        self.lines.append(line)
        for write in list(self._followers):
            write(line)

    def follow(self, write: Callable[[bytes], None], ended: Callable[[], None]) -> Callable[[], None]:
        """Gives `write` every line since the component started, then each new one; `ended` is called when the component stops.
        Returns what ends it."""
        for line in list(self.lines):
            write(line)
        self._followers[write] = ended

        def leave() -> None:
            self._followers.pop(write, None)

        return leave

    def started(self) -> None:
        self.lines.clear()
        self.running = True

    def stopped(self) -> None:
        self.running = False
        for ended in list(self._followers.values()):
            ended()

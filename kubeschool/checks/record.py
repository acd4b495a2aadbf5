"""What a learner has reached, in one file in the course's own folder: no account, no network."""
import json
from datetime import date
from pathlib import Path

from kubeschool import paths
from kubeschool.checks import board


def _file() -> Path:
    return paths.home() / "progress.json"


def everything() -> dict[str, str]:
    """{id of a checkpoint, quiz question, lab or goal: the day it was reached, and for a lab the seconds it took}. Empty when the file
    is missing or unreadable."""
    try:
        return json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def reached(id: str, seconds: int | None = None) -> None:
    """Keep that `id` was reached, at its first time, and show it on the workshop's board."""
    known = everything()
    if id not in known:
        day = date.today().isoformat()
        known[id] = day if seconds is None else f"{day} {seconds} s"
        paths.write(_file(), json.dumps(known, indent=1, sort_keys=True))
        board.publish(known)


def forget() -> None:
    """Start over."""
    _file().unlink(missing_ok=True)

"""The workshop's board: who has repaired what, among people who share a folder (a JupyterHub's, a network drive's). Nothing else is sent.

The folder is $KUBESCHOOL_BOARD or what `join_board()` was told; each participant has one file there, under a name of their choice.
"""

import json
import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from kubeschool import paths
from kubeschool.errors import CourseError


def join_board(name: str, folder: str | Path | None = None) -> None:
    """Show on the board in `folder` (without it: $KUBESCHOOL_BOARD), as `name`, which labs are done. Raises CourseError."""
    from kubeschool.checks import record

    place = Path(folder or os.environ.get("KUBESCHOOL_BOARD") or "").absolute()
    if not (folder or "KUBESCHOOL_BOARD" in os.environ):
        raise CourseError('name the folder that the workshop shares: join_board("Ada", "/shared/board"), or set KUBESCHOOL_BOARD')
    if not name.strip():
        raise CourseError("choose a name for the board")
    if not os.access(place, os.W_OK):
        raise CourseError(f"{place} is not a folder you can write to")
    file = place / f"{quote(name.strip(), safe=' ')}.json"
    if file.exists() and _own_file() != file:
        raise CourseError(f'"{name}" is on the board already: choose another name')
    paths.write(_settings(), json.dumps(str(file)))
    publish(record.everything())


def publish(reached: dict[str, str]) -> None:
    """Bring this participant's line up to date; nothing happens without a board, and a folder that is gone is no trouble."""
    from kubeschool.checks.lab import every

    if file := _own_file():
        lines = {id: when for id, when in reached.items() if id.partition(".")[0] in every()}
        try:
            temporary = file.with_suffix(".new")
            temporary.write_text(json.dumps(lines), encoding="utf-8")
            os.replace(temporary, file)
        except OSError:
            return


class Board:
    """A line a participant, a column a lab: ● repaired, ◐ some goals reached, ○ untouched. Run the cell again to look again."""

    def __init__(self, folder: str | Path | None = None):
        """`folder` as in join_board(); without it the board that was joined. Raises CourseError."""
        own = _own_file()
        place = folder or os.environ.get("KUBESCHOOL_BOARD") or (own and own.parent)
        if not place or not Path(place).is_dir():
            raise CourseError("there is no board yet: kubeschool.join_board(YOUR NAME, FOLDER) joins one")
        self.people = dict(_people(Path(place)))

    def __str__(self) -> str:
        width = max(map(len, self.people), default=4)
        return "\n".join([f"{'':{width}}  {' '.join(_labs())}", *(
            f"{name:{width}}  {' '.join(f'{_mark(id, reached):3}' for id in _labs())}".rstrip() for name, reached in self.people.items())])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        head = "".join(f"<th>{id}</th>" for id in _labs())
        rows = "".join(
            f"<tr><td>{escape(name)}</td>{''.join(f'<td>{_mark(id, reached)}</td>' for id in _labs())}</tr>"
            for name, reached in self.people.items()
        )
        return {"text/plain": str(self), "text/html": f"<table><tr><th>participant</th>{head}</tr>{rows}</table>"}


def _labs() -> list[str]:
    from kubeschool.checks.lab import every

    return list(every())


def _mark(id: str, reached: dict[str, str]) -> str:
    return "●" if id in reached else "◐" if any(each.startswith(f"{id}.") for each in reached) else "○"


def _people(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for file in sorted(folder.glob("*.json")):
        try:
            yield unquote(file.stem), dict(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # being written, or not of the board


def _settings() -> Path:
    return paths.home() / "board.json"


def _own_file() -> Path | None:
    try:
        return Path(json.loads(_settings().read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None

"""All labs and what is repaired: `kubeschool.labs()`."""

from html import escape

from kubeschool.checks import lab, record

LEFT = "style='text-align:left'"


class Labs:
    """A table; `str()` of it says the same."""

    def __init__(self):
        reached = record.everything()
        self._rows = [
            (each.id, each.title, lab.LEVELS[each.level], f"{each.minutes} min", _when(reached.get(each.id)))
            for each in lab.every().values()
        ]

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self._rows, strict=True)]
        return "\n".join("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in self._rows)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        rows = "".join(f"<tr>{''.join(f'<td {LEFT}>{escape(text)}</td>' for text in row)}</tr>" for row in self._rows)
        head = "".join(f"<th {LEFT}>{text}</th>" for text in ("lab", "", "level", "takes about", "repaired"))
        return {"text/plain": str(self), "text/html": f"<table><tr>{head}</tr>{rows}</table>"}


def _when(record: str | None) -> str:
    """ "2026-11-25 312 s" → "● in 5 min 12 s"."""
    if record is None:
        return "○"
    seconds = int(record.split()[1])
    return f"● in {seconds // 60} min {seconds % 60} s"

"""The way of an object's writes through the cluster: who asks the API server, what goes into etcd, and whom the watch tells."""
from html import escape

from kubeschool.inspectors.controls import Steps
from kubeschool.inspectors.trace import Writes, verb, what, who
from kubeschool.inspectors.view import Line, Picture, View, inspector

APISERVER, ETCD = "kube-apiserver", "etcd"
ROWS = 8
"""Writes drawn at a time: those before the chosen one."""
COLUMN, ROW, TOP = 150, 46, 54
INK, FAINT, ACCENT, PAPER = (
    "var(--jp-ui-font-color1,#222)", "var(--jp-border-color1,#bdbdbd)", "var(--jp-brand-color1,#1976d2)", "var(--jp-layout-color2,#eee)"
)


@inspector
def journey(cluster, target) -> View:
    """▶ plays the writes of one object, e.g. "pod/web", one by one; the slider chooses one. Practice only, as trace is."""
    writes = Writes(cluster, target)
    steps = Steps("write")

    def model() -> list[Line | Picture]:
        events = writes.now
        if not events:
            return [Line(f"no writes of {target}", state="gone")]
        return [Picture(_lines(events), _live(events, steps.of(len(events))))]

    return View(f"journey of {target}", writes.feeds, model, [steps])


def _lines(events: list[dict]) -> list[Line]:
    writers, verbs = max(len(who(e)) for e in events), max(len(verb(e)) for e in events)
    lines = []
    for i, event in enumerate(events):
        lines.append(Line(f"{who(event):{writers}} ─ {verb(event):{verbs}} → {APISERVER} → {ETCD}", what(event), prefix=f"{i + 1:2}  "))
        if i + 1 < len(events) and (told := who(events[i + 1])) != who(event):
            lines.append(Line("", f"the watch tells {told}", prefix="    "))
    return lines


def _live(events: list[dict], at: int) -> str:
    first = max(0, at - ROWS + 1)
    drawn = events[first : at + 1]
    writers = list(dict.fromkeys(_short(e) for e in events))
    actors = [ETCD, APISERVER, *(writer for writer in writers if writer != APISERVER)]
    x = {actor: COLUMN * i + COLUMN // 2 for i, actor in enumerate(actors)}
    width, height = COLUMN * len(actors), TOP + ROW * min(ROWS, len(events)) + 10
    parts = [_head(actor, x[actor], height) for actor in actors]
    for row, event in enumerate(drawn):
        y, now = TOP + ROW * row + 26, first + row == at
        revision = event["objectRef"].get("resourceVersion")
        parts.append(_arrow(x[_short(event)], x[APISERVER], y, verb(event), now))
        parts.append(_arrow(x[APISERVER], x[ETCD], y, f"revision {revision}" if revision else "removed", now, 0.8))
        following = events[first + row + 1 :][:1]
        if following and (told := _short(following[0])) != _short(event):
            parts.append(_arrow(x[APISERVER], x[told], y + 16, "watch", now, 1.6, dashed=True))
    event = events[at]
    said = f"{at + 1} of {len(events)}: {who(event)} · {verb(event)} · {what(event)}"
    svg = (
        f"<svg viewBox='0 0 {width} {height}' style='width:{width}px;max-width:100%;height:auto;display:block' role='img' "
        f"aria-label='{escape(said)}' font-family='var(--jp-ui-font-family,sans-serif)' font-size='11'>{MOTION}{''.join(parts)}</svg>"
    )
    return f"{svg}<div aria-live='polite' style='color:{INK};padding:4px 2px;line-height:1.4'><b>{escape(said)}</b></div>"


MOTION = "<style>@media (prefers-reduced-motion: reduce){.ks-dot{display:none}}</style>"


def _short(event: dict) -> str:
    """The writer without its node or account."""
    return who(event).partition(" (")[0]


def _head(actor: str, x: int, height: int) -> str:
    box = f"<rect x='{x - 66}' y='8' width='132' height='26' rx='5' fill='{PAPER}' stroke='{FAINT}'/>"
    name = actor if len(actor) <= 22 else f"{actor[:21]}…"
    text = f"<text x='{x}' y='25' text-anchor='middle' fill='{INK}'>{escape(name)}</text>"
    return f"<line x1='{x}' y1='34' x2='{x}' y2='{height - 4}' stroke='{FAINT}'/>{box}{text}"


def _arrow(start: int, end: int, y: int, label: str, now: bool, begin: float = 0.0, dashed: bool = False) -> str:
    """With a dot that travels along it, `begin` seconds after the picture changed, where it is the write of `now`."""
    sign = 1 if end > start else -1
    colour, width = (ACCENT, 2.5) if now else (INK, 1.2)
    dash = " stroke-dasharray='4 3'" if dashed else ""
    line = f"<line x1='{start}' y1='{y}' x2='{end - 7 * sign}' y2='{y}' stroke='{colour}' stroke-width='{width}'{dash}/>"
    tip = f"<polygon points='{end},{y} {end - 8 * sign},{y - 4} {end - 8 * sign},{y + 4}' fill='{colour}'/>"
    bold = " font-weight='bold'" if now else ""
    middle = start + sign * COLUMN / 2
    text = f"<text x='{middle}' y='{y - 5}' text-anchor='middle' fill='{INK}'{bold}>{escape(label)}</text>"
    if not now:
        return line + tip + text
    motion = f"<animateMotion path='M{start},{y} L{end},{y}' begin='{begin}s' dur='0.8s' fill='freeze'/>"
    shown = f"<animate attributeName='opacity' values='1;1;0' keyTimes='0;0.9;1' begin='{begin}s' dur='0.8s' fill='freeze'/>"
    return f"{line}{tip}{text}<circle class='ks-dot' r='6' fill='{ACCENT}' opacity='0'>{motion}{shown}</circle>"

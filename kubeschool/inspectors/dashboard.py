"""A namespace at a glance: what of each kind is there and how it is, the pods that are not well, the newest warnings."""
from collections import Counter
from html import escape

from kubeschool.inspectors.events import happened, line_of
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.states import state
from kubeschool.inspectors.view import MARKS, Line, Picture, View, inspector, mark

KINDS = {"deployments": "Deployments", "statefulsets": "StatefulSets", "daemonsets": "DaemonSets", "jobs": "Jobs",
         "services": "Services", "persistentvolumeclaims": "Claims"}
SHOWN, WARNINGS = 8, 5
ORDER = tuple(MARKS)


@inspector
def watch_all(cluster, namespace: str = "") -> View:
    """Of `namespace`, or the notebook's own."""
    namespace = namespace or cluster.namespace
    feeds = {word: feed(cluster.api, cluster.api.resource(word), namespace) for word in (*KINDS, "pods", "events")}

    def model() -> list[Picture]:
        rows = snapshot({word: each.objects for word, each in feeds.items()})
        return [Picture(_lines(namespace, rows), _live(namespace, rows))]

    return View(f"namespace {namespace}", list(feeds.values()), model)


def snapshot(objects: dict[str, dict[str, dict]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows of (heading, [(mark, words)]), without those that would be empty."""
    rows = []
    for word, heading in KINDS.items():
        found = [(state(obj), name) for name, obj in sorted(objects[word].items())]
        chips = [(shape, f"{name} {said}".strip()) for (said, shape), name in found[:SHOWN]]
        rows.append((heading, chips + ([("", f"and {len(found) - SHOWN} more")] if len(found) > SHOWN else [])))
    pods = [(state(pod), name) for name, pod in sorted(objects["pods"].items())]
    counted = sorted(Counter(each for each, _ in pods).items(), key=lambda item: (ORDER.index(item[0][1]), item[0][0]))
    rows.append(("Pods", [(shape, f"{number} {said}") for (said, shape), number in counted]))
    troubled = [(shape, f"{name} {said}") for (said, shape), name in pods if shape in ("bad", "waiting")]
    rows.append(("not well", troubled[:SHOWN] + ([("", f"and {len(troubled) - SHOWN} more")] if len(troubled) > SHOWN else [])))
    warnings = sorted((e for e in objects["events"].values() if e["type"] == "Warning"), key=lambda e: (happened(e), e["metadata"]["name"]))
    said = [("bad", f"{e['involvedObject'].get('name', '')}: {(line := line_of(e)).text}  {line.detail}") for e in warnings[-WARNINGS:]]
    rows.append(("Warnings", said))
    return [row for row in rows if row[1]]


def _lines(namespace: str, rows: list) -> list[Line]:
    lines = [Line(f"namespace {namespace}", "" if rows else "is empty")]
    for heading, chips in rows:
        for i, (shape, words) in enumerate(chips):
            lines.append(Line(words, state=shape, prefix=f"  {heading if i == 0 else '':13}"))
    return lines


def _live(namespace: str, rows: list) -> str:
    cells = [(heading, "".join(map(_chip, chips))) for heading, chips in rows]
    body = "".join(f"<tr><th scope='row' style='{HEAD}'>{head}</th><td style='{CELL}'>{chips}</td></tr>" for head, chips in cells)
    empty = "" if rows else f"<tr><td style='{CELL}'>is empty</td></tr>"
    return f"<table style='{TABLE}'><caption style='{CAPTION}'>namespace {escape(namespace)}</caption>{body}{empty}</table>"


TABLE = "border-collapse:collapse;color:var(--jp-ui-font-color1,inherit)"
CAPTION = "text-align:left;font-weight:bold;padding:2px 6px;color:var(--jp-ui-font-color1,inherit)"
HEAD = "text-align:left;vertical-align:top;padding:5px 14px 5px 6px;font-weight:normal;color:var(--jp-ui-font-color2,#666)"
CELL = "text-align:left;padding:3px 6px;white-space:normal"
CHIP = "display:inline-block;margin:1px 6px 1px 0;padding:1px 8px;border-radius:10px;background:var(--jp-layout-color2,#eee)"
LONG, SENTENCE = 60, "display:block;margin:3px 2px"


def _chip(chip: tuple[str, str]) -> str:
    shape, words = chip
    style = f"line-height:1.4;{CHIP if len(words) < LONG else SENTENCE}"
    return f"<span style='{style}'>{mark(shape, live=True) + ' ' if shape else ''}{escape(words)}</span>"

"""What every view has: a model drawn as a live widget, as text, and as plain HTML for a notebook that is only read."""
import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.errors import CourseError
from kubeschool.inspectors.controls import Control
from kubeschool.inspectors.feed import LOST, NOT_CONNECTED, Feed, Listener

MARKS = {"good": "●", "waiting": "◐", "bad": "✖", "gone": "○"}
"""A state is never told by colour alone."""
COLOURS = {"good": "#2e7d32", "waiting": "#b26a00", "bad": "#c62828", "gone": "#757575"}
THEMED = {"good": "success-color1", "waiting": "warn-color0", "bad": "error-color1", "gone": "ui-font-color2"}
"""JupyterLab's names for them in the theme that is on."""
PRE = "margin:0;font-family:var(--jp-code-font-family,monospace);line-height:1.5;white-space:pre-wrap;overflow-wrap:break-word;" \
    "color:var(--jp-ui-font-color1,inherit);background:none"


def themed(state: str) -> str:
    return f"var(--jp-{THEMED[state]},{COLOURS[state]})"


def mark(state: str, live: bool = False) -> str:
    """The shape of a state as HTML; a live one takes the theme's colour and is read out as a word."""
    if live:
        return f"<span style='color:{themed(state)}' role='img' aria-label='{state}' title='{state}'>{MARKS[state]}</span>"
    return f"<span style='color:{COLOURS[state]}' title='{state}'>{MARKS[state]}</span>"


@dataclass(frozen=True)
class Line:
    """One line of a view. `prefix` draws the branches of a tree; `state` is a key of MARKS, "" for none; `detail` is said in grey."""

    text: str = ""
    detail: str = ""
    state: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        shape = f"{MARKS[self.state]} " if self.state else ""
        return f"{self.prefix}{shape}{self.text}{'  ' + self.detail if self.detail else ''}"

    def html(self, live: bool = False) -> str:
        shape = f"{mark(self.state, live)} " if self.state else ""
        detail = f"  <i>{escape(self.detail)}</i>" if self.detail else ""
        text = f"<b>{escape(self.text)}</b>" if self.text else ""
        return f"{escape(self.prefix)}{shape}{text}{detail}"


@dataclass(frozen=True)
class Picture:
    """A picture of `lines`: HTML for the live view, while text and saved notebook show the lines."""

    lines: Sequence[Line]
    live: str


Shown = Line | Picture


class Work(Protocol):
    """What a live view does besides listening to its feeds."""

    def start(self, changed: Callable[[], None]) -> None: ...
    def stop(self) -> None: ...


class View:
    """`model()` gives what to show, from `feeds` and `controls`; the widget follows every change until it is closed.

    A view never raises into the notebook: what goes wrong is its first line, and it shows the objects again when it can.
    """

    def __init__(self, title: str, feeds: Iterable[Feed], model: Callable[[], Sequence[Shown]], controls: Sequence[Control] = (),
                 work: Work | None = None):
        self._title, self._feeds, self._model, self._controls = title, list(feeds), model, controls
        self._work = work
        self._widget = None
        self._lock = threading.RLock()

    @property
    def shown(self) -> list[Shown]:
        trouble = next((Line(feed.trouble, state="bad") for feed in self._feeds if feed.trouble), None)
        if trouble and not self._feeds[0].known:  # what was never seen cannot be said to be missing
            return [trouble]
        try:
            model = list(self._model())
        except ApiException as refusal:
            model = [Line(f"the cluster refuses: {message(refusal)}", state="bad")]
        except LOST:
            model = [Line(NOT_CONNECTED, state="bad")]
        except Exception as error:
            model = [Line("this view does not know what to make of the object", repr(error), "bad")]
        return [trouble, *model] if trouble else model

    @property
    def lines(self) -> list[Line]:
        return [line for each in self.shown for line in (each.lines if isinstance(each, Picture) else (each,))]

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))

    def close(self) -> None:
        """Stop following the cluster and remove the widget."""
        if self._widget:
            self._listener.close()
            for feed in self._feeds:
                feed.unsubscribe(self._listener)
            if self._work:
                self._work.stop()
            _close(self._widget)
            self._widget = None

    def changed(self) -> None:
        """Draw again soon; from any thread."""
        if self._widget:
            self._listener.changed()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        twins = {"text/plain": str(self), "text/html": self._html()}
        return {**self._live()._repr_mimebundle_(), **twins}

    def _html(self) -> str:
        lines = "\n".join(line.html() for line in self.lines)
        return f"<pre aria-label='{escape(self._title)}' style='line-height:1.5'>{lines}</pre>"

    def _live_html(self) -> str:
        parts, lines = [], []
        for each in [*self.shown, None]:
            if isinstance(each, Line):
                lines.append(each.html(live=True))
                continue
            if lines:
                parts.append(f"<pre style='{PRE}'>{chr(10).join(lines)}</pre>")
                lines = []
            if each:
                parts.append(each.live)
        return f"<div role='group' tabindex='0' aria-label='{escape(self._title)}'>{''.join(parts)}</div>"

    def _live(self):
        from ipywidgets import HTML, HBox, Layout, VBox

        from kubeschool.inspectors import cells

        if self._widget is None:
            self._listener = Listener(self._refresh)
            html = self._live_html()
            self._picture = HTML(html, layout=Layout(max_height="40em", overflow="auto"))
            self._widget = self._picture
            if self._controls:
                row = HBox([control.widget(self._refresh) for control in self._controls], layout=Layout(flex_flow="row wrap"))
                self._widget = VBox([row, self._picture])
            for feed in self._feeds:
                feed.subscribe(self._listener)
            if self._work:
                self._work.start(self.changed)
            cells.shown(self)
        return self._widget

    def _refresh(self) -> None:
        with self._lock:
            if self._widget is None:
                return
            if self._picture.comm is None:  # the notebook closed it
                return self.close()
            self._picture.value = self._live_html()
            for control in self._controls:
                control.sync()


def _close(widget) -> None:
    """With all that belongs to it: ipywidgets keeps each until it is closed."""
    parts = (getattr(widget, name, None) for name in ("layout", "style", "link"))
    for part in (*getattr(widget, "children", ()), *filter(None, parts)):
        _close(part)
    widget.close()


def inspector(function: Callable[..., View]) -> Callable[..., View]:
    """A view function whose view also says why it could not even begin."""

    @functools.wraps(function)
    def view(cluster, *args, **kwargs) -> View:
        try:
            return function(cluster, *args, **kwargs)
        except CourseError as error:
            why = str(error)
        except ApiException as refusal:
            why = f"the cluster refuses: {message(refusal)}"
        except LOST:
            why = "not connected to the cluster: run this cell again"
        return View(function.__name__, [], lambda: [Line(why, state="bad")])

    return view

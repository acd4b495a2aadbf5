"""What a learner can set at a view, by mouse and by keyboard: plain ipywidgets. A model reads `value`, and needs no widget for that."""
from collections.abc import Callable


class Control:
    """`label` is what is read out. `widget(changed)` makes it, and calls `changed()` after each change of `value`."""

    def __init__(self, label: str, value):
        self.label, self.value = label, value
        self._widget = None

    def widget(self, changed: Callable[[], None]):
        widget = self._widget = self._make()
        widget.tabbable = True

        def observed(change) -> None:
            self.value = change["new"]
            changed()

        widget.observe(observed, "value")
        return widget

    def sync(self) -> None:
        """Show what the model set."""


class Toggle(Control):
    """On or off."""

    def _make(self):
        from ipywidgets import ToggleButton

        return ToggleButton(self.value, description=self.label, tooltip=self.label, layout={"width": "auto"})


class Filter(Control):
    """Words; `keeps(text)` says whether a text has them all."""

    def __init__(self, label: str = "filter"):
        super().__init__(label, "")

    def keeps(self, text: str) -> bool:
        return all(word in text.lower() for word in self.value.lower().split())

    def _make(self):
        from ipywidgets import Text

        return Text(placeholder="words to look for", description=self.label, tooltip=self.label, layout={"width": "18em"})


class Choice(Control):
    """One of `options`."""

    def __init__(self, label: str, options: tuple[str, ...], value: str = ""):
        super().__init__(label, value or options[0])
        self.options = options

    def _make(self):
        from ipywidgets import ToggleButtons

        tooltips = [f"{self.label} {option}" for option in self.options]
        return ToggleButtons(options=self.options, value=self.value, tooltips=tooltips, style={"button_width": "auto"})


class Press(Control):
    """A button; `value` counts how often it was pressed, and `action()` is called."""

    def __init__(self, label: str, action: Callable[[], None]):
        super().__init__(label, 0)
        self._action = action

    def widget(self, changed: Callable[[], None]):
        from ipywidgets import Button

        def pressed(_) -> None:
            self.value += 1
            self._action()
            changed()

        button = Button(description=self.label, tooltip=self.label, tabbable=True, layout={"width": "auto"})
        button.on_click(pressed)
        return button


class Steps(Control):
    """A step of `count`, by slider and play button, counted from 0. At the last one it follows: where `count` grows, so does `value`."""

    def __init__(self, label: str, seconds: float = 0.8):
        super().__init__(label, 0)
        self.count, self._seconds = 1, seconds

    def of(self, count: int) -> int:
        """The step to show where there are `count` of them now."""
        last = self.value >= self.count - 1
        self.count = max(1, count)
        self.value = self.count - 1 if last else min(self.value, self.count - 1)
        return self.value

    def widget(self, changed: Callable[[], None]):
        from ipywidgets import HBox, IntSlider, Play, jslink

        slider = super().widget(changed)
        assert isinstance(slider, IntSlider)
        play = self._play = Play(max=slider.max, interval=int(self._seconds * 1000), show_repeat=False, tabbable=True)
        play.tooltip, play.value = f"play {self.label}", slider.value
        box = HBox([play, slider])
        box.link = jslink((play, "value"), (slider, "value"))
        return box

    def _make(self):
        from ipywidgets import IntSlider

        layout = {"width": "32em", "max_width": "100%"}
        return IntSlider(self.value, 0, self.count - 1, description=self.label, tooltip=self.label, readout=False, layout=layout)

    def sync(self) -> None:
        if self._widget and (self._widget.max, self._widget.value) != (self.count - 1, self.value):
            self._widget.max = self._play.max = self.count - 1
            self._widget.value = self.value

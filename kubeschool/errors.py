"""Errors meant for a learner: the sentence is shown, the traceback is not."""


class CourseError(Exception):
    """Shown in a notebook as its message alone."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook in place of a traceback (`InteractiveShell.showtraceback`)."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]

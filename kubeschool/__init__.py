"""What a notebook of this course uses: `cluster = kubeschool.connect()`."""

import importlib

_WHERE = {
    "board": "kubeschool.checks.board:Board",
    "connect": "kubeschool.cluster:connect",
    "explain": "kubeschool.cluster:explain",
    "join_board": "kubeschool.checks.board:join_board",
    "labs": "kubeschool.checks.labs:Labs",
    "progress": "kubeschool.checks.progress:Progress",
    "quiz": "kubeschool.checks.quiz:Quiz",
}
"""Imported on first use: `python -m kubeschool.practice` passes here too and must stay small."""
__all__ = list(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _WHERE[name].partition(":")
    return getattr(importlib.import_module(module), attribute)

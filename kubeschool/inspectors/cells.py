"""Views end with their cell: when it runs again, and when it is deleted from the notebook."""
from IPython import get_ipython

_views: dict[str, tuple[str, list]] = {}
"""By cell id: the request that ran the cell, and the views it showed."""


def shown(view) -> None:
    """A front end says with each request which cell it is for, and which ones were deleted (JupyterLab, Notebook 7, VS Code: `cellId`)."""
    try:
        parent = get_ipython().kernel.get_parent()
        metadata, request = parent["metadata"], parent["header"]["msg_id"]
    except (AttributeError, KeyError):  # not in a notebook
        return
    for deleted in metadata.get("deletedCells", ()):
        _close(_views.pop(deleted, ("", []))[1])
    if not (cell := metadata.get("cellId")):
        return
    before, views = _views.get(cell, ("", []))
    if before != request:
        _close(views)
        views = []
    _views[cell] = (request, [*views, view])


def _close(views: list) -> None:
    for view in views:
        view.close()

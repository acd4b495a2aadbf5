"""Where things are: the course's folder, and the folder of what it keeps for this learner."""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of course.py, notebooks/ and manifests/."""


def home() -> Path:
    """The folder of this learner's clusters, made if needed: $KUBESCHOOL_HOME, else .kubeschool in the course's folder,
    else (a folder of someone else's) the user's own state folder."""
    if "KUBESCHOOL_HOME" in os.environ:
        path = Path(os.environ["KUBESCHOOL_HOME"]).resolve()
    elif os.access(ROOT, os.W_OK):
        path = ROOT / ".kubeschool"
    else:
        from platformdirs import user_state_path

        path = user_state_path("kubeschool")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write(path: Path, text: str) -> None:
    """Replace `path` at once, readable by its owner only (it may hold credentials)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)

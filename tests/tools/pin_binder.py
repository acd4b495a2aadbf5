"""Write binder/constraints.txt: the newest versions that requirements.txt allows, from a fresh environment of its Python.

    .venv/bin/python tests/tools/pin_binder.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lanes import ROOT, binders_python

HEAD = "# Made by tests/tools/pin_binder.py: what Binder installs, to the version.\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binders_python(), "-m", "venv", folder], check=True)
        pip = Path(folder, "bin", "pip")
        subprocess.run([pip, "install", "-r", "requirements.txt"], cwd=ROOT, check=True)
        frozen = subprocess.run([pip, "freeze", "--exclude-editable"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (ROOT / "binder" / "constraints.txt").write_text(HEAD + frozen)


if __name__ == "__main__":
    main()

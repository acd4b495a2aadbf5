"""Stands in for your text editor: `kubectl edit` runs it on a file. Usage: editor.py OLD NEW FILE puts NEW in place of OLD."""

import sys
from pathlib import Path

old, new, file = sys.argv[1:]
text = Path(file).read_text(encoding="utf-8")
Path(file).write_text(text.replace(old, new), encoding="utf-8")

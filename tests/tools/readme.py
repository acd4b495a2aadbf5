"""Write what README.md repeats from elsewhere: launch links (the repository's address is in pyproject.toml), the table of labs,
and a row for a chapter that has none.

    .venv/bin/python tests/tools/readme.py
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
LAUNCH = "https://mybinder.org/v2/gh/{repository}/{ref}?urlpath=lab/tree/{path}"
"""https://mybinder.readthedocs.io, "User interfaces": JupyterLab on a file."""
REF = "main"


def repository() -> str:
    """OWNER/REPO of [project.urls]."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    return urls["Repository"].removeprefix("https://github.com/")


def launch(path: str) -> str:
    return LAUNCH.format(repository=repository(), ref=REF, path=path)


def filled(text: str) -> str:
    """The README's text with what is generated made anew."""
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if f"(notebooks/{path.name})" not in text:
            last = text.rindex("\n| [", 0, text.index("\n## The labs"))
            end = text.index("\n", last + 1)
            text = f"{text[:end]}\n{chapter(path)}{text[end:]}"
    text = re.sub(r"https://mybinder\.org/v2/gh/[^?)]*\?urlpath=lab/tree/([^)]*)", lambda link: launch(link[1]), text)
    return re.sub(r"(?<=\n\| lab \| story \| level \| minutes \|\n\|---\|---\|---\|---\|\n)(\| .*\n)*", lambda _: labs(), text)


def chapter(path: Path) -> str:
    """The row of a chapter that has none, its title in it; one line about it may take the title's place."""
    title = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]).partition("\n")[0].rpartition(" · ")[2]
    return f"| [{path.stem}](notebooks/{path.name}) | {title} | [launch]({launch(f'notebooks/{path.name}')}) |"


def labs() -> str:
    """A row of Markdown a lab, without its folder, whose name would tell too much."""
    sys.path.insert(0, str(ROOT))
    from kubeschool.checks.lab import every

    row = "| {0.id} | {0.title} | {0.level} | {0.minutes} |\n"
    return "".join(row.format(lab) for lab in every().values())


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")

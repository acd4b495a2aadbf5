"""No command of kubectl that reaches a cluster is without a test in the wire lane."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or "kubectl"
OFFLINE = {"alpha", "completion", "config", "help", "kuberc", "options", "plugin"}
"""Commands that ask no cluster."""


def subcommands(*above: str) -> list[str]:
    """Full names of the commands that `kubectl … --help` lists."""
    text = subprocess.run([KUBECTL, *above, "--help"], capture_output=True, text=True).stdout
    blocks = re.findall(r"^[A-Z][\w/() -]*Commands[\w/() -]*:\n((?:  \S.*\n)+)", text, re.MULTILINE)
    return [" ".join([*above, line.split()[0]]) for block in blocks for line in block.splitlines()]


def test_every_command_is_run_by_a_wire_test():
    commands, found = [c for c in subcommands() if c not in OFFLINE], []
    with ThreadPoolExecutor(4) as pool:
        while commands:
            below = list(pool.map(lambda command: subcommands(*command.split()), commands))
            found += [command for command, more in zip(commands, below, strict=True) if not more]
            commands = [command for more in below for command in more]
    assert {"apply", "create configmap", "create secret tls", "rollout undo", "top pod"} <= {*found, *(f.split()[0] for f in found)}
    sources = "".join(path.read_text() for path in (Path(__file__).parents[1] / "wire").glob("test_*.py"))
    assert not [command for command in found if not re.search(rf"[\"']{command}s?\b", sources)]

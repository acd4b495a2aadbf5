"""Running shell scripts three ways: recorded, in our interpreter and in busybox.

`python tests/unit/shell_harness.py` records what busybox does into shell_expected.json.
"""
import asyncio
import json
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from kubeschool.practice.clock import Clock
from kubeschool.practice.runtime.filesystem import Directory, File, FileSystem
from kubeschool.practice.runtime.process import Process, ProcessTable
from kubeschool.practice.runtime.procfs import dev
from kubeschool.practice.runtime.shell import sh
from kubeschool.practice.runtime.shell.commands import COMMANDS
from kubeschool.practice.runtime.streams import Pipe

HERE = Path(__file__).parent
EXPECTED = HERE / "shell_expected.json"
WORK = "/tmp/work"
Result = tuple[str, str, int]
"""stdout, stderr, exit status"""


def scripts() -> dict[str, str]:
    """{name: script} of shell_scripts.txt."""
    _, *blocks = (HERE / "shell_scripts.txt").read_text(encoding="utf-8").split("\n%% ")
    return dict(block.removesuffix("\n").split("\n", 1) for block in blocks)


def expected() -> dict[str, Result]:
    return {name: tuple(result) for name, result in json.loads(EXPECTED.read_text(encoding="utf-8")).items()}


def container(speed: float = 1, network=None) -> ProcessTable:
    """A small container: our shell and every command in /bin, an empty WORK."""
    programs = {name: File(mode=0o755, program=program) for name, program in {**COMMANDS, "sh": sh}.items()}
    root = Directory({
        "bin": Directory(programs), "root": Directory(), "dev": dev(),
        "etc": Directory({"passwd": File(b"root:x:0:0:root:/root:/bin/sh\n"), "group": File(b"root:x:0:\n"), "hostname": File(b"box\n")}),
        "tmp": Directory({"work": Directory()}, mode=0o1777),
    })
    return ProcessTable(FileSystem(root), Clock(speed), network)


def start(table: ProcessTable, argv: list[str], stdin: bytes = b"", **how) -> tuple[Process, Pipe, Pipe]:
    given, out, err = Pipe(), Pipe(), Pipe()
    given.write(stdin)
    given.close()
    env = {"PATH": "/bin", "HOME": "/root"}
    return table.start(argv, env, cwd=WORK, stdin=given, stdout=out, stderr=err, **how), out, err


async def run(script: str | list[str], stdin: bytes = b"", timeout: float = 10, table: ProcessTable | None = None) -> Result:
    """In our interpreter. `script`: text for sh -c, or an argv."""
    table = table or container()
    process, out, err = start(table, ["sh", "-c", script] if isinstance(script, str) else script, stdin)
    try:
        async with asyncio.timeout(timeout):
            output, errors, status = await asyncio.gather(out.read_all(), err.read_all(), process.wait())
    finally:
        table.kill_all()
    return output.decode(errors="surrogateescape"), errors.decode(errors="surrogateescape"), status


def busybox() -> str | None:
    return shutil.which("busybox")


def run_busybox(script: str) -> Result:
    """In the real one, in a directory of its own. PATH holds nothing, so only busybox's own commands run. SIGINT is not ignored:
    what is ignored from the start, a script cannot trap."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([busybox(), "sh", "-c", script], cwd=folder, env={"PATH": "/nonexistent", "HOME": "/root", "TZ": "UTC"},
                              timeout=10, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        texts = [data.decode(errors="surrogateescape").replace(folder, WORK) for data in (done.stdout, done.stderr)]
        return texts[0], texts[1], status


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps({name: run_busybox(script) for name, script in scripts().items()}, indent=0, ensure_ascii=False) + "\n",
                        encoding="utf-8")

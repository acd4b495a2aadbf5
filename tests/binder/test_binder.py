"""What Binder does with binder/, without Docker: an environment by the rules of repo2docker, then chapters in a container's conditions.

repo2docker (its documentation, "Configuration files"): of a repository with a folder binder/ only that folder counts; runtime.txt names
the Python, `pip install -r binder/requirements.txt` runs in the repository's folder, then postBuild, all as an ordinary user; at a launch
the server runs below `start`, if there is one. The conditions are those of `sandbox` beside this file.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lanes import ROOT, SANITIZE, SPEED, binders_python
from solved import solved

SANDBOX = Path(__file__).with_name("sandbox")
CHAPTERS = ["00-start-here", "07-nginx-demo"]
LAUNCH = """
import subprocess, sys, time, urllib.request
server = subprocess.Popen(["jupyter", "lab", "--no-browser", "--port=8888", "--IdentityProvider.token="])
while server.poll() is None:
    try:
        page = urllib.request.urlopen("http://127.0.0.1:8888/lab/tree/notebooks/00-start-here.ipynb")
        break
    except OSError:
        time.sleep(0.2)
sys.exit(subprocess.call(sys.argv[1:]) if page.status == 200 else "no page")
"""
"""JupyterLab answers at the link's path, and stays there while the command runs: its memory counts too."""


class Container:
    """A folder that stands for the image; see `sandbox`."""

    def __init__(self, folder: Path):
        self.folder, self.course = folder, folder / "home" / "course"
        runtime = binders_python()
        prefix = subprocess.check_output([runtime, "-c", "import sys; print(sys.base_prefix)"], text=True)
        (folder / "python-prefix").write_text(prefix)
        for part in ("python", "env", "tmp", "home/course"):
            (folder / part).mkdir(parents=True)
        files = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True)
        for name in files.split("\0")[:-1]:
            if (ROOT / name).is_file():
                (self.course / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.course / name)
        subprocess.run(["chown", "-R", "1000:1000", folder], check=True)
        folder.chmod(0o755)
        self.build([folder / "python" / "bin" / Path(runtime).name, "-m", "venv", folder / "env"])
        self.build(["pip", "install", "--no-cache-dir", "-q", "-r", "binder/requirements.txt"])
        self.build(["binder/postBuild"])

    def build(self, command: list) -> None:
        subprocess.run([SANDBOX, self.folder, "build", *command], check=True)

    def run(self, command: list) -> subprocess.CompletedProcess:
        return subprocess.run([SANDBOX, self.folder, "run", "binder/start", *command], capture_output=True, text=True)


@pytest.fixture(scope="module")
def container():
    folder = Path(tempfile.mkdtemp(prefix="kubeschool-binder-"))
    try:
        yield Container(folder)
    finally:
        shutil.rmtree(folder)


def test_every_package_is_pinned(container):
    """When this fails, tests/tools/pin_binder.py writes them anew."""
    frozen = container.run(["pip", "freeze", "--exclude-editable"]).stdout.splitlines()
    pins = (ROOT / "binder" / "constraints.txt").read_text().splitlines()
    assert len(frozen) > 50 and [line for line in frozen if line not in pins] == []


@pytest.mark.parametrize("command", ["touch ~/anything", "touch /etc/anything", "id -u | grep -qx 0", "echo > /dev/tcp/192.0.2.1/80"])
def test_the_conditions_are_tight(container, command):
    assert container.run(["bash", "-c", command]).returncode


def test_memory_ends_at_1_gb(container):
    assert container.run(["python", "-c", "bytearray(b'x') * (1 << 30)"]).returncode
    assert container.run(["python", "-c", "bytearray(b'x') * (1 << 28)"]).returncode == 0


def test_chapters_run(container):
    copies = container.course / "solved"
    copies.mkdir()
    names = [solved(ROOT / "notebooks" / f"{name}.ipynb", copies).relative_to(container.course) for name in CHAPTERS]
    subprocess.run(["chown", "-R", "1000:1000", copies], check=True)
    up = f"python -m kubeschool.clusters up --speed {SPEED}"
    nbval = f"pytest -q --nbval --nbval-cell-timeout=120 --nbval-sanitize-with={SANITIZE.relative_to(ROOT)} --tb=short -p no:cacheprovider"
    script = f"export KUBESCHOOL_CHECKS=raise; {up} && kubectl get nodes && {nbval} {' '.join(map(str, names))}"
    done = container.run(["python", "-c", LAUNCH, "bash", "-c", script])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

"""JupyterLab as a learner has it, on a copy of the notebooks, in a headless Chromium."""
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from kubeschool.clusters.practice import Practice

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
import course  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
SPEED = 20
SETTINGS = {"notebook-extension/tracker": {"windowingMode": "none"}, "apputils-extension/notification": {"fetchNews": "false"}}
"""JupyterLab's: cells out of sight stay in the page, and no question about news lies over it."""


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Iterator[Path]:
    """A folder with a practice cluster of its own, at the lanes' speed."""
    home = tmp_path_factory.mktemp("home")
    cluster = Practice(home / "practice")
    cluster.launch(speed=SPEED)
    cluster.kubeconfig()
    yield home
    cluster.stop()


@pytest.fixture(scope="session")
def lab(home: Path, tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab that serves a copy of notebooks/ (what it saves must not reach the real ones)."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copy(ROOT / "docs" / "gallery.ipynb", folder / "notebooks")
    for name, settings in SETTINGS.items():
        file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KUBECONFIG", raising=False)
        patch.setenv("KUBESCHOOL_HOME", str(home))
        environment = course.lab_environment("practice")
    environment |= {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    options = ["--no-browser", "--allow-root", "--port=0", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    options += course.terminals()
    command = [sys.executable, "-m", "jupyterlab", *options, "--LabApp.news_url="]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", line):
            break
    else:
        pytest.fail("JupyterLab did not start")
    drain = subprocess.Popen(["cat"] if os.name == "posix" else ["more"], stdin=server.stderr, stdout=subprocess.DEVNULL)
    yield found[0]
    server.terminate()
    server.wait(20)
    drain.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()

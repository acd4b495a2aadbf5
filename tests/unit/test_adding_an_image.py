"""docs/adding-an-image.md does what it says: its file is an image, and its commands print what it shows."""
import importlib
import re
import sys
from pathlib import Path

import pytest
from image_pods import Pods

from kubeschool.practice.runtime import images
from kubeschool.practice.runtime.runtime import PullError

TEXT = (Path(__file__).parents[2] / "docs" / "adding-an-image.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def forget():
    for cached in (images.repositories, images._build):
        cached.cache_clear()
    sys.modules.pop(f"{images.__name__}.greeter", None)
    importlib.invalidate_caches()


@pytest.fixture
async def pods(tmp_path, monkeypatch):
    (tmp_path / "greeter.py").write_text(blocks("python")[0])
    monkeypatch.setattr(images, "__path__", [*images.__path__, str(tmp_path)])
    forget()
    pods = Pods()
    yield pods
    pods.stop()
    forget()


async def test_the_document_can_be_followed(pods):
    commands = blocks("sh")[0]
    image, name, value = re.search(r"--image=(\S+) --env=(\w+)=(\w+)", commands).groups()
    call = re.search(r"kubectl exec greeter -- (.*)", commands)[1]
    answer, log = re.search(r"The answer is `(.*)`", TEXT)[1], blocks("text")[0]
    pod = await (await pods.start(image, name="greeter", env=[(name, value)])).listens(8000)
    assert await pod.run(*call.split()) == (0, answer + "\n")
    assert pod.log == log
    assert await pod.run("cat /etc/motd; command -v greeter") == (0, "Welcome to greeter\n/usr/bin/greeter\n")
    await pod.container.stop(30)
    assert pod.container.exit.code == 2


async def test_other_tags_are_not_found(pods):
    with pytest.raises(PullError, match=r"docker\.io/you/greeter:2\.0: not found"):
        await pods.runtime.pull_image("you/greeter:2.0")


def test_its_links_lead_somewhere():
    docs = Path(__file__).parents[2] / "docs"
    assert [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if not (docs / link).exists()] == []

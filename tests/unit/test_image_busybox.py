"""The images without a server: busybox, alpine, pause."""
import asyncio

import pytest

from kubeschool.practice.clock import Clock
from kubeschool.practice.network.network import Network
from kubeschool.practice.runtime import images
from kubeschool.practice.runtime.runtime import ContainerConfig, DnsConfig, Runtime


@pytest.fixture
async def start():
    """start(image, *args): a started container."""
    clock = Clock(1000)
    runtime = Runtime("node", clock, Network(clock))

    async def start(image, *args):
        await runtime.pull_image(image)
        sandbox = runtime.run_sandbox("web", "default", "uid", "web", DnsConfig())
        container = runtime.create_container(sandbox, ContainerConfig("c", image, args=list(args)))
        await container.start()
        return container
    yield start
    for sandbox in list(runtime.sandboxes.values()):
        runtime.remove_sandbox(sandbox)


@pytest.mark.parametrize(("image", "script", "output"), [
    ("busybox:1.36", "echo $HOME $HOSTNAME; ls /", "/root web\nbin\ndev\netc\nhome\nlib\nlib64\nproc\nroot\nsys\ntmp\nusr\nvar\n"),
    ("busybox:musl", "id -u; echo $PATH", "0\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"),
    ("alpine:3.21", ". /etc/os-release; echo $ID $VERSION_ID; cat /etc/alpine-release", "alpine 3.21.5\n3.21.5\n"),
])
async def test_scripts_run(start, image, script, output):
    container = await start(image, "sh", "-c", script)
    assert (await asyncio.wait_for(container.wait(), 5)).code == 0
    assert container.log.read().decode() == output


async def test_a_shell_without_input_ends(start):
    container = await start("busybox")
    assert (await asyncio.wait_for(container.wait(), 5)).reason == "Completed"


async def test_pause_waits_for_a_signal(start):
    container = await start("registry.k8s.io/pause:3.10.1")
    await asyncio.sleep(0)
    assert container.running and container.uid == 65535
    await container.stop(30)
    assert (container.exit.code, container.log.read()) == (0, b"Shutting down, got signal: Terminated\n")


def test_every_tag_builds_and_has_a_digest_of_its_own_content():
    for repository, module in images.repositories().items():
        digests = {}
        for tag in module.TAGS:
            image = module.build(tag)
            assert image.repo_tag == f"{repository}:{tag}" and image.size > 0
            assert digests.setdefault(image.layers, image.digest) == image.digest
        assert len(set(digests.values())) == len(digests)

"""What the images of a cluster's own components have in common: a program that stands for the component of that name.

The component itself runs beside the API server (practice/cluster.py). Its container shows its log, and ends when it does.
"""
import asyncio

from ..process import SIGINT, SIGTERM, Process, Program
from .image import Image, Layer, executable, tree


def component(name: str, banner: bytes = b"") -> Program:
    """A program that shows the log of component `name` until that stops or it is told to."""

    async def main(process: Process) -> int:
        log = process.container.runtime.components.get(name)
        if log is None or not log.running:
            words = f'{name} is switched off; cluster.component("{name}").start() switches it on\n'
            process.stderr.write(words.encode())
            return 1
        done = asyncio.Event()
        for number in (SIGINT, SIGTERM):
            process.on_signal(number, lambda n: done.set())
        process.stdout.write(banner)
        leave = log.follow(process.stderr.write, done.set)
        try:
            await done.wait()
        finally:
            leave()
        return 0 if log.running else 1

    return main


def image(repository: str, tag: str, size: int, path: str, program: Program) -> Image:
    """An image that holds one program and nothing else. `size` in bytes."""
    name = path.rpartition("/")[2]
    return Image(repository, tag, (Layer(f"{name}:{tag}", size),), lambda: tree({path: executable(program)}), entrypoint=[path])

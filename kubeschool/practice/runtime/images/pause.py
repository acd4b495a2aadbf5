"""registry.k8s.io/pause: the process that holds a pod's namespaces."""
import math

from ..process import SIGINT, SIGTERM
from .image import Image, Layer, executable, tree

REPOSITORY = "registry.k8s.io/pause"
TAGS = ("3.10.1", "3.10", "3.9")


async def pause(process) -> int:
    """Sleeps until SIGINT or SIGTERM (build/pause/linux/pause.c)."""
    ended = []
    for number in (SIGINT, SIGTERM):
        process.on_signal(number, ended.append)
    while not ended:
        await process.sleep(math.inf)
    process.stderr.write(b"Shutting down, got signal: %s\n" % (b"Interrupt" if ended[0] == SIGINT else b"Terminated"))
    return 0


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer(f"pause:{tag}", 318_000),), lambda: tree({"/pause": executable(pause)}),
                 entrypoint=["/pause"], uid=65535, gid=65535, user="65535:65535")

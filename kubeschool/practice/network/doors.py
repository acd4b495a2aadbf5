"""Ports of this machine, on 127.0.0.1 alone, that lead into the cluster."""
import asyncio
import errno
from collections.abc import Awaitable, Callable

from .network import Writer, bridge

LOCALHOST = "127.0.0.1"
OUTSIDE = "172.18.0.1"
"""This machine as the cluster sees it: the gateway of kind's Docker network."""
RETRY = 10.0
"""Seconds until a port of this machine that was taken is tried again."""

Enter = Callable[[], Awaitable[tuple[asyncio.StreamReader, Writer]]]

_WHY = {
    errno.EADDRINUSE: "another program on this machine uses it. Stop that program, or choose another port for the {kind}",
    errno.EACCES: "this machine lets only administrators use it. Use {instead}, or `kubectl port-forward`",
}


async def open_door(port: int, enter: Enter) -> asyncio.Server:
    """Leads each connection to 127.0.0.1:`port` to what `enter` connects to; one that cannot be made is reset. Raises OSError."""
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inside = await enter()
        except OSError:
            writer.transport.abort()
            return
        await bridge(reader, writer, *inside)

    return await asyncio.start_server(serve, LOCALHOST, port)


def unavailable(port: int, error: OSError, kind: str, instead: str) -> str:
    """What to tell a learner whose `kind` (Service, Pod) could not get its port; `instead` is another way in."""
    why = _WHY.get(error.errno, f"{error.strerror}. Choose another port for the {{kind}}").format(kind=kind, instead=instead)
    return f"Cannot listen on {LOCALHOST}:{port}: {why}. Inside the cluster the {kind} works."

"""A kubelet's connection to the API server, which can be cut: a node that runs on and reaches nobody (a network partition)."""
import asyncio
from collections.abc import AsyncIterator

from .apiserver.errors import ApiError
from .apiserver.registry import Registry, Request
from .apiserver.user import User
from .client import Client

NO_ROUTE = "dial tcp 172.18.0.2:6443: connect: no route to host"


class NodeClient(Client):
    """While it is cut every call fails and watches stand still; mended, they go on where they were."""

    def __init__(self, registry: Registry, user: User, manager: str):
        super().__init__(registry, user, manager)
        self._connected = asyncio.Event()
        self._connected.set()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def cut(self) -> None:
        self._connected.clear()

    def mend(self) -> None:
        self._connected.set()

    async def list_and_watch(self, resource: str, fields: str = "") -> AsyncIterator[tuple[str, dict]]:
        await self._connected.wait()
        async for event in super().list_and_watch(resource, fields):
            await self._connected.wait()
            yield event

    def _request(self, *what: str | None) -> Request:
        if not self.connected:
            raise ApiError(503, "ServiceUnavailable", NO_ROUTE)
        return super()._request(*what)

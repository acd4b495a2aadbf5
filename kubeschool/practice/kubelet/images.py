"""Images on a node: pull policies and their back-off (`pkg/kubelet/images/image_manager.go`)."""
import asyncio
from collections.abc import Callable

from ..clock import Clock
from ..runtime.reference import InvalidReference, parse
from ..runtime.runtime import PullError
from .backoff import Backoff
from .duration import format_duration

Event = Callable[[str, str, str], None]
"""event(type, reason, message) about the container."""

NEXT_LOOK = 1.0
"""After a failed pull the pod is looked at again at once (the sandbox's own event is waiting), which finds it in back-off."""


class ImageError(Exception):
    """`reason` is the container's waiting reason, str() its message; `retry` cluster seconds until another try makes sense."""

    def __init__(self, reason: str, message: str, retry: float | None = None):
        super().__init__(message)
        self.reason, self.retry = reason, retry


class ImageManager:
    """Pulls one image at a time, as the kubelet does by default (serializeImagePulls)."""

    def __init__(self, runtime, clock: Clock):
        self._runtime, self._clock = runtime, clock
        self._pulling = asyncio.Lock()
        self._failures: dict[tuple[str, str], str] = {}
        self.backoff = Backoff(clock)
        self.changed = asyncio.Event()
        """Set when the node has a new image."""

    async def ensure(self, pod_uid: str, container: dict, event: Event):
        """The image, present on the node. Raises ImageError."""
        name, policy = container["image"], container.get("imagePullPolicy", "IfNotPresent")
        try:
            parse(name)
        except InvalidReference as error:
            message = f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": {error}'
            event("Warning", "InspectFailed", message)
            raise ImageError("InvalidImageName", message) from None
        image = self._runtime.image_status(name)
        if image and policy != "Always":
            event("Normal", "Pulled", f'Container image "{name}" already present on machine and can be accessed by the pod')
            return image
        if policy == "Never":
            message = f'Container image "{name}" is not present with pull policy of Never'
            event("Warning", "ErrImageNeverPull", message)
            raise ImageError("ErrImageNeverPull", message)
        key = (pod_uid, name)
        if remaining := self.backoff.remaining(key):
            message = f'Back-off pulling image "{name}"'
            event("Normal", "BackOff", message)
            raise ImageError("ImagePullBackOff", f"{message}: ErrImagePull: {self._failures[key]}", remaining)
        return await self._pull(key, name, event)

    async def _pull(self, key: tuple[str, str], name: str, event: Event):
        loop = asyncio.get_running_loop()
        event("Normal", "Pulling", f'Pulling image "{name}"')
        asked = loop.time()
        try:
            async with self._pulling:
                began = loop.time()
                image = await self._runtime.pull_image(name)
        except PullError as error:
            self._failures[key] = str(error)
            self.backoff.failed(key)
            event("Warning", "Failed", f'Failed to pull image "{name}": {error}')
            raise ImageError("ErrImagePull", str(error), NEXT_LOOK) from None
        self._failures.pop(key, None)
        self.changed.set()
        took, waited = ((loop.time() - since) * self._clock.speed for since in (began, asked))
        event(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{name}" in {format_duration(took)} ({format_duration(waited)} including waiting).'
            f" Image size: {image.size} bytes.",
        )
        return image

    def forget(self, pod_uid: str) -> None:
        self.backoff.forget(pod_uid)
        self._failures = {key: message for key, message in self._failures.items() if key[0] != pod_uid}

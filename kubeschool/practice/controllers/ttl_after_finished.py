"""Deletes finished Jobs after ttlSecondsAfterFinished (`pkg/controller/ttlafterfinished/ttlafterfinished_controller.go`)."""

from ..component import Controller
from ..informer import key_of
from .job import RESOURCE, finished_since
from .utils import elapsed, ignore_gone


class TTLAfterFinishedController(Controller):
    name = "ttl-after-finished-controller"

    def setup(self) -> None:
        self.informers[RESOURCE].on_change(lambda old, new: new and self.queue.add(key_of(new)))

    async def reconcile(self, key: tuple[str, str]) -> None:
        job = self.informers[RESOURCE].get(*key)
        ttl = job and job["spec"].get("ttlSecondsAfterFinished")
        ended = job and finished_since(job)
        if ttl is None or not ended or "deletionTimestamp" in job["metadata"]:
            return
        left = ttl - elapsed(self.clock, ended)
        if left > 0:
            self.queue.add_after(key, left)
        else:
            ignore_gone(self.client.delete, RESOURCE, *key, propagation="Foreground", uid=job["metadata"]["uid"])

"""Leader election: of the replicas of a component the one that holds the Lease works, and the others wait until it has run out
(client-go `tools/leaderelection/leaderelection.go`, `resourcelock/leaselock.go`)."""
import asyncio
import logging
import random

from .apiserver.errors import ApiError
from .clock import micro_timestamp
from .component import Component
from .events import EventRecorder

LEASES, NAMESPACE = "leases.coordination.k8s.io", "kube-system"
LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD = 15, 10, 2
JITTER = 1.2


class LeaderElected(Component):
    """A replica of a component, on the control plane `node`.

    `identity` is what the Lease says of its holder; it is the same after a restart, so that a cluster of one control plane need not wait
    for its own Lease. `alone`: a leader without rivals renews as seldom as it may. `releases`: gives the Lease up when it is stopped
    (ReleaseOnCancel). `source` writes the events.
    """

    def __init__(self, replica: Component, node: str, identity: str, *, alone: bool, releases: bool, source: str):
        self.name = replica.name
        super().__init__(replica.client, replica.clock)
        self.log = logging.getLogger(f"leaderelection.{self.name}.{node}")
        self.replica, self.node, self.identity = replica, node, identity
        self.leads = False
        self._period = RENEW_DEADLINE / 2 if alone else RETRY_PERIOD
        self._releases, self._events = releases, EventRecorder(replica.client, source)

    async def run(self) -> None:
        self._observed: dict | None = None
        while True:
            self.log.debug("attempting to acquire leader lease %s/%s...", NAMESPACE, self.name)
            while not self._acquire_or_renew():
                await self.clock.sleep(RETRY_PERIOD * random.uniform(1, 1 + JITTER))
            self.leads = True
            self.log.debug("successfully acquired lease %s/%s", NAMESPACE, self.name)
            self._say("became leader")
            await self.replica.start()
            await self._renew()
            self._say("stopped leading")
            self.log.error('"Leaderelection lost"')
            await self._step_down()

    async def stop(self) -> None:
        led = self.leads
        await self.kill()
        if led and self._releases:
            self._release()

    async def kill(self) -> None:
        """As when the machine's power goes: the Lease stays until it has run out."""
        await super().stop()
        await self._step_down()

    async def _step_down(self) -> None:
        if self.leads:
            self.leads = False
            await self.replica.stop()

    async def _renew(self) -> None:
        """Returns when the Lease is lost: another holds it, or it could not be renewed in time."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < self.clock.real(RENEW_DEADLINE):
            await self.clock.sleep(self._period)
            if self._acquire_or_renew():
                renewed = loop.time()

    def _acquire_or_renew(self) -> bool:
        """Whether the Lease is this replica's now (tryAcquireOrRenew)."""
        loop, now = asyncio.get_running_loop(), micro_timestamp()
        mine = {"holderIdentity": self.identity, "leaseDurationSeconds": LEASE_DURATION, "renewTime": now}
        try:
            try:
                lease = self.client.get(LEASES, NAMESPACE, self.name)
            except ApiError as error:
                if error.code != 404:
                    raise
                spec = {**mine, "acquireTime": now, "leaseTransitions": 0}
                self.client.create(LEASES, {"metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": spec})
                return True
            spec = lease.get("spec") or {}
            if spec != self._observed:
                self._observed, self._observed_at = spec, loop.time()
            holder = spec.get("holderIdentity")
            expires = self._observed_at + self.clock.real(spec.get("leaseDurationSeconds") or 0)
            if holder and holder != self.identity and loop.time() < expires:
                self.log.debug('"Lease is held by another and has not yet expired" lock="%s" holder="%s"', self.name, holder)
                return False
            if holder != self.identity:
                mine |= {"acquireTime": now, "leaseTransitions": spec.get("leaseTransitions", 0) + 1}
            self.client.update(LEASES, {**lease, "spec": {**spec, **mine}})
        except ApiError as error:
            self.log.error('"error retrieving or updating the lease" lock="%s/%s" err="%s"', NAMESPACE, self.name, error)
            return False
        return True

    def _release(self) -> None:
        try:
            lease = self.client.get(LEASES, NAMESPACE, self.name)
            if lease["spec"].get("holderIdentity") == self.identity:
                spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": micro_timestamp(), "acquireTime": micro_timestamp()}
                self.client.update(LEASES, {**lease, "spec": {**lease["spec"], **spec}})
                self._say("stopped leading")
        except ApiError as error:
            self.log.error('"failed to release lease" err="%s"', error)

    def _say(self, what: str) -> None:
        try:
            lease = self.client.get(LEASES, NAMESPACE, self.name)
        except ApiError:
            return
        self._events.event(lease, "Normal", "LeaderElection", f"{self.identity} {what}")

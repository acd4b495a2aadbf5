"""kube-controller-manager: runs every controller of this folder on one shared set of informers
(`cmd/kube-controller-manager/app/controllermanager.go`)."""

import asyncio
from collections.abc import Callable

from ..client import Client
from ..clock import Clock
from ..component import Component, Controller
from ..pki import Pki
from . import CONTROLLERS
from .csr_signing import CSRSigningController
from .root_ca_cert_publisher import RootCACertPublisher


class ControllerManager(Component):
    """`client_for(name)` gives a client in a controller's own name: each has its own service account and its own events.

    `pki` has the cluster's CA: its certificate for the ConfigMap kube-root-ca.crt of every namespace, its key to sign with.
    """

    name = "kube-controller-manager"

    def __init__(self, client_for: Callable[[str], Client], clock: Clock, pki: Pki):
        super().__init__(client_for(self.name), clock)
        self.controllers: list[Controller] = [kind(client_for(kind.name), clock) for kind in CONTROLLERS]
        for controller in self.controllers:
            if isinstance(controller, RootCACertPublisher):
                controller.ca_certificate = pki.ca.read_text()
            elif isinstance(controller, CSRSigningController):
                controller.pki = pki

    async def run(self) -> None:
        for controller in self.controllers:
            controller.informers = self.informers
            controller.spawn(controller.run())

    async def stop(self) -> None:
        """All at once: the informers are shared, and none may go on with caches that are gone."""
        await asyncio.gather(*(controller.stop() for controller in self.controllers))
        await super().stop()

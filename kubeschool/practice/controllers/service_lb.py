"""The cloud's part of a LoadBalancer Service: an address (`cloud-provider/controllers/service/controller.go`). Here the cloud is this
machine and the address 127.0.0.1, where kube-proxy opens the Service's ports."""

from ..component import Controller
from ..informer import key_of

ADDRESS = "127.0.0.1"


class ServiceLBController(Controller):
    name = "service-controller"

    def setup(self) -> None:
        self.informers["services"].on_change(lambda old, new: new and self.queue.add(key_of(new)))

    async def reconcile(self, key: tuple[str, str]) -> None:
        service = self.informers["services"].get(*key)
        if service is None or "deletionTimestamp" in service["metadata"]:
            return
        balanced = service["spec"]["type"] == "LoadBalancer" and not service["spec"].get("loadBalancerClass")
        ingress = [{"ip": ADDRESS, "ipMode": "Proxy"}] if balanced else None
        if (((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or None) == ingress:
            return
        if balanced:
            self.events.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        patch = {"status": {"loadBalancer": {"ingress": ingress}}}
        self.client.patch("services", *key, patch, subresource="status")
        if balanced:
            self.events.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

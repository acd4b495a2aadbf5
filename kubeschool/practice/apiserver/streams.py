"""The subresources of a Pod that are served by its kubelet: log, exec, attach, portforward
(`pkg/registry/core/pod/strategy.go` LogLocation, ExecLocation, AttachLocation, PortForwardLocation)."""
from aiohttp import web

from . import errors, logs, portforward, remotecommand
from .errors import ApiError


async def handle(http: web.BaseRequest, subresource: str, pod: dict, kubelet) -> web.StreamResponse:
    """`kubelet` is the KubeletServer of the pod's node, None when that node does not answer."""
    name = pod["metadata"]["name"]
    container = "" if subresource == "portforward" else container_of(pod, http.query.get("container", ""))
    if subresource == "log":
        options = logs.options_of(name, http.query)
        if not pod["spec"].get("nodeName"):
            return web.Response(text="")
    if not pod["spec"].get("nodeName"):
        raise errors.bad_request(f"pod {name} does not have a host assigned")
    if kubelet is None:
        address = pod.get("status", {}).get("hostIP") or pod["spec"]["nodeName"]
        raise ApiError(500, "", f"error dialing backend: dial tcp {address}:10250: connect: connection refused")
    if subresource == "log":
        return await logs.serve(http, pod, container, options, kubelet)
    if subresource == "portforward":
        return await portforward.serve(http, pod, kubelet)
    return await remotecommand.serve(http, subresource, pod, container, kubelet)


def container_of(pod: dict, wanted: str) -> str:
    """The container that is meant (strategy.go validateContainer)."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    regular, init, ephemeral = (
        [c["name"] for c in spec.get(field) or ()] for field in ("containers", "initContainers", "ephemeralContainers")
    )
    if wanted:
        if wanted not in regular + init + ephemeral:
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(regular) == 1:
        return regular[0]
    or_init = f" or one of the init containers: [{' '.join(init)}]" if init else ""
    raise errors.bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(regular)}]{or_init}")

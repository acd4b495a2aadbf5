"""registry.k8s.io/ingress-nginx/controller: its port 80 serves what the ingress controller (network/ingress.py) says."""
from datetime import UTC, datetime

from ..http_server import Request, Response, listen
from ..process import Process
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/ingress-nginx/controller"
TAGS = ("v1.13.3",)
NAME = "ingress-nginx"


async def main(process: Process) -> int:
    log = process.container.runtime.components.get(NAME)
    network = process.network

    async def serve(request: Request) -> Response | None:
        if network.network.ingress is None:
            return None
        response, service, endpoint = await network.network.ingress(request, network.connect)
        process.stdout.write(_access(request, response, service, endpoint).encode())
        return response

    if log and log.running:
        listen(process, 80, serve)
    return await component(NAME)(process)


def _access(request: Request, response: Response, service: str, endpoint: str) -> str:
    """A line of the access log (`docs/user-guide/nginx-configuration/log-format.md`)."""
    line = f"{request.method} {request.target} HTTP/{request.version}"
    referer, agent = request.header("referer", "-"), request.header("user-agent", "-")
    at, size = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"), len(response.body)
    return f'{request.client[0]} - - [{at}] "{line}" {response.status} {size} "{referer}" "{agent}" [{service}] [] {endpoint}\n'


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 113_000_000, "/nginx-ingress-controller", main)

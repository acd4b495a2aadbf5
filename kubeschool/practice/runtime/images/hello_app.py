"""gcr.io/google-samples/hello-app: says which version and which pod answers (GoogleCloudPlatform/kubernetes-engine-samples)."""
from ..http_server import Request, Response, go_log, serve
from ..process import Process
from .image import Image, Layer, executable, tree

REPOSITORY = "gcr.io/google-samples/hello-app"
TAGS = ("1.0", "2.0")


def program(version: str):
    async def main(process: Process) -> int:
        port = int(process.env.get("PORT", "8080"))
        hostname = process.fs.read("/etc/hostname").decode().strip()

        async def handle(request: Request) -> Response:
            go_log(process, f"Serving request: {request.path}")
            return Response(body=f"Hello, world!\nVersion: {version}.0\nHostname: {hostname}\n")

        go_log(process, f"Server listening on port {port}")
        return await serve(process, port, handle)

    return main


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer(f"hello-app:{tag}", 11_500_000),), lambda: tree({"/hello-app": executable(program(tag))}),
                 command=["/hello-app"], env=[("PORT", "8080")])

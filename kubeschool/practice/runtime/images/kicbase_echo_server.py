"""docker.io/kicbase/echo-server: sends the request back (github.com/jmalloc/echo-server), as minikube's tutorials use it."""
from ..http_server import Request, Response, serve
from ..process import Process
from .image import Image, Layer, executable, tree

REPOSITORY = "docker.io/kicbase/echo-server"
TAGS = ("latest", "1.0")


async def main(process: Process) -> int:
    port = int(process.env.get("PORT", "8080"))
    hostname = process.fs.read("/etc/hostname").decode().strip()

    async def handle(request: Request) -> Response:
        process.stdout.write("{}:{} | {} {}\n".format(*request.client, request.method, request.target).encode())
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(request.headers) if name.lower() != "host")
        text = (f"Request served by {hostname}\n\n{request.method} {request.target} HTTP/{request.version}\n\n"
                f"Host: {request.header('host')}\n{headers}")
        if request.body:
            text += "\n" + request.body.decode("utf-8", "replace")
        return Response(body=text, content_type="text/plain")

    process.stdout.write(f"Echo server listening on port {port}.\n".encode())
    return await serve(process, port, handle)


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer("kicbase/echo-server:1.0", 2_100_000),), lambda: tree({"/bin/echo-server": executable(main)}),
                 ["/bin/echo-server"], env=[("PORT", "8080")], ports=["8080/tcp"])

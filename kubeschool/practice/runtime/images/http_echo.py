"""docker.io/hashicorp/http-echo: answers every request with one text (github.com/hashicorp/http-echo)."""
import getopt

from ..http_server import Request, Response, go_log, serve
from ..process import Process
from .image import Image, Layer, executable, tree

REPOSITORY = "docker.io/hashicorp/http-echo"
TAGS = {"latest": "1.0.0", "1.0.0": "1.0.0", "1.0": "1.0.0", "0.2.3": "0.2.3", "alpine": "1.0.0"}
OPTIONS = ["listen=", "text=", "status-code=", "version"]


async def main(process: Process) -> int:
    version = TAGS.get(process.env.get("VERSION", ""), "1.0.0")
    words = ["-" + word if word.startswith("-") and not word.startswith("--") else word for word in process.argv[1:]]
    try:
        options, rest = getopt.getopt(words, "", OPTIONS)
    except getopt.GetoptError as problem:
        process.stderr.write(f"flag provided but not defined: -{problem.opt}\nUsage of http-echo:\n".encode())
        return 2
    chosen = {name.lstrip("-"): value for name, value in options}
    if "version" in chosen:
        process.stderr.write(f"http-echo v{version}\n".encode())
        return 0
    text = chosen.get("text") or process.env.get("ECHO_TEXT", "")
    if not text or rest:
        process.stderr.write(b"Too many arguments!\n" if rest else b"Missing -text option!\n")
        return 127
    listen, status = chosen.get("listen", ":5678"), int(chosen.get("status-code", 200))
    headers = [("X-App-Name", "http-echo"), ("X-App-Version", version)]

    async def handle(request: Request) -> Response:
        if request.path == "/health":
            return Response(body='{"status":"ok"}\n', headers=headers)
        client = "{}:{}".format(*request.client)
        process.stdout.write(f'{request.header("host")} {client} "{request.method} {request.path} HTTP/{request.version}" {status} '
                             f'{len(text) + 1} "{request.header("user-agent")}" 21.3µs\n'.encode())
        return Response(status, text + "\n", headers)

    go_log(process, f"[INFO] server is listening on {listen}")
    try:
        return await serve(process, int(listen.rpartition(":")[2]), handle)
    except OSError:
        go_log(process, f"[ERR] server exited with: listen tcp {listen}: bind: address already in use")
        return 1


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer(f"http-echo:{TAGS[tag]}", 3_700_000),), lambda: tree({"/http-echo": executable(main)}),
                 ["/http-echo"], env=[("VERSION", TAGS[tag])], uid=65532, gid=65532, user="nonroot", ports=["5678/tcp"])

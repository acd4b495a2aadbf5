"""docker.io/ealen/echo-server: describes the request as JSON, and answers as its query asks (github.com/Ealenn/Echo-Server)."""
import json
import time

from ..http_server import Request, Response, serve
from ..process import Process
from . import alpine
from .image import Image, Layer, executable, tree

REPOSITORY = "docker.io/ealen/echo-server"
TAGS = ("latest", "0.9.2", "0.8.12", "0.7.0", "0.6.0", "0.5.1")


async def main(process: Process) -> int:
    port = int(process.env.get("PORT", "80"))

    async def handle(request: Request) -> Response:
        wanted = {name: request.query.get(f"echo_{name}") or request.header(f"x-echo-{name.replace('_', '-')}")
                  for name in ("code", "body", "env_body", "time", "header")}
        host = request.header("host").partition(":")[0]
        process.stdout.write(f"{int(time.time() * 1000)} | [{request.method}] - http://{host}{request.target}\n".encode())
        if wanted["time"].isdigit():
            await process.clock.sleep(int(wanted["time"]) / 1000)
        if wanted["body"] or wanted["env_body"]:
            answer = wanted["body"] or process.env.get(wanted["env_body"], "")
        else:
            answer = _described(process, request, host)
        headers = [tuple(part.strip() for part in wanted["header"].split(":", 1))] if ":" in wanted["header"] else []
        status = int(wanted["code"]) if wanted["code"].isdigit() and 200 <= int(wanted["code"]) < 600 else 200
        return Response(status, json.dumps(answer, separators=(",", ":")), headers, "application/json; charset=utf-8")

    process.stdout.write(f"Listening on port {port}.\n".encode())
    return await serve(process, port, handle, 143)


def _described(process: Process, request: Request, host: str) -> dict:
    return {
        "host": {"hostname": host, "ip": f"::ffff:{request.client[0]}", "ips": []},
        "http": {"method": request.method, "baseUrl": "", "originalUrl": request.target, "protocol": "http"},
        "request": {"params": {"0": request.path}, "query": request.query, "cookies": {}, "body": request.form if request.body else {},
                    "headers": {name.lower(): value for name, value in request.headers}},
        "environment": dict(process.env),
    }


def build(tag: str) -> Image:
    node = executable(main)
    return Image(REPOSITORY, tag, (alpine.layer(), Layer(f"echo-server:{tag}", 41_000_000)),
                 lambda: tree({"/usr/local/bin/node": node, "/app/webserver.js": "// simulated\n"}, alpine.files()),
                 command=["node", "webserver"], working_dir="/app", env=[("PORT", "80"), ("NODE_VERSION", "20.11.0")], ports=["80/tcp"])

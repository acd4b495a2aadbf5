"""agnhost guestbook (`test/images/agnhost/guestbook/guestbook.go`): a primary, its replicas and a front end."""
import asyncio
import json
from urllib.parse import quote as url_quote

from ..http_server import Request, Response
from .go import Run, http_error, http_get, routes, subcommand, to_json

PATIENCE, RETRY = 15.0, 1.0


@subcommand("guestbook", "Creates a HTTP server with various endpoints representing a guestbook app", http_port="80", backend_port="6379",
            replicaof="")
async def guestbook(run: Run) -> int:
    book = Guestbook(run)
    if not run.serve(int(run["http-port"]), routes({"/register": book.register, "/get": book.get, "/set": book.set,
                                                    "/guestbook": book.proxy})):
        return 1
    registering = asyncio.ensure_future(book.join()) if run["replicaof"] else None
    try:
        return await run.until_ended()
    finally:
        if registering:
            registering.cancel()


class Guestbook:
    def __init__(self, run: Run):
        self.run = run
        self.store: dict[str, str] = {}
        self.replicas: list[str] = []

    async def join(self) -> None:
        """Registers at the primary and takes over what it has."""
        run = self.run
        host_port = f"{run['replicaof']}:{run['backend-port']}"
        while run.age < PATIENCE:
            request = f"register?host={run.process.network.ip}"
            run.log(f"Registering to primary: {host_port}/{request}")
            try:
                self.store = json.loads(await http_get(run.process, f"http://{host_port}/{request}"))["data"]
            except OSError as problem:
                run.log(f"encountered error while registering to primary: {problem}. Retrying in 1s.")
                await run.clock.sleep(RETRY)
                continue
            run.log(f"Registered to node: {run['replicaof']}")
            return
        run.log("Timed out while registering to primary.")
        run.exit(1)

    async def register(self, request: Request) -> Response:
        ip = request.query.get("host", "")
        self.run.log(f"GET /register?host={ip}")
        self.replicas.append(ip)
        self.run.log(f"Node '{ip}' registered.")
        return Response(body=to_json({"data": self.store}))

    async def get(self, request: Request) -> Response:
        key = request.query.get("key", "")
        self.run.log(f"GET /get?key={key}")
        return Response(body=to_json({"data": self.store.get(key, "") if key else self.store}))

    async def set(self, request: Request) -> Response:
        key, value = request.query.get("key", ""), request.query.get("value", "")
        self.run.log(f"GET /set?key={key}&value={value}")
        if not key:
            return http_error("cannot set with empty key.", 400)
        self.store[key] = value
        for replica in self.replicas:
            try:
                await self._ask(f"{replica}:{self.run['backend-port']}", "set", key, value)
            except OSError as problem:
                return http_error(f"encountered error while propagating to replica '{replica}': {problem}", 417)
        return Response(body=to_json({"message": "Updated"}))

    async def proxy(self, request: Request) -> Response:
        command, key, value = (request.query.get(name, "") for name in ("cmd", "key", "value"))
        command = command.lower()
        self.run.log(f"GET /guestbook?cmd={command}&key={key}&value={value}")
        if command not in ("get", "set"):
            return http_error(f"unsupported cmd: '{command}'", 400)
        if command == "set" and not key:
            return http_error("cannot set with empty key.", 400)
        host = "agnhost-primary" if command == "set" else "agnhost-replica"
        try:
            return Response(body=await self._ask(f"{host}:{self.run['backend-port']}", command, key, value))
        except OSError as problem:
            return http_error(f"encountered error: {problem}", 417)

    async def _ask(self, host_port: str, command: str, key: str, value: str) -> str:
        return await http_get(self.run.process, f"http://{host_port}/{command}?key={url_quote(key)}&value={url_quote(value)}")

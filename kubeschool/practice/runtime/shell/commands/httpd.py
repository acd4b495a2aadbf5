"""httpd: serves files below -h on -p; -f stays in the foreground."""
import asyncio
import mimetypes
import posixpath
from email.utils import formatdate
from urllib.parse import unquote

from ._applet import Failure, applet, put

ERRORS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 501: "Not Implemented"}


@applet("httpd", "[-ifv[v]] [-c CONFFILE] [-p [IP:]PORT] [-h HOME]", "fivp:h:c:u:r:e:d:m:", permute=False)
async def httpd(process, options, arguments):
    home = options["h"] or "."
    try:
        process.chdir(home)
    except OSError as problem:
        raise Failure(f"can't change directory to '{home}': {problem.strerror}") from None
    port = int(str(options["p"] or "80").rpartition(":")[2])

    async def serve(server) -> int:
        async def handle(reader, writer) -> None:
            await answer(server, reader, writer, bool(options["v"]))
        try:
            server.network.listen(port, handle)
        except OSError as problem:
            await put(server, f"httpd: bind: {problem.strerror}\n", 2)
            return 1
        await server.sleep(float("inf"))
        return 0

    if options["f"]:
        return await serve(process)
    process.spawn(process.argv, program=serve, new_group=True)
    await asyncio.sleep(0)


async def answer(process, reader, writer, verbose: bool) -> None:
    import h11
    connection = h11.Connection(h11.SERVER)

    async def event():
        while (found := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        return found

    try:
        request = await event()
        if not isinstance(request, h11.Request):
            return
    except h11.RemoteProtocolError:
        request = None
    status, headers, body = respond(process, request)
    headers = [("Date", formatdate(usegmt=True)), ("Connection", "close"), *headers, ("Content-Length", str(len(body)))]
    if verbose:
        await put(process, f"[::ffff:{writer.remote[0]}]:{writer.remote[1]}: response:{status}\n", 2)
    reason = ERRORS.get(status, "OK" if status == 200 else "Found")
    writer.write(f"HTTP/1.1 {status} {reason}\r\n".encode() + b"".join(f"{key}: {value}\r\n".encode() for key, value in headers) + b"\r\n")
    if request is None or request.method != b"HEAD":
        writer.write(body)
    await writer.drain()


def respond(process, request) -> tuple[int, list[tuple[str, str]], bytes]:
    """(status, headers, body) for a request (None: one that could not be parsed)."""
    if request is None:
        return problem(400)
    if request.method not in (b"GET", b"HEAD"):
        return problem(501)
    path = posixpath.normpath(unquote(request.target.decode("latin-1").partition("?")[0])).lstrip("/")
    fs = process.fs
    local = path or "."
    if local.startswith(".."):
        return problem(400)
    if fs.isdir(local):
        if path and not request.target.endswith(b"/"):
            return 302, [("Location", f"/{path}/"), ("Content-type", "text/html")], b""
        local = posixpath.join(local, "index.html")
    try:
        body = fs.read(local)
        modified = fs.stat(local).mtime
    except PermissionError:
        return problem(403)
    except OSError:
        return problem(404)
    kind = mimetypes.guess_type(local, strict=False)[0] or "application/octet-stream"
    return 200, [("Content-type", kind), ("Accept-Ranges", "bytes"), ("Last-Modified", formatdate(modified, usegmt=True))], body


def problem(status: int) -> tuple[int, list[tuple[str, str]], bytes]:
    words = {404: "The requested URL was not found", 403: "", 400: "Unsupported method", 501: "", 405: ""}[status]
    title = f"{status} {ERRORS[status]}"
    page = f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD>\n<BODY><H1>{title}</H1>\n{words}\n</BODY></HTML>\n"
    return status, [("Content-type", "text/html")], page.encode()

"""Files as `python -m http.server` serves them (`Lib/http/server.py`)."""
import mimetypes
import posixpath
from email.utils import formatdate
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from ..http_server import Request, Response
from ..process import Process

SERVER = "SimpleHTTP/0.6 Python/{}"
ERROR = """\
<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <style type="text/css">
            :root {{
                color-scheme: light dark;
            }}
        </style>
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: {status}</p>
        <p>Message: {words}.</p>
        <p>Error code explanation: {status} - {explanation}.</p>
    </body>
</html>
"""


def file_response(process: Process, request: Request, root: str = "", version: str = "3.13.9") -> Response:
    fs, root = process.fs, root or process.cwd
    path = posixpath.normpath("/" + request.path.lstrip("/")) + ("/" if request.path.endswith("/") and request.path != "/" else "")
    local = posixpath.join(root, path.strip("/"))
    head = [("Server", SERVER.format(version)), ("Date", formatdate(usegmt=True))]
    if fs.isdir(local):
        if not request.path.endswith("/"):
            return Response(301, b"", [*head, ("Location", path + "/"), ("Content-Length", "0")], version="1.0")
        index = next((posixpath.join(local, name) for name in ("index.html", "index.htm") if fs.isfile(posixpath.join(local, name))), "")
        if not index:
            return Response(200, listing(fs, local, path), head, "text/html; charset=utf-8", version="1.0")
        local = index
    try:
        data, modified = fs.read(local), fs.stat(local).mtime
    except OSError:
        words = ERROR.format(status=404, words="File not found", explanation=HTTPStatus(404).description)
        return Response(404, words, [*head, ("Connection", "close"), ("Content-Type", "text/html;charset=utf-8")], reason="File not found",
                        version="1.0")
    kind = mimetypes.guess_type(local)[0] or "application/octet-stream"
    headers = [*head, ("Content-type", kind), ("Content-Length", str(len(data))), ("Last-Modified", formatdate(modified, usegmt=True))]
    return Response(200, data, headers, version="1.0")


def listing(fs, local: str, path: str) -> str:
    names = [name + "/" * fs.isdir(posixpath.join(local, name)) for name in sorted(fs.listdir(local), key=str.lower)]
    rows = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>\n' for name in names)
    title = f"Directory listing for {escape(path)}"
    return ('<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<style type="text/css">\n:root {\ncolor-scheme: light '
            f"dark;\n}}\n</style>\n<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n<hr>\n<ul>\n{rows}</ul>\n<hr>\n</body>\n</html>\n")

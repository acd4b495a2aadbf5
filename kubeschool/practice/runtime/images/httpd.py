"""docker.io/library/httpd: Apache with its packaged configuration. It serves files and directory listings, redirects and error documents;
modules that do more (proxies, CGI, rewriting, TLS) are accepted in httpd.conf and do nothing."""
import mimetypes
import posixpath
import re
import shlex
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache, partial
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from ..filesystem import Directory, FileSystem
from ..http_server import Request, Response, listen
from ..process import SIGINT, SIGTERM, SIGUSR1, SIGWINCH, Process
from ..streams import Stream
from . import alpine, debian
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "docker.io/library/httpd"
VERSIONS = {"2.4": "2.4.66", "2": "2.4.66", "2.4.66": "2.4.66", "2.4.65": "2.4.65", "2.4.64": "2.4.64", "2.4.63": "2.4.63",
            "2.4.62": "2.4.62", "2.4.58": "2.4.58", "2.4.57": "2.4.57"}
TAGS: dict[str, tuple[str, str]] = {
    tag: (version, variant)
    for name, version in {"latest": "2.4.66", **VERSIONS}.items()
    for variant, tag in (("debian", name), ("alpine", "alpine" if name == "latest" else f"{name}-alpine"))
}
"""{tag: (Apache's version, what the image is built on)}."""
ROOT = "/usr/local/apache2"
OLD_PAGE = "<html><body><h1>It works!</h1></body></html>\n"
PAGE = """\
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html>
<head>
<title>It works! Apache httpd</title>
</head>
<body>
<p>It works!</p>
</body>
</html>
"""
CONFIGURATION = """\
# The main Apache HTTP server configuration file, shortened: https://httpd.apache.org/docs/2.4/
ServerRoot "/usr/local/apache2"
Listen 80

LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule mime_module modules/mod_mime.so
LoadModule log_config_module modules/mod_log_config.so
LoadModule unixd_module modules/mod_unixd.so
LoadModule autoindex_module modules/mod_autoindex.so
LoadModule dir_module modules/mod_dir.so
LoadModule alias_module modules/mod_alias.so

<IfModule unixd_module>
User www-data
Group www-data
</IfModule>

ServerAdmin you@example.com
#ServerName www.example.com:80

<Directory />
    AllowOverride none
    Require all denied
</Directory>

DocumentRoot "/usr/local/apache2/htdocs"
<Directory "/usr/local/apache2/htdocs">
    Options Indexes FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>

<IfModule dir_module>
    DirectoryIndex index.html
</IfModule>

<Files ".ht*">
    Require all denied
</Files>

ErrorLog /proc/self/fd/2
LogLevel warn

<IfModule log_config_module>
    LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
    LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
    CustomLog /proc/self/fd/1 common
</IfModule>
"""
DIRECTIVES = (
    "addtype addhandler addencoding addcharset addoutputfilterbydeflate adddefaultcharset allow allowoverride addlanguage auth "
    "authname authtype authuserfile browsermatch browsermatchnocase deny directorymatch enablemmap enablesendfile forcetype group "
    "header hostnamelookups ifdefine ifmodule ifversion include includeoptional indexoptions indexignore keepalive "
    "keepalivetimeout languagepriority limit limitexcept loadmodule loglevel maxkeepaliverequests maxrequestworkers "
    "maxconnectionsperchild mutex order pidfile proxypass proxypassreverse proxypreservehost requestheader rewritecond "
    "rewriteengine rewriterule satisfy scoreboardfile scriptalias serveradmin serverlimit servertokens setenv setenvif sethandler "
    "sslengine startservers threadlimit threadsperchild timeout traceenable typesconfig unsetenv usecanonicalname user define "
    "passenv filesmatch files location locationmatch directory virtualhost namevirtualhost documentroot listen servername "
    "serverroot directoryindex errorlog customlog logformat options require redirect redirectmatch redirectpermanent alias "
    "errordocument serveralias serversignature addicon readmename headername minsparethreads maxsparethreads mimemagicfile "
    "proxyrequests filedetag"
)
"""What httpd.conf may contain, in lower case; what _apply does not know has no effect."""
KNOWN = set(DIRECTIVES.split())
REDIRECTS = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}
WORDS = {
    403: "You don't have permission to access this resource.", 404: "The requested URL was not found on this server.",
    405: "The requested method {method} is not allowed for this URL.", 301: 'The document has moved <a href="{location}">here</a>.',
    302: 'The document has moved <a href="{location}">here</a>.', 410: "The requested resource is no longer available on this server.",
}


UNKNOWN = "Invalid command '{}', perhaps misspelled or defined by a module not included in the server configuration"


class SyntaxProblem(Exception):
    """The message is Apache's."""


@dataclass
class Configuration:
    ports: list[int] = field(default_factory=list)
    server_name: str = ""
    document_root: str = f"{ROOT}/htdocs"
    indexes: list[str] = field(default_factory=lambda: ["index.html"])
    listing: dict[str, bool] = field(default_factory=dict)
    """{directory: Options has Indexes}."""
    denied: dict[str, bool] = field(default_factory=dict)
    """{directory: Require all denied}."""
    aliases: list[tuple[str, str]] = field(default_factory=list)
    redirects: list[tuple[str, int, str]] = field(default_factory=list)
    error_documents: dict[int, str] = field(default_factory=dict)
    access_log: str = "/proc/self/fd/1"
    error_log: str = "/proc/self/fd/2"
    formats: dict[str, str] = field(default_factory=lambda: {"common": '%h %l %u %t "%r" %>s %b'})
    format: str = "common"


def parse(text: str, path: str) -> Configuration:
    """Raises SyntaxProblem in Apache's words."""
    found, sections, number = Configuration(), [], 0

    def wrong(words: str) -> SyntaxProblem:
        return SyntaxProblem(f"AH00526: Syntax error on line {number} of {path}:\n{words}")

    for number, line in enumerate(map(str.strip, text.replace("\\\n", " ").splitlines()), 1):  # noqa: B007
        if not line or line.startswith("#"):
            continue
        if line.startswith("</"):
            name = line[2:].rstrip(">").lower()
            if not sections or sections[-1][0] != name:
                raise wrong(f"</{line[2:].rstrip('>')}> without matching <{line[2:].rstrip('>')}> section")
            sections.pop()
            continue
        if line.startswith("<"):
            if not line.endswith(">"):
                raise wrong(f"{line.split()[0]}> directive missing closing '>'")
            name, *rest = shlex.split(line[1:-1])
            if name.lower() not in KNOWN:
                raise wrong(UNKNOWN.format("<" + name))
            sections.append((name.lower(), rest[0] if rest else ""))
            continue
        try:
            name, *args = shlex.split(line)
        except ValueError:
            name, *args = line.split()
        if name.lower() not in KNOWN:
            raise wrong(UNKNOWN.format(name))
        try:
            _apply(found, name.lower(), args, next((where for kind, where in reversed(sections) if kind == "directory"), ""))
        except (IndexError, ValueError):
            raise wrong(f"{name} takes other arguments") from None
    if sections:
        raise SyntaxProblem(f"AH00526: Syntax error on line {number} of {path}:\n<{sections[-1][0].title()}> was not closed.")
    if not found.ports:
        raise SyntaxProblem("(2)No such file or directory: AH00072: make_sock: no listening sockets available, shutting down")
    return found


def _apply(found: Configuration, name: str, args: list[str], directory: str) -> None:
    match name:
        case "listen":
            found.ports.append(int(args[0].rpartition(":")[2]))
        case "servername":
            found.server_name = args[0]
        case "documentroot":
            found.document_root = posixpath.join(ROOT, args[0])
        case "directoryindex":
            found.indexes = args
        case "options" if directory:
            found.listing[directory] = any(word.lstrip("+").lower() in ("indexes", "all") for word in args)
        case "require" if directory:
            found.denied[directory] = [word.lower() for word in args] == ["all", "denied"]
        case "alias":
            found.aliases.append((args[0], args[1]))
        case "redirect" | "redirectpermanent":
            status = REDIRECTS.get(args[0].lower()) or (int(args[0]) if args[0].isdigit() else None)
            rest = args[1:] if status else args
            found.redirects.append((rest[0], status or (301 if name == "redirectpermanent" else 302), rest[1] if len(rest) > 1 else ""))
        case "errordocument":
            found.error_documents[int(args[0])] = args[1]
        case "errorlog":
            found.error_log = args[0]
        case "logformat":
            found.formats[args[1] if len(args) > 1 else "common"] = args[0]
        case "customlog":
            found.access_log, found.format = args[0], args[1]


class Apache:
    def __init__(self, process: Process, version: str, path: str):
        self.process, self.version, self.path = process, version, path
        self.fs: FileSystem = process.fs
        self.streams: dict[str, Stream] = {}

    @property
    def banner(self) -> str:
        return f"Apache/{self.version} (Unix)"

    def load(self) -> None:
        """Raises SyntaxProblem, OSError."""
        self.configuration = parse(self.fs.read(self.path).decode("utf-8", "replace"), self.path)
        root = self.configuration.document_root
        if not self.fs.isdir(root):
            raise SyntaxProblem(f"AH00526: Syntax error on line {self._line('DocumentRoot')} of {self.path}:\n"
                                f"DocumentRoot '{root}' is not a directory, or is not readable")

    def _line(self, name: str) -> int:
        lines = self.fs.read(self.path).decode("utf-8", "replace").splitlines()
        return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(name)), 0)

    def log(self, module: str, words: str) -> None:
        now = time.time()
        stamp = time.strftime("%a %b %d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06} " + time.strftime("%Y", time.gmtime(now))
        pid = self.process.pid
        self._write(self.configuration.error_log, f"[{stamp}] [{module}:notice] [pid {pid}:tid {pid}] {words}\n")

    def _write(self, path: str, line: str) -> None:
        if path not in self.streams:
            self.streams[path] = self.fs.open(posixpath.join(ROOT, path), "a", 0o644)
        self.streams[path].write(line.encode())

    def complain_about_name(self) -> None:
        if not self.configuration.server_name:
            words = ("AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using "
                     f"{self.process.network.ip}. Set the 'ServerName' directive globally to suppress this message\n")
            self.process.stderr.write(words.encode())

    async def run(self, command: str) -> int:
        process = self.process
        self.complain_about_name()
        self.complain_about_name()
        for port in dict.fromkeys(self.configuration.ports):
            try:
                listen(process, port, self.handle)
            except OSError:
                process.stderr.write(f"(98)Address already in use: AH00072: make_sock: could not bind to address [::]:{port}\n"
                                     "no listening sockets available, shutting down\nAH00015: Unable to open logs\n".encode())
                return 1
        self.log("mpm_event", f"AH00489: {self.banner} configured -- resuming normal operations")
        self.log("core", f"AH00094: Command line: '{command}'")
        self.fs.write(f"{ROOT}/logs/httpd.pid", b"%d\n" % process.pid)
        got: list[int] = []
        for number in (SIGTERM, SIGINT, SIGWINCH, 1, SIGUSR1):
            process.on_signal(number, got.append)
        while True:
            await process.sleep(float("inf"))
            number = got.pop()
            if number in (1, SIGUSR1):
                self.log("mpm_event", "AH00494: SIGHUP received.  Attempting to restart" if number == 1 else
                         "AH00493: SIGUSR1 received.  Doing graceful restart")
                try:
                    self.load()
                except SyntaxProblem as problem:
                    process.stderr.write(f"{problem}\n".encode())
                    return 1
                self.log("mpm_event", f"AH00489: {self.banner} configured -- resuming normal operations")
                self.log("core", f"AH00094: Command line: '{command}'")
                continue
            self.log("mpm_event", "AH00492: caught SIGWINCH, shutting down gracefully" if number == SIGWINCH else
                     "AH00491: caught SIGTERM, shutting down")
            return 0

    # --- requests ---

    async def handle(self, request: Request) -> Response:
        response = self.respond(request)
        if response.status >= 400 and (document := self.configuration.error_documents.get(response.status)):
            response = self._error_document(request, response, document)
        response.headers[:0] = [("Date", formatdate(usegmt=True)), ("Server", self.banner)]
        self._access(request, response)
        return response

    def _access(self, request: Request, response: Response) -> None:
        size = len(response.body) if request.method != "HEAD" else 0
        line = f"{request.method} {request.target} HTTP/{request.version}"
        values = {"h": request.client[0], "a": request.client[0], "l": "-", "u": "-", "r": line, "s": str(response.status),
                  "b": str(size or "-"), "O": str(size), "m": request.method, "U": request.path, "v": self.configuration.server_name or
                  self.process.network.ip, "p": str(request.server[1]), "t": time.strftime("[%d/%b/%Y:%H:%M:%S +0000]", time.gmtime()),
                  "D": "300", "q": f"?{request.query_string}" if request.query_string else "", "f": request.path, "P": "8"}

        def value(found: re.Match) -> str:
            return (request.header(found[1]) or "-") if found[1] else values.get(found[2], "-")
        form = self.configuration.formats.get(self.configuration.format, self.configuration.format)
        self._write(self.configuration.access_log, re.sub(r"%>?(?:\{([^}]+)\}i|([a-zA-Z]))", value, form) + "\n")

    def respond(self, request: Request) -> Response:
        configuration, path = self.configuration, posixpath.normpath(request.path)
        if request.path.endswith("/") and path != "/":
            path += "/"
        for prefix, status, target in configuration.redirects:
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return self.redirect(request, target + path[len(prefix):], status)
        if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
            return self.error(request, 405)
        if request.method == "OPTIONS":
            return Response(headers=[("Allow", "HEAD,GET,POST,OPTIONS")])
        local = configuration.document_root + path
        for prefix, target in configuration.aliases:
            if path.startswith(prefix):
                local = target + path[len(prefix):]
        if posixpath.basename(path).startswith(".ht") or self._under(local, configuration.denied):
            return self.error(request, 403)
        if self.fs.isdir(local):
            if not path.endswith("/"):
                return self.redirect(request, f"http://{request.header('host')}{path}/", 301)
            index = next((posixpath.join(local, name) for name in configuration.indexes if self.fs.isfile(posixpath.join(local, name))), "")
            if not index:
                return self.listing(path, local) if self._under(local, configuration.listing) else self.error(request, 403)
            local = index
        return self.file(request, local)

    def _under(self, path: str, flags: dict[str, bool]) -> bool:
        """What the longest directory above `path` says."""
        above = [where for where in flags if path == where or path.startswith(where.rstrip("/") + "/")]
        return flags[max(above, key=len)] if above else False

    def file(self, request: Request, local: str) -> Response:
        try:
            body, found = self.fs.read(local), self.fs.stat(local)
        except PermissionError:
            return self.error(request, 403)
        except OSError:
            return self.error(request, 404)
        tag = f'"{len(body):x}-{int(found.mtime * 1e6):x}"'
        headers = [("Last-Modified", formatdate(found.mtime, usegmt=True)), ("ETag", tag), ("Accept-Ranges", "bytes")]
        if request.header("if-none-match") == tag:
            return Response(304, headers=headers)
        return Response(body=body, headers=headers, content_type=mimetypes.guess_type(local)[0] or "")

    def listing(self, path: str, local: str) -> Response:
        parent = posixpath.dirname(path.rstrip("/")).rstrip("/") + "/"
        up = [f'<li><a href="{parent}"> Parent Directory</a></li>\n'] if path != "/" else []
        names = [name + "/" * self.fs.isdir(posixpath.join(local, name)) for name in self.fs.listdir(local) if not name.startswith(".")]
        rows = "".join([*up, *(f'<li><a href="{quote(name)}"> {escape(name)}</a></li>\n' for name in names)])
        title = f"Index of {escape(path.rstrip('/') or '/')}"
        return Response(body='<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n'
                             f"  <title>{title}</title>\n </head>\n <body>\n<h1>{title}</h1>\n<ul>{rows}</ul>\n</body></html>\n",
                        content_type="text/html;charset=ISO-8859-1")

    def redirect(self, request: Request, location: str, status: int) -> Response:
        response = self.error(request, status, location)
        if status != 410:
            response.headers.append(("Location", location))
        return response

    def error(self, request: Request, status: int, location: str = "") -> Response:
        title = HTTPStatus(status).phrase
        words = WORDS.get(status, "").format(method=request.method, location=escape(location))
        body = ('<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n'
                f"<title>{status} {title}</title>\n</head><body>\n<h1>{title}</h1>\n<p>{words}</p>\n</body></html>\n")
        headers = [("Allow", "HEAD,GET,POST,OPTIONS")] if status == 405 else []
        return Response(status, body, headers, "text/html; charset=iso-8859-1")

    def _error_document(self, request: Request, response: Response, document: str) -> Response:
        if not document.startswith("/"):
            return Response(response.status, document, content_type="text/html; charset=iso-8859-1")
        found = self.file(request, self.configuration.document_root + document)
        return Response(response.status, found.body, found.headers, found.content_type) if found.status == 200 else response


def program(version: str):
    async def httpd(process: Process) -> int:
        words = process.argv[1:]
        if "-v" in words:
            process.stdout.write(f"Server version: Apache/{version} (Unix)\nServer built:   Jan  1 2026 00:00:00\n".encode())
            return 0
        path = posixpath.join(ROOT, words[words.index("-f") + 1] if "-f" in words[:-1] else "conf/httpd.conf")
        apache = Apache(process, version, path)
        if "-k" in words[:-1]:
            return await control(process, words[words.index("-k") + 1])
        try:
            apache.load()
        except OSError as problem:
            process.stderr.write(f"httpd: Could not open configuration file {path}: {problem.strerror}\n".encode())
            return 1
        except SyntaxProblem as problem:
            process.stderr.write(f"{problem}\n".encode())
            return 1
        if "-t" in words:
            apache.complain_about_name()
            process.stderr.write(b"Syntax OK\n")
            return 0
        return await apache.run(" ".join([process.name, *words]).replace("-DFOREGROUND", "-D FOREGROUND"))

    async def control(process: Process, action: str) -> int:
        try:
            master = process.table.processes[int(process.fs.read(f"{ROOT}/logs/httpd.pid"))]
        except (OSError, KeyError, ValueError):
            process.stderr.write(b"httpd (no pid file) not running\n")
            return 1
        number = {"stop": SIGTERM, "graceful-stop": SIGWINCH, "restart": 1, "graceful": SIGUSR1}.get(action)
        if number is None:
            process.stderr.write(f'httpd: -k {action} is not supported here\n'.encode())
            return 1
        master.signal(number)
        return 0

    return httpd


async def foreground(process: Process) -> int:
    """httpd-foreground: without a stale pid file, httpd as this process."""
    if process.fs.exists(f"{ROOT}/logs/httpd.pid"):
        process.fs.unlink(f"{ROOT}/logs/httpd.pid")
    process.exec(["httpd", "-DFOREGROUND", *process.argv[1:]])


async def apachectl(process: Process) -> int:
    words = process.argv[1:]
    process.exec(["httpd", *(["-t"] if words == ["configtest"] else ["-k", *words] if words and not words[0].startswith("-") else words)])


@cache
def files(version: str, variant: str) -> Directory:
    base = alpine if variant == "alpine" else debian
    passwd, group = base.PASSWD, base.GROUP
    return tree({
        f"{ROOT}/htdocs/index.html": PAGE if tuple(map(int, version.split("."))) >= (2, 4, 66) else OLD_PAGE,
        f"{ROOT}/conf/httpd.conf": CONFIGURATION, f"{ROOT}/bin/httpd": executable(program(version)),
        f"{ROOT}/bin/apachectl": executable(apachectl), "/usr/local/bin/httpd-foreground": executable(foreground),
        f"{ROOT}/logs": Directory(mtime=BUILT), f"{ROOT}/cgi-bin": Directory(mtime=BUILT), f"{ROOT}/modules": Directory(mtime=BUILT),
        "/etc/passwd": passwd, "/etc/group": group,
    }, base.files())


def build(tag: str) -> Image:
    version, variant = TAGS[tag]
    base = alpine.layer() if variant == "alpine" else debian.layer()
    own = Layer(f"httpd:{version}-{variant}", 20_000_000 if variant == "alpine" else 17_200_000)
    return Image(REPOSITORY, tag, (base, own), partial(files, version, variant), command=["httpd-foreground"], working_dir=ROOT,
                 env=[("PATH", f"{ROOT}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HTTPD_PREFIX", ROOT),
                      ("HTTPD_VERSION", version)], ports=["80/tcp"], stop_signal=SIGWINCH)

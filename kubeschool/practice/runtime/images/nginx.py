"""docker.io/library/nginx: what is in the image, and its entrypoint. The server is ../nginx."""
import math
import re
from collections.abc import Callable
from functools import cache, partial
from hashlib import md5

from ..filesystem import Directory, File
from ..nginx.main import Build, program
from ..process import SIGQUIT, Process
from . import alpine, debian
from .busybox import commands
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "docker.io/library/nginx"
LATEST, STABLE = "1.29", "1.28"
VERSIONS = {"1.29": "1.29.4", "1.28": "1.28.1", "1.27": "1.27.5", "1.26": "1.26.3", "1.25": "1.25.5", "1.24": "1.24.0", "1.23": "1.23.4",
            "1.21": "1.21.6", "1.20": "1.20.2", "1.19": "1.19.10", "1.18": "1.18.0", "1.16": "1.16.1", "1.14": "1.14.2"}
_NAMES = {"latest": VERSIONS[LATEST], "1": VERSIONS[LATEST], "mainline": VERSIONS[LATEST], "stable": VERSIONS[STABLE],
          **VERSIONS, **{version: version for version in VERSIONS.values()}}
TAGS: dict[str, tuple[str, str]] = {
    tag: (version, variant)
    for name, version in _NAMES.items()
    for variant, tag in (("debian", name), ("alpine", "alpine" if name == "latest" else f"{name}-alpine"))
}
"""{tag: (nginx's version, what the image is built on)}."""

UID = 101
PAGE = """\
<!DOCTYPE html>
<html>
<head>
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<h1>{heading}</h1>
{text}
</body>
</html>
"""
STYLE = """\
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }"""
OLD_STYLE = """\
    body {
        width: 35em;
        margin: 0 auto;
        font-family: Tahoma, Verdana, Arial, sans-serif;
    }"""
WELCOME = partial(PAGE.format, title="Welcome to nginx!", heading="Welcome to nginx!", text="""\
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>""")
ERROR_50X = partial(PAGE.format, title="Error", heading="An error occurred.", text="""\
<p>Sorry, the page you are looking for is currently unavailable.<br/>
Please try again later.</p>
<p>If you are the system administrator of this resource then you should check
the error log for details.</p>
<p><em>Faithfully yours, nginx.</em></p>""")
NGINX_CONF = """
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log {level};
pid        {pid};


events {{
    worker_connections  1024;
}}


http {{
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}}
"""
DEFAULT_CONF = """\
server {
    listen       80;
    server_name  localhost;

    #access_log  /var/log/nginx/host.access.log  main;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    #error_page  404              /404.html;

    # redirect server error pages to the static page /50x.html
    #
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
"""
MIME_TYPES = {
    "text/html": "html htm shtml", "text/css": "css", "text/xml": "xml", "image/gif": "gif", "image/jpeg": "jpeg jpg",
    "application/javascript": "js", "application/atom+xml": "atom", "application/rss+xml": "rss", "text/mathml": "mml", "text/plain": "txt",
    "image/avif": "avif", "image/png": "png", "image/svg+xml": "svg svgz", "image/tiff": "tif tiff", "image/webp": "webp",
    "image/x-icon": "ico", "font/woff": "woff", "font/woff2": "woff2", "application/java-archive": "jar war ear",
    "application/json": "json", "application/pdf": "pdf", "application/wasm": "wasm", "application/xhtml+xml": "xhtml",
    "application/zip": "zip", "application/x-tar": "tar", "application/octet-stream": "bin exe dll deb dmg iso img",
    "audio/mpeg": "mp3", "audio/ogg": "ogg", "video/mp4": "mp4", "video/mpeg": "mpeg mpg", "video/webm": "webm",
}
NATIVE = """\
#!/bin/sh
# {words}
# In the practice cluster a built-in program does this script's work: kubeschool/practice/runtime/images/nginx.py
"""


# --- the entrypoint and its scripts ---

async def entrypoint(process: Process) -> int:
    """/docker-entrypoint.sh: runs /docker-entrypoint.d/* before nginx, then becomes the command."""
    command = process.argv[1:]
    folder = "/docker-entrypoint.d"

    def say(words: str) -> None:
        if not process.env.get("NGINX_ENTRYPOINT_QUIET_LOGS"):
            process.stdout.write(f"/docker-entrypoint.sh: {words}\n".encode())

    if command and command[0] in ("nginx", "nginx-debug"):
        names = process.fs.listdir(folder) if process.fs.isdir(folder) else []
        if names:
            say(f"{folder}/ is not empty, will attempt to perform configuration")
            say(f"Looking for shell scripts in {folder}/")
            for path in (f"{folder}/{name}" for name in names):
                executable = process.fs.access(path, 1)
                if path.endswith(".envsh") and executable:
                    say(f"Sourcing {path}")
                    await _source(process, path)
                elif path.endswith(".sh") and executable:
                    say(f"Launching {path}")
                    status = await process.spawn([path]).wait()
                    if status:
                        return status
                elif path.endswith((".sh", ".envsh")):
                    say(f"Ignoring {path}, not executable")
                else:
                    say(f"Ignoring {path}")
            say("Configuration complete; ready for start up")
        else:
            say(f"No files found in {folder}/, skipping configuration")
    if not command:
        return 0
    process.exec(command)


async def _source(process: Process, path: str) -> None:
    """`. path` for its environment: a shell reads it and prints what it has."""
    from ..streams import Pipe
    if process.fs.lookup(path).program:
        return
    pipe = Pipe()
    shell = process.spawn(["/bin/sh", "-c", f". {path} && env"], stdout=pipe)
    text = (await pipe.read_all()).decode()
    if await shell.wait() == 0:
        process.env.update(line.split("=", 1) for line in text.splitlines() if "=" in line)


async def listen_on_ipv6(process: Process, packaged: str = DEFAULT_CONF) -> int:
    """10-listen-on-ipv6-by-default.sh."""
    path, fs = "/etc/nginx/conf.d/default.conf", process.fs

    def say(words: str) -> int:
        if not process.env.get("NGINX_ENTRYPOINT_QUIET_LOGS"):
            process.stdout.write(f"10-listen-on-ipv6-by-default.sh: info: {words}\n".encode())
        return 0
    if not fs.isfile(path):
        return say(f"{path} is not a file or does not exist")
    if not fs.access(path, 2):
        return say(f"can not modify {path} (read-only file system?)")
    text = fs.read(path)
    if re.search(rb"listen  *\[::\]:80;", text):
        return say("IPv6 listen already enabled")
    say(f"Getting the checksum of {path}")
    if md5(text, usedforsecurity=False).digest() != md5(packaged.encode(), usedforsecurity=False).digest():
        return say(f"{path} differs from the packaged version")
    fs.write(path, text.replace(b"listen       80;", b"listen       80;\n    listen  [::]:80;"))
    return say(f"Enabled listen on IPv6 in {path}")


async def envsubst_on_templates(process: Process) -> int:
    """20-envsubst-on-templates.sh: /etc/nginx/templates/*.template with ${VARIABLES} of the environment -> /etc/nginx/conf.d."""
    fs, env = process.fs, process.env
    source = env.get("NGINX_ENVSUBST_TEMPLATE_DIR", "/etc/nginx/templates")
    target = env.get("NGINX_ENVSUBST_OUTPUT_DIR", "/etc/nginx/conf.d")
    suffix = env.get("NGINX_ENVSUBST_TEMPLATE_SUFFIX", ".template")
    wanted = re.compile(env.get("NGINX_ENVSUBST_FILTER", ""))

    def say(words: str, level: str = "") -> None:
        if not env.get("NGINX_ENTRYPOINT_QUIET_LOGS"):
            process.stdout.write(f"20-envsubst-on-templates.sh: {level}{words}\n".encode())
    if not fs.isdir(source):
        return 0
    if not fs.access(target, 2):
        say(f"{source} exists, but {target} is not writable", "ERROR: ")
        return 0
    for path in _below(fs, source):
        if not path.endswith(suffix):
            continue
        output = f"{target}/{path[len(source) + 1:].removesuffix(suffix)}"
        fs.mkdir(output.rpartition("/")[0], parents=True)
        say(f"Running envsubst on {path} to {output}")
        text = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: _value(env, wanted, found), fs.read(path).decode())
        fs.write(output, text.encode())
    return 0


def _value(env: dict[str, str], wanted: re.Pattern, found: re.Match) -> str:
    name = found[1] or found[2]
    return env[name] if name in env and wanted.search(name) else found[0]


def _below(fs, folder: str) -> list[str]:
    found = []
    for name in fs.listdir(folder):
        path = f"{folder}/{name}"
        found += _below(fs, path) if fs.isdir(path) and not name.startswith("..") else [path]
    return [path for path in found if fs.isfile(path) and "/.." not in path]


async def local_resolvers(process: Process) -> int:
    """15-local-resolvers.envsh and 30-tune-worker-processes.sh do nothing unless asked to by NGINX_ENTRYPOINT_… variables."""
    return 0


async def tune_worker_processes(process: Process) -> int:
    """30-tune-worker-processes.sh: worker_processes by the container's CPU limit."""
    path = "/etc/nginx/nginx.conf"
    if process.env.get("NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE") and process.fs.access(path, 2):
        limit = process.container.config.cpu_limit
        count = math.ceil(limit) if limit else process.container.runtime.machine.cpus
        process.fs.write(path, re.sub(rb"(?m)^worker_processes .*;", b"worker_processes  %d;" % count, process.fs.read(path)))
    return 0


# --- the image ---

def _script(words: str, main: Callable) -> File:
    return File(NATIVE.format(words=words).encode(), 0o755, mtime=BUILT, program=main)


@cache
def files(version: str, variant: str) -> Directory:
    base = alpine if variant == "alpine" else debian
    build = _build(version, variant)
    mime_types = "\ntypes {\n" + "".join(f"    {kind:<48} {extensions};\n" for kind, extensions in MIME_TYPES.items()) + "}\n"
    root = base.files() if variant == "alpine" else base.files(_release(version))
    shell = "/sbin/nologin" if variant == "alpine" else "/bin/false"
    old = _number(version) < (1, 21)
    style = OLD_STYLE if old else STYLE
    content = {
        "/etc/nginx/nginx.conf": NGINX_CONF.format(pid=build.pid_file, level="warn" if old else "notice"),
        "/etc/nginx/conf.d/default.conf": DEFAULT_CONF,
        "/etc/nginx/mime.types": mime_types, "/etc/nginx/modules": "-> /usr/lib/nginx/modules", "/usr/lib/nginx/modules": None,
        "/usr/share/nginx/html/index.html": WELCOME(style=style),
        "/usr/share/nginx/html/50x.html": ERROR_50X(style=style),
        "/var/log/nginx/access.log": "-> /dev/stdout", "/var/log/nginx/error.log": "-> /dev/stderr",
        "/var/cache/nginx": Directory(mtime=BUILT), "/usr/sbin/nginx": executable(program(build)),
        "/etc/passwd": base.PASSWD + f"nginx:x:{UID}:{UID}:nginx user:/nonexistent:{shell}\n",
        "/etc/group": base.GROUP + f"nginx:x:{UID}:\n",
    }
    if _number(version) >= (1, 19):
        content |= {
            "/usr/bin/curl": commands()["curl"],
            "/docker-entrypoint.sh": _script("Runs /docker-entrypoint.d, then the command", entrypoint),
            "/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh": _script("Adds listen [::]:80 to default.conf", listen_on_ipv6),
            "/docker-entrypoint.d/20-envsubst-on-templates.sh": _script("Fills in /etc/nginx/templates", envsubst_on_templates),
            "/docker-entrypoint.d/30-tune-worker-processes.sh": _script("worker_processes by the CPU limit", tune_worker_processes),
        }
    if _number(version) >= (1, 25):
        content["/docker-entrypoint.d/15-local-resolvers.envsh"] = _script("Exports NGINX_LOCAL_RESOLVERS when asked", local_resolvers)
    return tree(content, root)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _release(version: str) -> str:
    return "13" if _number(version) >= (1, 28) else "12"


def _build(version: str, variant: str) -> Build:
    pid_file = "/run/nginx.pid" if _number(version) >= (1, 27) else "/var/run/nginx.pid"
    if variant == "alpine":
        return Build(version, "gcc 14.2.0 (Alpine 14.2.0)", "OpenSSL 3.5.4 30 Sep 2025", pid_file)
    if _release(version) == "13":
        return Build(version, "gcc 14.2.0 (Debian 14.2.0-19)", "OpenSSL 3.5.1 1 Jul 2025", pid_file)
    return Build(version, "gcc 12.2.0 (Debian 12.2.0-14)", "OpenSSL 3.0.15 3 Sep 2024", pid_file)


def build(tag: str) -> Image:
    version, variant = TAGS[tag]
    base = alpine.layer() if variant == "alpine" else debian.layer(_release(version))
    own = Layer(f"nginx:{version}-{variant}", 16_500_000 if variant == "alpine" else 44_000_000)
    command = ["nginx", "-g", "daemon off;"]
    return Image(REPOSITORY, tag, (base, own), partial(files, version, variant), command=command, ports=["80/tcp"], stop_signal=SIGQUIT,
                 entrypoint=["/docker-entrypoint.sh"] if _number(version) >= (1, 19) else [],
                 env=[("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("NGINX_VERSION", version)])

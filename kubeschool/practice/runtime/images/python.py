"""docker.io/library/python: a small Python (../python) that runs lessons' scripts, `python -c` and `python -m http.server`."""
import math
import time
from functools import cache, partial

from ..filesystem import Directory
from ..http_server import Request, Response, listen
from ..process import SIGINT, Process
from ..python.http_files import file_response
from ..python.interpreter import Interpreter
from . import alpine, debian
from .image import Image, Layer, executable, tree

REPOSITORY = "docker.io/library/python"
VERSIONS = {"3.14": "3.14.1", "3.13": "3.13.9", "3.12": "3.12.12", "3.11": "3.11.14", "3.10": "3.10.19", "3.9": "3.9.25", "3.8": "3.8.20"}
_NAMES = {"latest": "3.14.1", "3": "3.14.1", **VERSIONS, **{version: version for version in VERSIONS.values()}}
TAGS: dict[str, tuple[str, str]] = {
    tag: (version, variant)
    for name, version in _NAMES.items()
    for variant, tag in (("debian", name), ("slim", "slim" if name == "latest" else f"{name}-slim"),
                         ("alpine", "alpine" if name == "latest" else f"{name}-alpine"))
}
"""{tag: (Python's version, what the image is built on)}."""
LIMITS = ("This Python is simulated: it runs scripts, -c and -m http.server, and has no interactive prompt. "
          "docs/what-is-simulated.md says what it knows.\n")


def program(version: str):
    async def main(process: Process) -> int:
        words, unbuffered = process.argv[1:], False
        while words and words[0] in ("-u", "-B", "-I", "-E", "-s", "-S", "-O"):
            unbuffered |= words.pop(0) == "-u"
        if words[:1] in (["--version"], ["-V"]):
            process.stdout.write(f"Python {version}\n".encode())
            return 0
        if words[:2] == ["-m", "http.server"]:
            return await http_server(process, version, words[2:])
        if words[:1] == ["-m"]:
            process.stderr.write(f"/usr/local/bin/python: No module named {words[1] if len(words) > 1 else ''}\n".encode())
            return 1
        if words[:1] == ["-c"] and len(words) > 1:
            source, file, argv = words[1], "<string>", ["-c", *words[2:]]
        elif words and words[0] != "-":
            file, argv = words[0], words
            try:
                source = process.fs.read(file).decode("utf-8", "replace")
            except OSError as problem:
                process.stderr.write(f"/usr/local/bin/python: can't open file '{process.fs.absolute(file)}': [Errno {problem.errno}] "
                                     f"{problem.strerror}\n".encode())
                return 2
        elif process.stdin.isatty():
            process.stdout.write(LIMITS.encode())
            return 1
        else:
            source, file, argv = (await process.stdin.read_all()).decode("utf-8", "replace"), "<stdin>", [""]
        interpreter = Interpreter(process, argv)
        interpreter.unbuffered |= unbuffered
        return await interpreter.run(source, file)

    return main


async def http_server(process: Process, version: str, words: list[str]) -> int:
    """python -m http.server [port] [--bind address] [--directory folder]"""
    port, folder, bind, rest = 8000, process.cwd, "0.0.0.0", list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word in ("--directory", "-d", "--bind", "-b"):
            value = value if equals else rest.pop(0) if rest else ""
            folder, bind = (value, bind) if word in ("--directory", "-d") else (folder, value)
        elif word.isdigit() and int(word) < 65536:
            port = int(word)
        else:
            process.stderr.write(f"usage: server.py [-h] [--cgi] [-b ADDRESS] [-d DIRECTORY] [-p VERSION] [port]\n"
                                 f"server.py: error: unrecognized arguments: {word}\n".encode())
            return 2

    async def answer(request: Request) -> Response:
        response = file_response(process, request, folder, version)
        stamp = time.strftime("%d/%b/%Y %H:%M:%S", time.gmtime())
        line = f'"{request.method} {request.target} HTTP/{request.version}"'
        if response.status == 404:
            process.stderr.write(f"{request.client[0]} - - [{stamp}] code 404, message File not found\n".encode())
        process.stderr.write(f"{request.client[0]} - - [{stamp}] {line} {response.status} -\n".encode())
        return response

    try:
        listen(process, port, answer, bind)
    except OSError as problem:
        process.stderr.write(f"Traceback (most recent call last):\nOSError: [Errno {problem.errno}] {problem.strerror}\n".encode())
        return 1
    if process.env.get("PYTHONUNBUFFERED") or process.stdout.isatty():
        process.stdout.write(f"Serving HTTP on {bind} port {port} (http://{bind}:{port}/) ...\n".encode())
    interrupted: list[int] = []
    process.on_signal(SIGINT, interrupted.append)
    while not interrupted:
        await process.sleep(math.inf)
    process.stdout.write(b"\nKeyboard interrupt received, exiting.\n")
    return 0


async def pip(process: Process) -> int:
    process.stderr.write(b"ERROR: pip is not simulated: a practice container reaches no package index\n")
    return 1


@cache
def files(version: str, variant: str) -> Directory:
    base = alpine if variant == "alpine" else debian
    python, short = executable(program(version)), version.rpartition(".")[0]
    return tree({"/usr/local/bin/python3": python, "/usr/local/bin/python": "-> python3", f"/usr/local/bin/python{short}": "-> python3",
                 "/usr/local/bin/pip": executable(pip), "/usr/local/bin/pip3": "-> pip"}, base.files())


def build(tag: str) -> Image:
    version, variant = TAGS[tag]
    base = alpine.layer() if variant == "alpine" else debian.layer()
    size = {"debian": 360_000_000, "slim": 17_000_000, "alpine": 14_000_000}[variant]
    return Image(REPOSITORY, tag, (base, Layer(f"python:{version}-{variant}", size)), partial(files, version, variant), command=["python3"],
                 env=[("PATH", "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8"),
                      ("PYTHON_VERSION", version)], stop_signal=15)

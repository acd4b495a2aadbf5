"""docker.io/library/redis: what is in the image, its entrypoint and its programs. The server is ../redis."""
import posixpath
from functools import cache, partial

from ..filesystem import Directory
from ..process import Process
from ..redis import configuration
from ..redis.cli import program as redis_cli
from ..redis.configuration import ConfigurationError
from ..redis.server import Server, number
from . import alpine, debian
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "docker.io/library/redis"
VERSIONS = {"8": "8.6.6", "8.6": "8.6.6", "8.4": "8.4.0", "8.2": "8.2.3", "8.0": "8.0.5", "7": "7.4.7", "7.4": "7.4.7", "7.2": "7.2.12",
            "7.0": "7.0.15", "6": "6.2.21", "6.2": "6.2.21", "6.0": "6.0.20", "5": "5.0.14", "5.0": "5.0.14"}
_NAMES = {"latest": VERSIONS["8"], **VERSIONS, "8.0.2": "8.0.2", **{version: version for version in VERSIONS.values()}}
TAGS: dict[str, tuple[str, str]] = {
    tag: (version, variant)
    for name, version in _NAMES.items()
    for variant, tag in (("debian", name), ("alpine", "alpine" if name == "latest" else f"{name}-alpine"))
}
"""{tag: (Redis' version, what the image is built on)}."""
UID = 999


async def entrypoint(process: Process) -> int:
    """docker-entrypoint.sh: options mean redis-server, which runs as the user redis."""
    command = process.argv[1:]
    if command[0].startswith("-") or command[0].endswith(".conf"):
        command = ["redis-server", *command]
    if command[0].rpartition("/")[2] == "redis-server":
        version = process.env.get("REDIS_VERSION", VERSIONS["8"])
        if process.uid == 0:
            for node_path in (".", *process.fs.listdir(".")):
                process.fs.chown(node_path, UID, UID)
            process.fs.uid = process.fs.gid = UID
        if number(version) >= (8, 0):
            process.stdout.write(b"Starting Redis Server\n")
    process.exec(command)


def redis_server(version: str):
    async def main(process: Process) -> int:
        words = process.argv[1:]
        if words and words[0] in ("-v", "--version"):
            process.stdout.write(f"Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=practice\n".encode())
            return 0
        if words and words[0] in ("-h", "--help"):
            process.stdout.write(b"Usage: ./redis-server [/path/to/redis.conf] [options] [-]\n")
            return 0
        file, text = "", ""
        try:
            if words and not words[0].startswith("-"):
                file = posixpath.join(process.cwd, words[0])
                text = process.fs.read(file).decode("utf-8", "surrogateescape")
            config = configuration.load(text, words[1:] if file else words, bool(file))
        except OSError as problem:
            server = Server(process, version, dict(configuration.DEFAULTS))
            server.log(f"Fatal error, can't open config file '{file}': {problem.strerror}", "#", "C")
            return 1
        except ConfigurationError as problem:
            process.stderr.write(f"\n*** FATAL CONFIG FILE ERROR (Redis {version}) ***\nReading the configuration file, at line "
                                 f"{problem.line}\n>>> '{problem.text}'\n{problem}\n".encode())
            return 1
        if config["dir"]:
            try:
                process.chdir(config["dir"])
            except OSError as problem:
                process.stderr.write(f"\n*** FATAL CONFIG FILE ERROR (Redis {version}) ***\nReading the configuration file\n"
                                     f">>> 'dir {config['dir']}'\n{problem.strerror}\n".encode())
                return 1
        config["dir"] = process.cwd
        return await Server(process, version, config, file).run()

    return main


@cache
def files(version: str, variant: str) -> Directory:
    base = alpine if variant == "alpine" else debian
    shell = "/sbin/nologin" if variant == "alpine" else "/bin/sh"
    server = executable(redis_server(version))
    return tree({
        "/usr/local/bin/redis-server": server, "/usr/local/bin/redis-sentinel": "-> redis-server",
        "/usr/local/bin/redis-cli": executable(redis_cli(version)),
        "/usr/local/bin/docker-entrypoint.sh": executable(entrypoint),
        "/data": Directory(uid=UID, gid=UID, mtime=BUILT),
        "/etc/passwd": base.PASSWD + f"redis:x:{UID}:{UID}::/home/redis:{shell}\n",
        "/etc/group": base.GROUP + f"redis:x:{UID}:\n",
    }, base.files())


def build(tag: str) -> Image:
    version, variant = TAGS[tag]
    base = alpine.layer() if variant == "alpine" else debian.layer()
    own = Layer(f"redis:{version}-{variant}", 13_000_000 if variant == "alpine" else 17_500_000)
    return Image(REPOSITORY, tag, (base, own), partial(files, version, variant), ["docker-entrypoint.sh"], ["redis-server"],
                 [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("REDIS_VERSION", version)],
                 working_dir="/data", ports=["6379/tcp"])

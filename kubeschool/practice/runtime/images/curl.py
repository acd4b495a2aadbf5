"""docker.io/curlimages/curl: curl on Alpine, run as its own user."""
from ..filesystem import Directory
from ..process import Process
from . import alpine
from .busybox import commands
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "docker.io/curlimages/curl"
VERSIONS = ("8.17.0", "8.16.0", "8.15.0", "8.14.1", "8.13.0", "8.12.1", "8.11.1", "8.10.1", "8.9.1", "8.8.0", "8.7.1", "8.6.0", "8.5.0",
            "8.4.0", "8.1.2", "7.88.1", "7.87.0", "7.85.0", "7.73.0")
TAGS = dict.fromkeys(("latest",), VERSIONS[0]) | {version: version for version in VERSIONS}
UID, GID = 100, 101


async def entrypoint(process: Process) -> int:
    """/entrypoint.sh: `curl` before what begins with - or is no command."""
    words = process.argv[1:]
    if not words or words[0].startswith("-") or not _is_command(process, words[0]):
        words = ["curl", *words]
    process.exec(words)


def _is_command(process: Process, name: str) -> bool:
    folders = process.env.get("PATH", "").split(":")
    return process.fs.isfile(name) if "/" in name else any(process.fs.isfile(f"{folder}/{name}") for folder in folders)


def files() -> Directory:
    return tree({
        "/usr/bin/curl": commands()["curl"], "/entrypoint.sh": executable(entrypoint),
        "/home/curl_user": Directory(uid=UID, gid=GID, mtime=BUILT),
        "/etc/passwd": alpine.PASSWD + f"curl_user:x:{UID}:{GID}:Linux User,,,:/home/curl_user:/bin/sh\n",
        "/etc/group": alpine.GROUP + f"curl_group:x:{GID}:curl_user\n",
    }, alpine.files())


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (alpine.layer(), Layer(f"curl:{TAGS[tag]}", 5_600_000)), files, ["/entrypoint.sh"], ["curl"],
                 [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("CURL_RELEASE_TAG", f"curl-{TAGS[tag]}")],
                 working_dir="/home/curl_user", uid=UID, gid=GID, user="curl_user")

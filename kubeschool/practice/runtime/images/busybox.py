"""docker.io/library/busybox, and the busybox tree other images build on."""
from functools import cache

from ..filesystem import Directory, File
from .image import BUILT, Image, Layer, executable, tree

REPOSITORY = "docker.io/library/busybox"
VERSIONS = {"1.37": "1.37.0", "1.36": "1.36.1", "1.35": "1.35.0", "1.34": "1.34.1", "1.28": "1.28.4"}
LATEST = "1.37.0"
TAGS = dict.fromkeys(("latest", "glibc", "musl", "uclibc"), LATEST) | {
    tag + libc: version
    for tag, version in {"stable": LATEST, **VERSIONS, **{version: version for version in VERSIONS.values()}}.items()
    for libc in ("", "-glibc", "-musl", "-uclibc")
}

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
mail:x:8:
www-data:x:33:
users:x:100:
nobody:x:65534:
"""


@cache
def commands() -> dict[str, File]:
    """{name: file} of the shell and every command, one file object each for all images."""
    from ..shell import sh
    from ..shell.commands import COMMANDS
    return {name: executable(main) for name, main in {**COMMANDS, "sh": sh, "ash": sh}.items()}


def applets() -> dict[str, File]:
    """What busybox itself has of them."""
    return {name: file for name, file in commands().items() if name != "curl"}


@cache
def files() -> Directory:
    root = tree({
        "/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/shadow": "root:*:::::::\n", "/etc/network": None,
        "/home": Directory(uid=65534, gid=65534, mtime=BUILT), "/root": Directory(mode=0o700, mtime=BUILT),
        "/tmp": Directory(mode=0o1777, mtime=BUILT),
        "/usr/bin/env": "-> ../../bin/env", "/usr/sbin": None, "/var/spool/mail": None, "/var/www": None, "/lib": None, "/lib64": "-> lib",
    })
    root.entries["bin"] = Directory(applets(), mtime=BUILT)
    return root


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer(f"busybox:{TAGS[tag]}", 2_220_094),), files, command=["sh"])

"""docker.io/library/alpine, and the Alpine tree that -alpine images build on."""
from functools import cache

from ..filesystem import Directory
from .busybox import applets
from .image import BUILT, Image, Layer, tree

REPOSITORY = "docker.io/library/alpine"
VERSIONS = {"3.22": "3.22.2", "3.21": "3.21.5", "3.20": "3.20.8"}
LATEST = "3.22"
TAGS = ("latest", "3", *VERSIONS, *VERSIONS.values())
ABSENT = {"httpd"}
"""Commands that busybox has and Alpine's build of it has not (they are in busybox-extras)."""
SBIN = ("ifconfig", "ip", "route", "sysctl", "syslogd", "init", "halt", "poweroff", "reboot")

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
www-data:x:82:82:www-data:/home/www-data:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
GROUP = """\
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
tty:x:5:
mail:x:12:
www-data:x:82:
users:x:100:games
nogroup:x:65533:
nobody:x:65534:
"""


@cache
def files(version: str = VERSIONS[LATEST]) -> Directory:
    short = version.rpartition(".")[0]
    programs = {name: file for name, file in applets().items() if name not in ABSENT}
    return tree({
        "/bin": Directory({name: file for name, file in programs.items() if name not in SBIN}, mtime=BUILT),
        "/sbin": Directory({name: file for name, file in programs.items() if name in SBIN}, mtime=BUILT),
        "/usr/bin/env": "-> /bin/env", "/usr/sbin": None, "/usr/local/bin": None, "/usr/share": None,
        "/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/shadow": "root:*::0:::::\n", "/etc/alpine-release": version + "\n",
        "/etc/os-release": f'NAME="Alpine Linux"\nID=alpine\nVERSION_ID={version}\nPRETTY_NAME="Alpine Linux v{short}"\n'
                           'HOME_URL="https://alpinelinux.org/"\nBUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"\n',
        "/etc/issue": f"Welcome to Alpine Linux {short}\nKernel \\r on \\m (\\l)\n\n",
        "/root": Directory(mode=0o700, mtime=BUILT), "/tmp": Directory(mode=0o1777, mtime=BUILT),
        "/home": None, "/opt": None, "/srv": None, "/run": None, "/mnt": None, "/media": None,
        "/var/run": "-> ../run", "/var/log": None, "/var/tmp": Directory(mode=0o1777, mtime=BUILT), "/var/cache": None,
        "/lib": None, "/usr/lib": None,
    })


def build(tag: str) -> Image:
    version = VERSIONS.get(LATEST if tag in ("latest", "3") else tag, tag)
    return Image(REPOSITORY, tag, (layer(version),), lambda: files(version), command=["/bin/sh"])


def layer(version: str = VERSIONS[LATEST]) -> Layer:
    return Layer(f"alpine:{version}", 3_800_000)

"""The Debian tree that Debian-based images build on: dash's place is taken by our sh, coreutils' by the busybox commands."""
from functools import cache

from ..filesystem import Directory
from .busybox import applets
from .image import BUILT, Layer, tree

CODENAMES = {"12": ("bookworm", "12.12"), "13": ("trixie", "13.2")}
ABSENT = {
    "ash", "vi", "less", "wget", "nc", "ping", "ping6", "nslookup", "ip", "ifconfig", "netstat", "route", "httpd", "ps", "top", "free",
    "uptime", "kill", "killall", "pgrep", "pkill", "watch", "hd", "hexdump", "xxd", "rev", "strings", "time", "usleep", "sha3sum",
}
"""Commands that busybox has and Debian's slim image has not."""

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
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
nogroup:x:65534:
"""


@cache
def files(release: str = "12") -> Directory:
    codename, version = CODENAMES[release]
    programs = {name: file for name, file in applets().items() if name not in ABSENT}
    if "sh" in programs:
        programs["bash"] = programs["dash"] = programs["sh"]
    return tree({
        "/usr/bin": Directory(programs, mtime=BUILT), "/usr/sbin": None, "/usr/lib": None, "/usr/local/bin": None, "/usr/local/sbin": None,
        "/usr/share": None, "/bin": "-> usr/bin", "/sbin": "-> usr/sbin", "/lib": "-> usr/lib", "/lib64": "-> usr/lib",
        "/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/shadow": "root:*:20000:0:99999:7:::\n", "/etc/debian_version": version + "\n",
        "/etc/os-release": f'PRETTY_NAME="Debian GNU/Linux {release} ({codename})"\nNAME="Debian GNU/Linux"\nVERSION_ID="{release}"\n'
                           f'VERSION="{release} ({codename})"\nVERSION_CODENAME={codename}\nDEBIAN_VERSION_FULL={version}\nID=debian\n'
                           'HOME_URL="https://www.debian.org/"\n',
        "/etc/issue": f"Debian GNU/Linux {release} \\n \\l\n\n", "/etc/apt/sources.list.d": None,
        "/root": Directory(mode=0o700, mtime=BUILT), "/tmp": Directory(mode=0o1777, mtime=BUILT),
        "/var/tmp": Directory(mode=0o1777, mtime=BUILT),
        "/home": None, "/opt": None, "/srv": None, "/run": None, "/mnt": None, "/media": None, "/boot": None, "/var/run": "-> /run",
        "/var/log": None, "/var/cache": None, "/var/lib": None, "/var/mail": None,
    })


def layer(release: str = "12") -> Layer:
    return Layer(f"debian:{release}", 28_230_000)

"""May the course talk to this cluster? Lessons on the wrong one would be the worst thing it could do.

The name of a context proves nothing (a production cluster can be called `kind-prod`), and the current context changes
under our feet. So the guard looks at the server's address, and otherwise asks for the name to be typed a second time.
"""

import ipaddress
from urllib.parse import urlsplit

from kubeschool.errors import CourseError


class Refused(CourseError):
    """The course will not touch this cluster."""


def check(kubeconfig: dict, context: str, allow: str | None, ours: str = "") -> None:
    """Raise Refused unless the one cluster of `kubeconfig` is on this machine, or `allow` repeats the context's name.

    ours    the address of a machine that this one runs (minikube's virtual machine or container), as its own tool tells it
    """
    if allow == context:
        return
    cluster = kubeconfig["clusters"][0]["cluster"]
    why_not_here = _elsewhere(cluster, ours)
    if why_not_here is None:
        return
    typed = f' (allow="{allow}" is not its name)' if allow else ""
    raise Refused(
        f'context "{context}" is not a cluster of this machine: {why_not_here}{typed}. The lessons create, break and delete things. '
        f'If you are sure, type its name again: connect("context:{context}", allow="{context}")'
    )


def _elsewhere(cluster: dict, ours: str) -> str | None:
    """Why a kubeconfig's cluster entry does not point at this machine; None when it does."""
    server = cluster.get("server", "")
    if cluster.get("proxy-url"):
        return f"it is reached through the proxy {cluster['proxy-url']}"
    try:
        host = urlsplit(server).hostname or "?"
        local = host in ("localhost", ours) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    return None if local else f"its server is {server or 'not given'}"

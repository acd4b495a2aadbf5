"""Every view, driven from a live cluster: what its model says, and that a live view follows."""

import os
from types import SimpleNamespace

import pytest
from kubernetes import config

from kubeschool.api import Api
from kubeschool.clusters.practice import Practice
from kubeschool.inspectors.dashboard import watch_all
from kubeschool.inspectors.events import events
from kubeschool.inspectors.history import history
from kubeschool.inspectors.journey import journey
from kubeschool.inspectors.logs import logs
from kubeschool.inspectors.map import map as node_map
from kubeschool.inspectors.rollout import rollout
from kubeschool.inspectors.service import service
from kubeschool.inspectors.timeline import timeline
from kubeschool.inspectors.tree import tree
from kubeschool.inspectors.yaml import yaml

REAL = os.environ.get("KUBESCHOOL_WIRE_KUBECONFIG")
practice_only = pytest.mark.skipif(bool(REAL), reason="the practice cluster's own")
IMAGE = os.environ.get("KUBESCHOOL_WIRE_IMAGE", "nginx:1.27")
"""A web server that logs requests."""


@pytest.fixture
def cluster(kubectl):
    api = Api(config.new_client_from_config(str(kubectl.kubeconfig)))
    return SimpleNamespace(api=api, namespace=kubectl.namespace, can=Practice.abilities.get)


@pytest.fixture
def web(kubectl):
    kubectl(f"create deployment web --image={IMAGE} --replicas=2")
    kubectl("expose deployment web --port=80")
    kubectl("rollout status deployment/web --timeout=120s")
    return kubectl("get pods -l app=web -o jsonpath={.items[*].metadata.name}").split()


def test_views_of_a_deployment_show_what_the_api_says(kubectl, cluster, web, until):
    lines = tree(cluster, "deploy/web").lines
    assert [line.text.split()[0] for line in lines] == ["Deployment", "ReplicaSet", "Pod", "Pod"]
    assert {line.text.split()[1] for line in lines[2:]} == set(web) and {line.state for line in lines} == {"good"}

    where = dict(pair.split("=") for pair in kubectl(
        "get pods -o jsonpath='{range .items[*]}{.metadata.name}={.spec.nodeName} {end}'").split())
    shown, at = {}, ""
    for line in node_map(cluster, "pods -l app=web").lines:
        if not line.prefix:
            at = line.text
        elif line.state:
            shown[line.text.partition("/")[2]] = at
    assert shown == where

    assert "    app: web" in str(yaml(cluster, "deploy/web")) and "readyReplicas: 2" in str(yaml(cluster, "deploy/web", "actual"))
    managers = {(line.prefix.strip(), line.detail) for line in yaml(cluster, "deploy/web", "managers").lines}
    assert managers >= {("replicas: 2", "← kubectl-create"), ("readyReplicas: 2", "← kube-controller-manager")}

    revision = rollout(cluster, "deploy/web").lines[2]
    assert revision.text == "revision 1 (newest)  ●●" and revision.detail.startswith(f"2 of 2 ready  {IMAGE}")
    assert "2/2 ready" in str(watch_all(cluster)) and "● 2 Running" in str(watch_all(cluster))
    assert str(timeline(cluster, "deploy/web")).count("condition Ready  is True") == 2

    said = kubectl("get events -o jsonpath='{range .items[?(@.involvedObject.name==\"web\")]}{.message}{end}'")
    assert [line.detail for line in events(cluster, "deploy/web").lines] == [f"{said}  [deployment-controller]"]

    live = tree(cluster, "deploy/web")
    live._live()
    live._controls[0]._widget.value = True
    until(lambda: live._picture.value.count("container nginx") == 2)
    kubectl("scale deployment web --replicas=3")
    until(lambda: live._picture.value.count("Pod web-") == 3 and "3/3 ready" in live._picture.value)
    kubectl("delete deployment web")
    until(lambda: "was deleted" in live._picture.value)
    live.close()


def test_one_pod_is_found_on_the_map(kubectl, cluster, web):
    found = node_map(cluster, "pods -l app=web")
    found._controls[0].value = web[0]
    assert [line.text.partition("/")[2] for line in found.lines if line.prefix and line.state] == web[:1]


def test_a_bad_update_shows(kubectl, cluster, web, until):
    file = kubectl.folder / "web.yaml"
    file.write_text(kubectl("create deployment web --image=nginx:1.27 --replicas=2 --dry-run=client -o yaml"))
    kubectl("set image deployment/web *=nginx:0.0")
    bad = rollout(cluster, "deploy/web")
    bad._live()
    until(lambda: "revision 2 (newest)" in bad._picture.value and "0 of 1 ready" in bad._picture.value)
    bad.close()
    diff = str(yaml(cluster, "deploy/web", file=str(file)))
    assert "nginx:1.27" in diff and "nginx:0.0" in diff
    until(lambda: "ErrImagePull" in str(watch_all(cluster)) or "ImagePullBackOff" in str(watch_all(cluster)))


def test_a_service_says_who_answered_and_logs_follow(kubectl, cluster, web, until):
    view = service(cluster, "svc/web")
    until(lambda: "2 of 2 ready" in str(view) or view._feeds[1].refresh())
    for _ in range(4):
        view._controls[0]._action()
    assert "answered by web-" in str(view)
    answered = sum(int(part.split()[0]) for part in str(view).split("answered ")[1:] if part[0].isdigit())
    assert answered == 4
    followed = logs(cluster, "deploy/web")
    before = str(followed).count("kubeschool=")
    assert before == 4
    followed._live()
    view._controls[0]._action()
    until(lambda: followed._picture.value.count("kubeschool=") == 5)
    assert all(name in followed._picture.value for name in web)
    followed.close()


def test_a_refusal_is_said_in_the_api_servers_words(kubectl, cluster):
    jane = config.new_client_from_config(str(kubectl.kubeconfig))
    jane.set_default_header("Impersonate-User", "jane")
    cluster.api = Api(jane)
    assert str(watch_all(cluster)).startswith("✖ the cluster refuses: deployments.apps is forbidden: User \"jane\" cannot list")


@practice_only
def test_the_past_is_shown_write_by_write(kubectl, cluster):
    kubectl("run web --image=registry.k8s.io/pause:3.10")
    kubectl("wait pod/web --for=condition=Ready --timeout=30s")
    writes = sum(bool(line.text) for line in journey(cluster, "pod/web").lines)
    kubectl("delete pod web --now")
    view = history(cluster)
    assert view.lines[-1].detail == "◀ deleted" and "Pod web" in str(view)
    slider = view._controls[0]
    notes = []
    for step in range(slider.count):
        slider.value = step
        notes.append(" ".join(line.detail for line in view.lines if "◀" in line.detail))
    assert notes[0].endswith("created") and sum("status.phase" in note for note in notes) >= 1 and slider.count >= writes
    path = f"/kubeschool/namespaces/{kubectl.namespace}/history"
    assert "revision 999999999 is not kept" in kubectl.fails(f"get --raw {path}/999999999")
    assert "cannot get path" in kubectl.fails(f"get --as jane --raw {path}")
    kubectl("run again --image=registry.k8s.io/pause:3.10")
    assert '"name":"again"' in kubectl(f"get --raw {path}?since=1")

"""The cluster's own pods, its components switched off and on, and who wrote what."""
import json
import subprocess
import time
from types import SimpleNamespace

import pytest
from conftest import KUBECTL, REAL, masked, said

SCHEDULER = "kube-scheduler-practice-control-plane"
practice_only = pytest.mark.skipif(bool(REAL), reason="only a practice cluster lets itself be told so over the API")


@pytest.fixture(autouse=True)
def own_pods_are_there(kubectl):
    for words in ("deployment/coredns --for=condition=Available", "pod -l tier=control-plane --for=condition=Ready"):
        deadline = time.monotonic() + 30
        while kubectl.run(f"wait -n kube-system {words} --timeout=20s").returncode:
            assert time.monotonic() < deadline, words


def test_the_control_planes_pods(kubectl):
    listed = masked(kubectl("get pods -n kube-system -l tier=control-plane --sort-by=.metadata.name"))
    assert listed == said("""
        NAME                                           READY   STATUS    RESTARTS   AGE
        etcd-practice-control-plane                      1/1     Running   0          4s
        kube-apiserver-practice-control-plane            1/1     Running   0          4s
        kube-controller-manager-practice-control-plane   1/1     Running   0          4s
        kube-scheduler-practice-control-plane            1/1     Running   0          4s""")


def test_dns_and_proxy(kubectl):
    assert masked(kubectl("get deployment coredns -n kube-system --no-headers")) == "coredns 2/2 2 2 <age>"
    service = masked(kubectl("get service kube-dns -n kube-system --no-headers"))
    assert service == "kube-dns ClusterIP <ip> <none> 53/UDP,53/TCP,9153/TCP <age>"
    nodes = len(kubectl("get nodes -o name").split())
    counts = kubectl("get daemonset kube-proxy -n kube-system -o jsonpath={.status.desiredNumberScheduled}/{.status.numberReady}")
    assert counts == f"{nodes}/{nodes}"


@practice_only
def test_logs_are_the_components_own(kubectl):
    kubectl("create configmap mine")
    logged = kubectl("logs -n kube-system kube-apiserver-practice-control-plane --tail=20")
    assert f'verb="POST" URI="/api/v1/namespaces/{kubectl.namespace}/configmaps' in logged


@practice_only
def test_a_component_is_switched_off_and_on(kubectl):
    def switch(path: str) -> str:
        return json.loads(kubectl(f"create --raw /kubeschool/{path} -f -", "{}"))["message"]

    assert switch("components/kube-scheduler/stop") == "kube-scheduler is switched off"
    kubectl(f"wait -n kube-system pod/{SCHEDULER} --for=condition=Ready=false --timeout=20s")
    kubectl("run web --image=registry.k8s.io/pause:3.10")
    time.sleep(0.5)
    assert kubectl("get pod web -o jsonpath={.status.phase}{.spec.nodeName}") == "Pending"
    assert switch("components/kube-scheduler/start") == "kube-scheduler runs"
    kubectl("wait pod/web --for=condition=Ready --timeout=30s")
    kubectl(f"wait -n kube-system pod/{SCHEDULER} --for=condition=Ready --timeout=30s")


@practice_only
def test_only_administrators_may(kubectl):
    refused = kubectl.fails("create --as jane --raw /kubeschool/components/kube-scheduler/stop -f -", "{}")
    assert refused == 'Error from server (Forbidden): forbidden: User "jane" cannot post path "/kubeschool/components/kube-scheduler/stop"'
    assert kubectl.fails("get --as jane --raw /kubeschool/audit") == (
        'Error from server (Forbidden): forbidden: User "jane" cannot get path "/kubeschool/audit"')


@practice_only
def test_every_write_of_a_pod_is_traced(kubectl, core):
    from kubernetes import config, watch

    from kubeschool.api import Api
    from kubeschool.clusters.practice import Practice
    from kubeschool.inspectors.trace import trace

    before = core.list_namespaced_pod(kubectl.namespace).metadata.resource_version
    kubectl("run web --image=registry.k8s.io/pause:3.10")
    kubectl("wait pod/web --for=condition=Ready --timeout=30s")
    last = kubectl("get pod web -o jsonpath={.metadata.resourceVersion}")
    versions = []
    for event in watch.Watch().stream(core.list_namespaced_pod, kubectl.namespace, resource_version=before, timeout_seconds=20):
        versions.append(event["object"].metadata.resource_version)
        if versions[-1] == last:
            break
    path = f"/kubeschool/namespaces/{kubectl.namespace}/audit?resource=pods&name=web"
    writes = json.loads(kubectl(f"get --raw '{path}'"))["items"]
    assert [write["objectRef"]["resourceVersion"] for write in writes] == versions
    api = Api(config.new_client_from_config(str(kubectl.kubeconfig)))
    view = trace(SimpleNamespace(api=api, namespace=kubectl.namespace, can=Practice.abilities.get), "pod/web")
    lines = [line.text.split() for line in view.lines]
    assert len(lines) == len(writes)
    assert lines[:2] == [["kubectl-run", "create"], ["kube-scheduler", "create", "binding"]]
    assert {line[0] for line in lines[2:]} == {"kubelet"} and {tuple(line[-2:]) for line in lines[2:]} <= {
        ("update", "status"), ("patch", "status")}
    assert view.lines[1].detail.startswith("spec.nodeName") and "status.phase" in view.lines[-1].detail
    assert all(line.detail for line in view.lines)
    assert str(view).count("\n") + 1 == len(lines) and "<pre" in view._html()


@practice_only
def test_the_scheduler_explains_itself(kubectl):
    from kubernetes import config

    from kubeschool.api import Api
    from kubeschool.clusters.practice import Practice
    from kubeschool.inspectors.scheduling import scheduling

    api = Api(config.new_client_from_config(str(kubectl.kubeconfig)))
    cluster = SimpleNamespace(api=api, namespace=kubectl.namespace, can=Practice.abilities.get)
    kubectl("run web --image=registry.k8s.io/pause:3.10")
    kubectl("wait pod/web --for=condition=Ready --timeout=30s")
    where = kubectl("get pod web -o jsonpath={.spec.nodeName}")
    view = scheduling(cluster, "pod/web")
    first, *nodes = view.lines
    assert str(first) == f"● web → {where}"
    assert {line.text.split()[0]: line.state for line in nodes} == {
        "practice-control-plane": "bad", **dict.fromkeys({"practice-worker", "practice-worker2"} - {where}, "gone"), where: "good"}
    assert "TaintToleration" in nodes[-1].text and "untolerated taint" in nodes[-1].detail and "ImageLocality" in nodes[0].detail
    kubectl("run big --image=registry.k8s.io/pause:3.10 --overrides='{\"spec\":{\"nodeSelector\":{\"disk\":\"ssd\"}}}'")
    kubectl("wait pod/big --for=jsonpath={.status.conditions[0].reason}=Unschedulable --timeout=30s")
    lines = scheduling(cluster, "pod/big").lines
    assert lines[0].detail.startswith("0/3 nodes are available: ") and all(line.state == "bad" for line in lines)
    assert str(scheduling(cluster, "pod/gone")) == '○ pods "gone" not found'


@practice_only
def test_the_audit_can_be_watched(kubectl):
    words = [KUBECTL, "--kubeconfig", kubectl.kubeconfig, "get", "--raw"]
    path = f"/kubeschool/audit?namespace={kubectl.namespace}&resource=configmaps&name=mine&watch=true&timeoutSeconds=20"
    with subprocess.Popen([*words, path], stdout=subprocess.PIPE, text=True) as watching:
        kubectl("create configmap mine --from-literal=a=1")
        first = json.loads(watching.stdout.readline())
        kubectl("patch configmap mine -p '{\"data\":{\"a\":\"2\"}}'")
        second = json.loads(watching.stdout.readline())
        watching.kill()
    assert (first["type"], first["object"]["verb"]) == ("ADDED", "create")
    assert (second["object"]["verb"], second["object"]["annotations"]["kubeschool.dev/changed"]) == ("patch", "data.a")

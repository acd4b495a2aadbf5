"""Nodes: get, describe, cordon, drain, taint, top."""
import re

import pytest
from conftest import REAL, masked, said


@pytest.fixture
def node(kubectl):
    """The last node; whatever a test did to it is undone."""
    name = kubectl("get nodes -o name").split()[-1].removeprefix("node/")
    yield name
    kubectl(f"uncordon {name}")
    kubectl.run(f"taint node {name} a-")


def test_get(kubectl, node, current):
    lines = masked(kubectl("get nodes")).splitlines()
    assert lines[0] == "NAME STATUS ROLES AGE VERSION"
    assert re.fullmatch(r"<node> Ready control-plane <age> v1\.37\.\d+", lines[1])
    assert all(re.fullmatch(r"<node> Ready <none> <age> v1\.37\.\d+", line) for line in lines[2:])
    assert masked(kubectl("get nodes -o wide").splitlines()[0]) == (
        "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME"
    )


def test_describe(kubectl, node):
    text = kubectl(f"describe node {node}")
    headings = [line.split(":")[0] for line in text.splitlines() if re.match(r"[A-Z][\w -]*:", line)]
    assert [h for h in headings if h != "ProviderID"] == [
        "Name", "Roles", "Labels", "Annotations", "CreationTimestamp", "Taints", "Unschedulable", "Lease", "Conditions", "Addresses",
        "Capacity", "Allocatable", "System Info", "PodCIDR", "PodCIDRs", "Non-terminated Pods", "Allocated resources", "Events",
    ]
    conditions = text.partition("Conditions:")[2].partition("Addresses:")[0]
    assert re.findall(r"^  (\w+) +(True|False) .* (Kubelet\w+)", conditions, re.MULTILINE) == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]


def test_cordon(kubectl, node):
    assert kubectl(f"cordon {node}") == f"node/{node} cordoned\n"
    assert kubectl(f"cordon {node}") == f"node/{node} already cordoned\n"
    assert "Ready,SchedulingDisabled" in kubectl(f"get node {node}")
    assert kubectl(f"uncordon {node}") == f"node/{node} uncordoned\n"
    assert kubectl(f"uncordon {node}") == f"node/{node} already uncordoned\n"
    assert kubectl.fails("cordon nosuch") == 'Error from server (NotFound): nodes "nosuch" not found'


def test_taint(kubectl, node):
    assert kubectl(f"taint node {node} a=b:NoSchedule") == f"node/{node} tainted\n"
    taken = f"error: node {node} already has a taint(s) with same effect(s) and --overwrite is false"
    assert kubectl.fails(f"taint node {node} a=b:NoSchedule") == taken
    assert kubectl(f"taint node {node} a-") == f"node/{node} untainted\n"
    assert kubectl.fails(f"taint node {node} a-") == 'error: taint "a" not found'
    wrong = kubectl.fails(f"taint node {node} a=b:Nope")
    assert wrong == "error: invalid taint effect: Nope, unsupported taint effect\nSee 'kubectl taint -h' for help and examples"


def test_drain(kubectl, node):
    if len(kubectl("get nodes -o name").split()) < 2:
        pytest.skip("draining the only node would stop the cluster's own pods")
    kubectl("create deployment web --image=nginx:1.25 --replicas=4")
    kubectl("rollout status deployment/web")
    kubectl(f"run alone --image=nginx:1.25 --overrides='{{\"spec\":{{\"nodeName\":\"{node}\"}}}}'")
    kubectl("wait pod/alone --for=condition=Ready --timeout=60s")
    refused = kubectl.fails(f"drain {node} --ignore-daemonsets")
    assert f"cannot delete Pods that declare no controller (use --force to override): {kubectl.namespace}/alone" in refused
    drained = kubectl(f"drain {node} --ignore-daemonsets --force --timeout=60s")
    assert f"evicting pod {kubectl.namespace}/alone\n" in drained
    assert drained.endswith(f"node/{node} drained\n")
    kubectl("rollout status deployment/web")
    nodes = kubectl("get pods -l app=web -o jsonpath={.items[*].spec.nodeName}").split()
    assert len(nodes) == 4 and node not in nodes


def test_drain_honours_a_disruption_budget(kubectl, node):
    version = "policy/v1" if "policy/v1\n" in kubectl("api-versions") else "policy/v1beta1"
    kubectl("apply -f -", f"""
        apiVersion: {version}
        kind: PodDisruptionBudget
        metadata: {{name: budget}}
        spec: {{minAvailable: 1, selector: {{matchLabels: {{run: guarded}}}}}}
        """)
    kubectl(f"run guarded --image=nginx:1.25 --overrides='{{\"spec\":{{\"nodeName\":\"{node}\"}}}}'")
    kubectl("wait pod/guarded --for=condition=Ready --timeout=60s")
    drain = f"drain {node} --ignore-daemonsets --force --pod-selector=run=guarded"
    pod, late = f'pods/"guarded" -n "{kubectl.namespace}"', "global timeout reached: 1s"
    assert kubectl.fails(f"{drain} --timeout=1s").splitlines()[1:] == [
        f"error when evicting {pod} (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.",
        f'There are pending pods in node "{node}" when an error occurred: error when evicting {pod}: {late}',
        "pod/guarded",
        f'error: unable to drain node "{node}" due to error: error when evicting {pod}: {late}, continuing command...',
        "There are pending nodes to be drained:",
        f" {node}",
        f"error when evicting {pod}: {late}",
    ]
    kubectl("delete pdb budget")
    drained = f"evicting pod {kubectl.namespace}/guarded\npod/guarded evicted\nnode/{node} drained\n"
    assert kubectl(f"{drain} --timeout=60s").endswith(drained)


@pytest.mark.skipif(bool(REAL), reason="a fresh kind cluster has no metrics server")
def test_top(kubectl, until):
    kubectl("run web --image=nginx:1.25")
    kubectl("run busy --image=busybox -- sh -c 'while true; do :; done'")
    kubectl("wait pod --all --for=condition=Ready --timeout=60s")
    until(lambda: len(kubectl.run("top pods --no-headers").stdout.splitlines()) == 2)
    busy, web = kubectl("top pods --no-headers --sort-by=cpu").splitlines()
    assert re.fullmatch(r"busy +(\d{3,4})m +\d+Mi *", busy) and re.fullmatch(r"web +\d{1,2}m +[1-9]\d*Mi *", web)
    assert masked(kubectl("top pod busy --containers")) == said(f"POD NAME CPU(cores) MEMORY(bytes)\n{busy.replace('busy', 'busy busy')}")
    assert masked(kubectl("top nodes")).splitlines()[0] == "NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)"
    kubectl("delete pod busy --now")
    until(lambda: "busy" not in kubectl("top pods"))
    assert "v1beta1.metrics.k8s.io kube-system/metrics-server True" in masked(kubectl("get apiservices"))

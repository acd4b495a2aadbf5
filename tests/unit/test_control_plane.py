"""kube-system, switches and audit of a whole practice cluster."""
import asyncio
import contextlib
import functools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kubeschool.practice import control_plane
from kubeschool.practice.apiserver import quantity
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.client import Client
from kubeschool.practice.cluster import Cluster
from kubeschool.practice.component_helpers import is_node_ready, is_pod_ready
from kubeschool.practice.store import Store

OWN = (
    "controller", "coredns", "coredns", "etcd", "kindnet", "kindnet", "kube-apiserver", "kube-controller-manager", "kube-proxy",
    "kube-proxy", "kube-scheduler", "local-path-provisioner", "metrics-server",
)
SCHEDULER = "kube-scheduler-practice-control-plane"
WORKER = "practice-worker"


@pytest.fixture(autouse=True, scope="module")
def at_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_plane, "GIVE_WAY", 0)
        yield


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """Certificates and keys, made once: they take a while."""
    folder = tmp_path_factory.mktemp("keys")
    Cluster(folder)
    return folder / "pki"


@pytest.fixture
def folder(tmp_path, keys) -> Path:
    shutil.copytree(keys, tmp_path / "pki")
    return tmp_path


@contextlib.asynccontextmanager
async def running(folder: Path, speed: float = 200.0, **options) -> AsyncIterator["Lab"]:
    cluster = Cluster(folder, nodes=2, speed=speed, **options)
    await cluster.start()
    try:
        yield Lab(cluster)
    finally:
        await cluster.stop()


def test_a_second_process_for_a_folder_ends_before_it_makes_certificates(tmp_path, monkeypatch):
    first = Store(tmp_path / "state.db")
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, timeout=0))
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Cluster(tmp_path)
    assert not (tmp_path / "pki").exists()
    first.close()


class Lab:
    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.client: Client = cluster._client("admin", "test", "system:masters")
        self.switch = cluster._switches.switch

    async def until(self, condition: Callable[[], object], seconds: float = 20):
        """What `condition` answers when it is true; looked at after every write."""
        store = self.cluster._store
        async with asyncio.timeout(seconds):
            while not (answer := condition()):
                revision = store.revision
                while store.revision == revision:
                    await asyncio.sleep(0.005)
        return answer

    def get(self, resource: str, name: str, namespace: str = "kube-system") -> dict | None:
        with contextlib.suppress(ApiError):
            return self.client.get(resource, namespace, name)
        return None

    def own_pods(self) -> dict[str, dict]:
        namespaces = control_plane.NAMESPACES
        return {p["metadata"]["name"]: p for p in self.client.list("pods") if p["metadata"]["namespace"] in namespaces}

    async def all_ready(self) -> None:
        await self.until(lambda: len(self.own_pods()) == len(OWN) and all(map(is_pod_ready, self.own_pods().values())))

    async def logs(self, name: str) -> str:
        pod = self.own_pods()[name]
        server = self.cluster._kubelet_server(pod["spec"]["nodeName"])
        lines = await server.logs(pod["metadata"]["namespace"], name, pod["spec"]["containers"][0]["name"])
        return b"".join([data async for data in lines]).decode()

    def pod(self, name: str, **spec) -> None:
        container = {"name": "c", "image": "registry.k8s.io/pause:3.10"}
        self.client.create("pods", {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [container], **spec}})


async def test_kube_system_shows_what_a_kind_cluster_shows(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        pods = lab.own_pods()
        assert sorted(p["spec"]["containers"][0]["name"].removesuffix("-cni") for p in pods.values()) == list(OWN)
        mirror, node = pods[SCHEDULER], lab.client.get("nodes", "", "practice-control-plane")
        meta = mirror["metadata"]
        owner = {"apiVersion": "v1", "controller": True, "kind": "Node", "name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
        assert meta["ownerReferences"] == [owner]
        assert meta["annotations"]["kubernetes.io/config.mirror"] == meta["annotations"]["kubernetes.io/config.hash"]
        assert (mirror["spec"]["priority"], mirror["spec"]["hostNetwork"]) == (2000001000, True)
        assert "serviceAccountName" not in mirror["spec"]
        service = lab.get("services", "kube-dns")
        assert service["spec"]["clusterIP"] == "10.96.0.10"
        addresses = {e["ip"] for s in lab.get("endpoints", "kube-dns")["subsets"] for e in s["addresses"]}
        assert addresses == {p["status"]["podIP"] for name, p in pods.items() if name.startswith("coredns")}


async def test_they_run_again_when_the_cluster_is_started_again(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        before = lab.own_pods()
    async with running(folder) as lab:
        await lab.until(lambda: lab.own_pods()[SCHEDULER]["status"]["containerStatuses"][0]["restartCount"] == 1)
        await lab.all_ready()
        assert lab.own_pods().keys() == before.keys()


async def test_the_schedulers_pod_says_what_the_scheduler_did(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        await lab.until(lambda: lab.get("serviceaccounts", "default", "default"))
        lab.pod("web")
        bound = await lab.until(lambda: lab.get("pods", "web", "default")["spec"].get("nodeName"))
        await asyncio.sleep(0)
        assert f"Successfully assigned default/web to {bound}" in await lab.logs(SCHEDULER)
        assert "Successfully assigned" not in await lab.logs("kube-controller-manager-practice-control-plane")


async def test_a_deleted_mirror_pod_comes_back(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        uid = lab.own_pods()[SCHEDULER]["metadata"]["uid"]
        lab.client.delete("pods", "kube-system", SCHEDULER)
        again = await lab.until(lambda: (p := lab.own_pods().get(SCHEDULER)) and p["metadata"]["uid"] != uid and is_pod_ready(p))
        assert again and lab.cluster.components["kube-scheduler"].running


async def test_without_the_scheduler_a_pod_waits_and_with_it_it_runs(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        assert await lab.switch("components", "kube-scheduler", "stop") == "kube-scheduler is switched off"
        down = await lab.until(lambda: not is_pod_ready(p := lab.own_pods()[SCHEDULER]) and p)
        assert "running" not in down["status"]["containerStatuses"][0]["state"]
        await lab.until(lambda: lab.get("serviceaccounts", "default", "default"))
        lab.pod("web")
        await lab.cluster.clock.sleep(60)
        assert "nodeName" not in lab.get("pods", "web", "default")["spec"]
        assert await lab.switch("components", "kube-scheduler", "start") == "kube-scheduler runs"
        await lab.until(lambda: is_pod_ready(lab.get("pods", "web", "default")))
        await lab.until(lambda: is_pod_ready(lab.own_pods().get(SCHEDULER, {})))


async def test_a_node_that_is_switched_off_is_not_ready_and_comes_back_with_its_pods(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        lab.pod("web", nodeName=WORKER)
        await lab.until(lambda: is_pod_ready(lab.get("pods", "web", "default")))
        await lab.switch("nodes", WORKER, "stop")
        await lab.until(lambda: not is_node_ready(lab.client.get("nodes", "", WORKER)))
        assert lab.cluster._kubelet_server(WORKER) is None
        await lab.switch("nodes", WORKER, "start")
        await lab.until(lambda: is_node_ready(lab.client.get("nodes", "", WORKER)))
        web = await lab.until(lambda: is_pod_ready(p := lab.get("pods", "web", "default")) and p)
        assert web["status"]["containerStatuses"][0]["restartCount"] == 1


async def test_a_partitioned_node_runs_on_and_is_found_again(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        lab.pod("web", nodeName=WORKER)
        await lab.until(lambda: is_pod_ready(lab.get("pods", "web", "default")))
        await lab.switch("nodes", WORKER, "partition")
        await lab.until(lambda: not is_node_ready(lab.client.get("nodes", "", WORKER)))
        kubelet = lab.cluster.components[f"kubelet/{WORKER}"]
        assert kubelet.running and any(c.running for s in kubelet.runtime.sandboxes.values() for c in s.containers)
        assert lab.cluster._kubelet_server(WORKER) is None
        await lab.switch("nodes", WORKER, "start")
        await lab.until(lambda: is_node_ready(lab.client.get("nodes", "", WORKER)))
        web = await lab.until(lambda: is_pod_ready(p := lab.get("pods", "web", "default")) and p)
        assert web["status"]["containerStatuses"][0]["restartCount"] == 0


async def test_everything_that_is_off_is_switched_on_again(folder):
    async with running(folder) as lab:
        await lab.all_ready()
        for what, name, action in (("components", "kube-scheduler", "stop"), ("nodes", WORKER, "partition")):
            await lab.switch(what, name, action)
        assert await lab.switch("everything", "", "start") == f"kube-scheduler runs; node {WORKER} runs"
        assert lab.cluster.components["kube-scheduler"].running and lab.cluster.components[f"kubelet/{WORKER}"].client.connected
        assert await lab.switch("everything", "", "start") == ""


@pytest.mark.parametrize(
    ("what", "name", "action", "words"),
    [
        ("components", "kube-sheduler", "stop", 'there is no component "kube-sheduler"; there are: kube-scheduler, '),
        ("components", "kube-scheduler", "restart", 'a component can be told "start" and "stop", not "restart"'),
        ("nodes", "worker", "stop", 'there is no node "worker"; there are: practice-control-plane, practice-worker'),
        ("nodes", "practice-control-plane", "stop", "the API server itself runs on practice-control-plane: choose another"),
        ("nodes", "practice-worker", "burn", 'a node can be told "start", "stop" and "partition", not "burn"'),
    ],
)
async def test_what_cannot_be_switched_is_said(folder, what, name, action, words):
    lab = Lab(Cluster(folder, nodes=2))
    with pytest.raises(ApiError) as refused:
        await lab.switch(what, name, action)
    assert refused.value.message.startswith(words)


async def test_the_audit_tells_who_changed_what_on_a_pods_way_to_running(folder):
    async with running(folder) as lab:
        await lab.until(lambda: lab.get("serviceaccounts", "default", "default"))
        audit = lab.cluster.audit
        first = asyncio.ensure_future(anext(audit.watch(lambda record: record.name == "web", audit.number)))
        await asyncio.sleep(0)
        lab.pod("web")
        await lab.until(lambda: is_pod_ready(lab.get("pods", "web", "default")))
        seen = audit.list(lambda record: record.resource == ("", "v1", "pods") and record.name == "web")
        assert (await first) == seen[0]
        steps = [(r.manager, r.verb, r.subresource) for r in seen]
        assert steps[:2] == [("test", "create", ""), ("kube-scheduler", "create", "binding")]
        assert set(steps[2:]) <= {("kubelet", "update", "status"), ("kubelet", "patch", "status")}
        assert "spec.nodeName" in seen[1].changed and "status.phase" in seen[-1].changed
        assert seen[-1].revision == lab.get("pods", "web", "default")["metadata"]["resourceVersion"]
        event = seen[1].event()
        assert event["objectRef"]["subresource"] == "binding" and event["user"] == {"username": "system:kube-scheduler"}


async def test_components_have_upstreams_roles(folder):
    async with running(folder) as lab:
        bindings = "clusterrolebindings.rbac.authorization.k8s.io"
        await lab.until(lambda: lab.get(bindings, "system:volume-scheduler", None))
        job = lab.get(bindings, "system:controller:job-controller", None)
        assert job["subjects"] == [{"kind": "ServiceAccount", "name": "job-controller", "namespace": "kube-system"}]
        bound = {b["roleRef"]["name"] for b in lab.client.list(bindings)}
        assert bound <= {role["metadata"]["name"] for role in lab.client.list("clusterroles.rbac.authorization.k8s.io")}
        node = lab.get("clusterroles.rbac.authorization.k8s.io", "system:node", None)
        assert {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]} in node["rules"]


async def test_the_metrics_server_measures_what_containers_use(folder):
    async with running(folder, speed=50) as lab:
        await lab.until(lambda: lab.get("serviceaccounts", "default", "default"))
        container = {"name": "c", "image": "busybox", "args": ["sh", "-c", "while true; do :; done"]}
        lab.client.create("pods", {"metadata": {"name": "busy", "namespace": "default"}, "spec": {"containers": [container]}})
        lab.pod("idle")

        def cores(name: str) -> float | None:
            metrics = lab.get("pods.metrics.k8s.io", name, "default")
            return metrics and float(quantity.parse(metrics["containers"][0]["usage"]["cpu"]))

        async with asyncio.timeout(30):
            while not (cores("busy") and cores("idle") is not None):
                await asyncio.sleep(0.05)
        assert cores("busy") > 0.5 and cores("idle") < 0.1
        assert {node["metadata"]["name"] for node in lab.client.list("nodes.metrics.k8s.io")} <= set(lab.cluster.nodes)
        await lab.switch("components", "metrics-server", "stop")
        with pytest.raises(ApiError, match="currently unable to handle the request") as refused:
            lab.client.list("pods.metrics.k8s.io")
        assert refused.value.code == 503
        await lab.switch("components", "metrics-server", "start")
        assert lab.client.list("pods.metrics.k8s.io") == []


def holder(lab: Lab, component: str) -> str:
    """The control plane whose replica holds the Lease."""
    lease = lab.get("leases.coordination.k8s.io", component)
    return lease["spec"]["holderIdentity"].partition("_")[0] if lease else ""


async def test_the_lease_moves_when_the_leader_is_stopped(folder):
    async with running(folder, speed=50, control_planes=3) as lab:
        masters = ["practice-control-plane", "practice-control-plane2", "practice-control-plane3"]
        for component in ("kube-scheduler", "kube-controller-manager"):
            names = {f"{component}-{node}" for node in masters}
            await lab.until(lambda names=names: names <= {n for n, p in lab.own_pods().items() if is_pod_ready(p)})
        await lab.until(lambda: lab.get("serviceaccounts", "default", "default"))
        for component in ("kube-scheduler", "kube-controller-manager"):
            first = holder(lab, component)
            assert first in masters
            await lab.switch("components", f"{component}-{first}", "stop")
            await lab.until(lambda c=component, f=first: holder(lab, c) not in ("", f))
            transitions = lab.get("leases.coordination.k8s.io", component)["spec"]["leaseTransitions"]
            assert transitions == 1
            said = [e["message"].partition("_")[0] for e in lab.client.list("events")
                    if e["involvedObject"]["name"] == component and e["message"].endswith(" became leader")]
            assert said == [first, holder(lab, component)]
            await lab.switch("components", f"{component}-{first}", "start")
        leading = [c.node for c in lab.cluster.components.values() if getattr(c, "leads", False) and c.name == "kube-scheduler"]
        assert leading == [holder(lab, "kube-scheduler")]
        lab.pod("web")
        await lab.until(lambda: lab.get("pods", "web", "default")["spec"].get("nodeName"))
        assert "Successfully assigned default/web" in await lab.logs(f"kube-scheduler-{leading[0]}")
        waiting = next(node for node in masters if node != leading[0])
        assert "Successfully assigned default/web" not in await lab.logs(f"kube-scheduler-{waiting}")


async def test_the_lease_of_a_machine_without_power_runs_out(folder):
    async with running(folder, speed=50, control_planes=2) as lab:
        second, component = "practice-control-plane2", "kube-controller-manager"
        await lab.until(lambda: holder(lab, component) and is_node_ready(lab.get("nodes", second)))
        await lab.switch("components", f"{component}-practice-control-plane", "stop")
        await lab.until(lambda: holder(lab, component) == second)
        await lab.switch("nodes", second, "stop")
        await lab.switch("components", f"{component}-practice-control-plane", "start")
        await lab.until(lambda: holder(lab, component) == "practice-control-plane")
        await lab.until(lambda: not is_node_ready(lab.get("nodes", second)))
        await lab.switch("nodes", second, "start")
        await lab.until(lambda: is_node_ready(lab.get("nodes", second)))
        assert all(c.running for c in lab.cluster.components.values())


async def test_a_machine_that_was_taken_away_is_no_node_any_more(folder):
    async with running(folder, speed=50, control_planes=2) as lab:
        await lab.until(lambda: lab.get("nodes", "practice-control-plane2"))
        lab.client.create("nodes", {"metadata": {"name": "of-the-learner"}})
    async with running(folder, speed=50) as lab:
        assert {"practice-control-plane", "of-the-learner"} <= {node["metadata"]["name"] for node in lab.client.list("nodes")}
        assert lab.get("nodes", "practice-control-plane2") is None


async def test_stopping_a_component_stops_every_replica(folder):
    async with running(folder, speed=50, control_planes=2) as lab:
        await lab.until(lambda: holder(lab, "kube-scheduler"))
        assert await lab.switch("components", "kube-scheduler", "stop") == "kube-scheduler is switched off"
        assert holder(lab, "kube-scheduler") == ""
        assert not any(c.running for c in lab.cluster.components.values() if c.name == "kube-scheduler")
        await lab.switch("components", "kube-scheduler", "start")
        await lab.until(lambda: holder(lab, "kube-scheduler"))

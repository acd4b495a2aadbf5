"""The views without a browser: what each model says of the objects, and how a view follows, recovers and ends."""

import json
import queue
import threading
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from kubeschool.api import Resource
from kubeschool.cluster import Ability
from kubeschool.errors import CourseError
from kubeschool.inspectors import cells, history
from kubeschool.inspectors.dashboard import watch_all
from kubeschool.inspectors.events import events
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.journey import journey
from kubeschool.inspectors.logs import logs
from kubeschool.inspectors.map import map as node_map
from kubeschool.inspectors.map import requests
from kubeschool.inspectors.rollout import rollout
from kubeschool.inspectors.scheduling import scheduling
from kubeschool.inspectors.service import service
from kubeschool.inspectors.trace import CHANGED, MANAGER, trace
from kubeschool.inspectors.tree import tree
from kubeschool.inspectors.view import Line, View
from kubeschool.inspectors.yaml import yaml

KINDS = {
    "pods": ("Pod", "po"), "services": ("Service", "svc"), "nodes": ("Node", "no"), "events": ("Event", "ev"),
    "deployments": ("Deployment", "deploy"), "replicasets": ("ReplicaSet", "rs"), "statefulsets": ("StatefulSet", "sts"),
    "daemonsets": ("DaemonSet", "ds"), "jobs": ("Job", "job"), "endpointslices": ("EndpointSlice", "eps"),
    "persistentvolumeclaims": ("PersistentVolumeClaim", "pvc"), "controllerrevisions": ("ControllerRevision", "cr"),
}
SECONDS = 10


class Watch:
    """Gives what the test says; ends when it is closed."""

    def __init__(self):
        self.sent = queue.SimpleQueue()
        self.closed = threading.Event()

    def __iter__(self):
        while (event := self.sent.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    lines = __iter__

    def close(self):
        self.closed.set()
        self.sent.put(None)


class Cluster:
    """The API that views use, over a dict of objects by plural."""

    namespace = "default"

    def __init__(self, **objects):
        self.api = self
        self.objects = {kind: [] for kind in KINDS} | {"audit": []} | objects
        self.version, self.refusal = 100, None
        self.watches: dict[str, Watch] = {}
        self.opened = threading.Semaphore(0)
        self.answers: dict[str, object] = {}

    def can(self, feature):
        return Ability(True, "so")

    def resource(self, word):
        for plural, (kind, short) in KINDS.items():
            if word in (plural, kind, short, kind.lower()):
                group = "/api/v1" if kind in ("Pod", "Service", "Node", "Event", "PersistentVolumeClaim") else "/apis/apps/v1"
                return Resource(group, plural, kind, kind.lower(), kind != "Node")
        raise CourseError(f'the cluster has no resource type "{word}"')

    def get(self, path, **query):
        if self.refusal:
            raise self.refusal
        if path in self.answers:
            if isinstance(self.answers[path], Exception):
                raise self.answers[path]
            return self.answers[path]
        items = self.objects[path.split("/")[-1]]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": str(self.version)}, "items": items} | self.kind(path)

    def kind(self, path):
        kind = KINDS.get(path.split("/")[-1], ("Event",))[0]
        return {"kind": f"{kind}List"}

    def watch(self, path, seconds, **query):
        if self.refusal:
            raise self.refusal
        watch = self.watches[path.split("/")[-1]] = Watch()
        self.opened.release()
        return watch

    def stream(self, path, seconds, **query):
        watch = self.watches[path] = Watch()
        self.opened.release()
        return watch


def obj(kind, name, owner=None, labels=None, spec=None, status=None, version=1, **rest):
    meta = {"name": name, "namespace": "default", "uid": f"{kind}-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    meta |= {"resourceVersion": str(version), "labels": labels or {}}
    if owner:
        meta["ownerReferences"] = [{"uid": owner}]
    return {"kind": kind, "metadata": meta, "spec": spec or {}, "status": status or {}} | rest


def pod(name, node="n1", ready=True, labels=None, owner=None, requests=None, **rest):
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    status["containerStatuses"] = [{"name": "c", "image": "nginx", "ready": ready, "restartCount": 0, "state": {"running": {}}}]
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "nginx", "resources": {"requests": requests or {}}}]}
    return obj("Pod", name, owner, labels or {"app": "web"}, spec, status, **rest)


def node(name, ready=True, **spec):
    status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}
    status["conditions"] = [{"type": "Ready", "status": "True" if ready else "Unknown"}]
    return obj("Node", name, spec=spec, status=status)


def deployment(**spec):
    selector = {"selector": {"matchLabels": {"app": "web"}}}
    return obj("Deployment", "web", spec={"replicas": 2, **selector, **spec}, status={"readyReplicas": 2})


def until(view, said):
    """Wait for words in the live view's HTML, or for a function of it to be true."""
    holds = said if callable(said) else lambda html: said in html
    changed = threading.Event()
    view._picture.observe(lambda _: changed.set(), "value")
    while not holds(view._picture.value):
        assert changed.wait(SECONDS), view._picture.value
        changed.clear()


# -- what every view does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [tree, events, node_map, yaml, rollout, logs, journey, service])
@pytest.mark.parametrize("target", ["web", "nonsense/web", "pods -l a=b=c", "deploy/gone", "svc/gone", 7])
def test_what_is_not_there_is_said_and_nothing_raises(view, target):
    lines = view(Cluster(), target).lines
    assert lines and all(line.state in ("gone", "bad") for line in lines)


@pytest.mark.parametrize("view", [tree, events, node_map, yaml, rollout, logs, journey, service])
def test_a_malformed_object_is_shown_as_one(view):
    cluster = Cluster()
    for kind in cluster.objects:
        cluster.objects[kind] = [{"metadata": {"name": "web", "namespace": "default", "uid": "1"}, "spec": 3}]
    assert str(view(cluster, "svc/web" if view is service else "deploy/web"))


def test_a_view_follows_its_objects_and_its_end_is_the_watchs_end():
    cluster = Cluster(deployments=[deployment()])
    view = tree(cluster, "deploy/web")
    view._live()
    assert "ReplicaSet" not in view._picture.value
    while "replicasets" not in cluster.watches:
        assert cluster.opened.acquire(timeout=SECONDS)
    watch = cluster.watches["replicasets"]
    watch.sent.put(("ADDED", obj("ReplicaSet", "web-1", "Deployment-web", version=101)))
    until(view, "ReplicaSet web-1")
    feeds = view._feeds
    view.close()
    assert watch.closed.wait(SECONDS)
    for each in feeds:
        if each._thread:
            each._thread.join(SECONDS)
    assert not any(each._thread for each in feeds)


def test_feeds_are_shared_and_a_list_does_not_undo_what_the_watch_brought():
    cluster = Cluster(pods=[pod("a")])
    one = feed(cluster, cluster.resource("pods"), "default")
    assert feed(cluster, cluster.resource("pods"), "default") is one
    one._apply("ADDED", pod("b", version=105))
    one.refresh()
    assert set(one.objects) == {"a", "b"}
    one._apply("DELETED", pod("b", version=102))
    assert set(one.objects) == {"a", "b"}, "older than what is known"


def test_a_refusal_and_a_lost_connection_are_said_and_pass():
    cluster = Cluster(pods=[pod("a")], deployments=[deployment()])
    cluster.refusal = ApiException(403)
    cluster.refusal.body = json.dumps({"message": 'pods is forbidden: User "jane" cannot list'})
    view = tree(cluster, "deploy/web")
    assert str(view.lines[0]) == '✖ the cluster refuses: pods is forbidden: User "jane" cannot list'
    cluster.refusal = OSError("refused")
    view._live()
    until(view, "not connected to the cluster; trying again")
    cluster.refusal = None
    until(view, lambda html: "2/2 ready" in html and "not connected" not in html)
    view.close()


def test_an_object_that_was_there_was_deleted():
    cluster = Cluster(pods=[pod("a")])
    view = tree(cluster, "pod/a")
    assert str(view) == "● Pod a  Running"
    view._feeds[0]._apply("DELETED", pod("a", version=101))
    assert str(view) == "○ Pod a  was deleted"


@pytest.mark.parametrize("view", [journey, history.history, trace, scheduling])
def test_what_a_real_cluster_does_not_tell_is_said(view, monkeypatch):
    monkeypatch.setattr(Cluster, "can", lambda self, feature: Ability(False, f"no {feature} here"))
    assert str(view(Cluster(), "pod/a")).startswith("✖ no ")


def test_a_model_of_the_official_client_is_a_target():
    from kubernetes.client import V1ObjectMeta, V1Pod

    assert str(tree(Cluster(pods=[pod("a")]), V1Pod(metadata=V1ObjectMeta(name="a", namespace="default")))) == "● Pod a  Running"


def test_what_comes_from_the_cluster_is_escaped():
    view = View("<x>", [], lambda: [Line("<script>", "<b>", prefix="<i>")])
    for html in (view._html(), view._live_html()):
        assert "<script>" not in html and "&lt;script&gt;" in html and "&lt;b&gt;" in html and "<x>" not in html
    evil = obj("Deployment", "<img src=x>")
    for made in (tree, yaml, rollout):
        assert "<img" not in made(Cluster(deployments=[evil]), "deployments -l !x")._live_html()


def test_views_end_when_their_cell_runs_again_or_is_deleted(monkeypatch):
    closed = []

    def shown(name, request, cell, deleted=()):
        parent = {"metadata": {"cellId": cell, "deletedCells": list(deleted)}, "header": {"msg_id": request}}
        monkeypatch.setattr(cells, "get_ipython", lambda: SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda: parent)))
        cells.shown(SimpleNamespace(close=lambda: closed.append(name)))

    shown("a", "1", "cell")
    shown("b", "1", "cell")
    assert closed == []
    shown("c", "2", "cell")
    assert closed == ["a", "b"]
    shown("d", "3", "other", deleted=["cell"])
    assert closed == ["a", "b", "c"]


# -- what each view says -----------------------------------------------------------------------------------------------


def test_a_tree_expands_to_containers():
    view = tree(Cluster(pods=[pod("a")]), "pod/a")
    view._controls[0].value = True
    assert str(view) == "● Pod a  Running\n└─ ● container c  Running  nginx"


def test_events_can_be_filtered():
    about = {"involvedObject": {"kind": "Pod", "name": "a", "uid": "Pod-a"}, "firstTimestamp": "2026-01-01T00:00:00Z"}
    normal = obj("Event", "e1") | about | {"type": "Normal", "reason": "Pulled", "message": "m"}
    warning = obj("Event", "e2") | about | {"type": "Warning", "reason": "BackOff", "message": "m", "count": 3}
    view = events(Cluster(events=[warning, normal]), "pod/a")
    assert [line.text for line in view.lines] == ["Pulled", "BackOff (×3)"]
    view._controls[0].value = True
    assert [line.text for line in view.lines] == ["BackOff (×3)"]


def test_the_map_counts_all_pods_and_shows_those_meant():
    half = {"cpu": "500m", "memory": "1Gi"}
    pods = [pod("a", requests=half), pod("b", "n1", labels={"app": "x"}, requests=half), pod("c", "", ready=False)]
    pods.append(pod("done", "n1", requests=half) | {"status": {"phase": "Succeeded"}})
    view = node_map(Cluster(pods=pods, nodes=[node("n1"), node("n2", ready=False)], deployments=[deployment()]), "deploy/web")
    assert str(view).split("\n") == [
        "● n1  Ready",
        "  cpu    ▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  1 of 4 cores requested (25%)",
        "  memory ▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  2048 of 8192 Mi requested (25%)",
        "  pods   ▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  2 of 110 run (2%)",
        "  ● default/a  Running",
        "✖ n2  NotReady",
        "  cpu    ▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  0 of 4 cores requested (0%)",
        "  memory ▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  0 of 8192 Mi requested (0%)",
        "  pods   ▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  0 of 110 run (0%)",
        "◐ no node  pods without a node",
        "  ◐ default/c  Running",
    ]
    view._controls[0].value = "/a"
    assert "default/c" not in str(view) and "default/a" in str(view) and "1 of 4 cores" in str(view)


def test_requests_are_counted_as_the_scheduler_does():
    def container(cpu, **rest):
        return {"resources": {"requests": {"cpu": cpu}}} | rest

    init = [container("100m", restartPolicy="Always"), container("1")]
    assert float(requests({"containers": [container("300m")], "initContainers": init})["cpu"]) == 1.1
    assert float(requests({"containers": [container("2")], "initContainers": init, "overhead": {"cpu": "10m"}})["cpu"]) == 2.11


def managed(manager, fields, **rest):
    return {"manager": manager, "fieldsV1": fields} | rest


def test_yaml_says_who_manages_what():
    web = deployment(template={"spec": {"containers": [{"name": "c", "image": "nginx", "args": ["a", "b"]}]}})
    web["metadata"]["managedFields"] = [
        managed("kubectl", {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            'k:{"name":"c"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}}}}}}),
        managed("hpa", {"f:spec": {"f:replicas": {}}}),
        managed("controller", {"f:status": {"f:readyReplicas": {}}}),
    ]
    view = yaml(Cluster(deployments=[web]), "deploy/web", "managers")
    said = {line.prefix.strip(): line.detail for line in view.lines}
    assert said["replicas: 2"] == "← hpa, kubectl" and said["- name: c"] == "← kubectl" and said["readyReplicas: 2"] == "← controller"
    assert said["- a"] == "← kubectl" and said["app: web"] == ""
    view._controls[0].value = "actual"
    assert str(view) == "status:\n  readyReplicas: 2"
    view._controls[0].value = "wanted"
    assert "  replicas: 2" in str(view) and "status" not in str(view) and "managedFields" not in str(view)
    assert str(yaml(Cluster(deployments=[web]), "deploy/web", "everything")).startswith("✖ show is one of wanted, actual, managers")


def test_yaml_is_yaml():
    import yaml as pyyaml

    from kubeschool.inspectors.yaml import emit

    value = {"a": [{"b": 1, "c": [1, {"d": "x: y"}]}, "on", "1"], "e": {}, "f": [], "g": "line\nnext\n", "h": None, "i": [["j"]]}
    assert pyyaml.safe_load("\n".join(text for text, _ in emit(value))) == value


def test_yaml_differs_from_a_file(tmp_path):
    file = tmp_path / "web.yaml"
    file.write_text("kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n---\nkind: Service\nmetadata: {name: web}\n")
    cluster = Cluster(deployments=[deployment()])
    assert [str(line) for line in yaml(cluster, "deploy/web", file=str(file)).lines[1:]] == [
        "  kind: Deployment", "  metadata:", "    name: web", "  spec:", "−   replicas: 3", "+   replicas: 2"]
    file.write_text("kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}")
    assert "say the same" in str(yaml(cluster, "deploy/web", file=str(file)).lines[0])
    file.write_text("kind: [")
    assert "cannot be read" in str(yaml(cluster, "deploy/web", file=str(file)))
    assert "cannot be read" in str(yaml(cluster, "deploy/web", file=str(tmp_path / "gone.yaml")))


def test_a_rollout_has_a_line_for_each_revision():
    def replica_set(name, revision, replicas):
        template = {"spec": {"containers": [{"image": f"nginx:{revision}"}]}}
        made = obj("ReplicaSet", name, "Deployment-web", spec={"replicas": replicas, "template": template})
        made["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": revision}
        return made

    conditions = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]
    web = deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    web["status"]["conditions"] = conditions
    pods = [pod("a", owner="ReplicaSet-web-1"), pod("b", owner="ReplicaSet-web-1"), pod("c", owner="ReplicaSet-web-10", ready=False)]
    sets = [replica_set("web-1", "9", 2), replica_set("web-10", "10", 1), replica_set("web-0", "8", 0)]
    assert [str(line) for line in rollout(Cluster(deployments=[web], replicasets=sets, pods=pods), "deploy/web").lines] == [
        "● Deployment web  2/2 ready",
        "  strategy RollingUpdate: at most 1 above and at most 0 missing",
        "  ◐ revision 10 (newest)  ◐  0 of 1 ready  nginx:10  web-10",
        "  ● revision 9  ●●  2 of 2 ready  nginx:9  web-1",
        "  ○ revision 8  0 of 0 ready  nginx:8  web-0",
        "  ✖ condition Progressing False  ProgressDeadlineExceeded: timed out",
    ]
    assert "has no rollout" in str(rollout(Cluster(pods=[pod("a")]), "pod/a"))


def test_logs_of_several_pods_are_told_apart_and_followed():
    cluster = Cluster(pods=[pod("a"), pod("bb")], deployments=[deployment()])
    path = "/api/v1/namespaces/default/pods/{}/log"
    cluster.answers = {
        path.format("a"): {"text": "2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:03Z three\n"},
        path.format("bb"): {"text": "2026-01-01T00:00:02Z <two>\n"},
    }
    view = logs(cluster, "deploy/web")
    assert str(view) == "◆ a  │ one\n◆ a  │ three\n▲ bb │ <two>"
    view._live()
    until(view, "one")
    while path.format("a") not in cluster.watches:
        assert cluster.opened.acquire(timeout=SECONDS)
    stream = cluster.watches[path.format("a")]
    stream.sent.put(b"2026-01-01T00:00:03Z three")
    stream.sent.put(b"2026-01-01T00:00:04Z four")
    until(view, "four")
    assert [line.prefix.split("│ ")[1] for line in view.lines] == ["one", "<two>", "three", "four"], "by time, and nothing twice"
    assert "<two>" not in view._picture.value
    follow, words = view._controls
    words.value = "two"
    assert str(view) == "▲ bb │ <two>"
    follow.value = False
    str(view)
    assert stream.closed.wait(SECONDS)
    view.close()


def write(number, manager, verb, changed="", user="admin", subresource="", revision="7"):
    reference = {"resource": "pods", "name": "a", "uid": "u", "subresource": subresource}
    reference |= {"resourceVersion": revision} if revision else {}
    return {
        "metadata": {"name": str(number), "namespace": "default", "resourceVersion": str(number)}, "verb": verb, "user": {"username": user},
        "objectRef": reference, "stageTimestamp": f"2026-01-01T00:00:0{number}Z", "annotations": {MANAGER: manager, CHANGED: changed},
    }


def test_a_journey_goes_write_by_write():
    writes = [
        write(2, "kube-scheduler", "create", "spec.nodeName", subresource="binding"),
        write(1, "kubectl", "create"),
        write(3, "kubelet", "delete", user="system:node:n1", revision=""),
    ]
    view = journey(Cluster(audit=writes), "pod/a")
    assert [" ".join(str(line).split()) for line in view.lines] == [
        "1 kubectl ─ create → kube-apiserver → etcd the object is there",
        "the watch tells kube-scheduler",
        "2 kube-scheduler ─ create binding → kube-apiserver → etcd spec.nodeName",
        "the watch tells kubelet (n1)",
        "3 kubelet (n1) ─ delete → kube-apiserver → etcd the object is gone",
    ]
    assert "3 of 3: kubelet (n1)" in view._live_html()
    view._controls[0].value = 1
    assert "2 of 3: kube-scheduler" in view._live_html() and "removed" not in view._live_html()


def test_a_service_leads_to_its_pods_and_counts_who_answered():
    def endpoint(name, address, ready):
        return {"addresses": [address], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": name}}

    slices = [obj("EndpointSlice", "web-x", labels={"kubernetes.io/service-name": "web"}) | {
        "ports": [{"port": 80}], "endpoints": [endpoint("b", "10.0.0.2", False), endpoint("a", "10.0.0.1", True)]}]
    web = obj("Service", "web", spec={"clusterIP": "10.96.0.1", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]})
    cluster = Cluster(services=[web], endpointslices=slices, pods=[pod("a"), pod("b", ready=False), pod("c", ready=False)])
    cluster.answers["/api/v1/namespaces/default/services/web:80/proxy/"] = {"text": "Hello"}
    cluster.answers |= {f"/api/v1/namespaces/default/pods/{name}/log": {"text": ""} for name in "ac"}
    cluster.answers["/api/v1/namespaces/default/pods/b/log"] = ApiException(400)
    view = service(cluster, "svc/web")
    assert [str(line) for line in view.lines] == [
        "Service web  ClusterIP 10.96.0.1  ports 80 → 8080/TCP",
        "├─ selector app=web",
        "├─ EndpointSlice web-x  port 80, 1 of 2 ready",
        "│  ├─ ● 10.0.0.1  Pod a  ready",
        "│  └─ ◐ 10.0.0.2  Pod b  not ready: gets no requests (Running)",
        "└─ ◐ Pod c  Running: selected, and in no slice",
    ]
    view._controls[0]._action()
    assert "no pod's log says by whom" in str(view)
    cluster.answers["/api/v1/namespaces/default/services/web:80/proxy/"] = {"text": "I am a"}
    view._controls[0]._action()
    assert "Pod a  answered 1 ▰" in str(view) and "answered by a" in str(view)
    cluster.objects["endpointslices"] = []
    assert "no endpoints" in str(service(cluster, "svc/web"))
    assert "a Service is meant" in str(service(cluster, "pod/a"))


def test_history_says_what_each_write_did():
    before = {"Pod-a": pod("a"), "Pod-b": pod("b")}
    after = {"Pod-a": pod("a", node="n2"), "Pod-c": pod("c")}
    assert [str(line) for line in history.lines(9, "3 of 4", before, after)] == [
        "revision 9  write 3 of 4",
        "● Pod a  Running  ◀ changed: spec.nodeName",
        "● Pod c  Running  ◀ created",
        "○ Pod b  ◀ deleted",
    ]


def test_the_slider_follows_until_it_is_moved():
    from kubeschool.inspectors.controls import Steps

    steps = Steps("revision")
    assert [steps.of(5), steps.of(7)] == [4, 6]
    steps.value = 2
    assert [steps.of(9), steps.of(2), steps.of(3)] == [2, 1, 2]


def test_the_dashboard_is_compact():
    bad = pod("bad", ready=False)
    bad["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    warning = obj("Event", "e") | {"type": "Warning", "reason": "BackOff", "message": "back-off", "involvedObject": {"name": "bad"}}
    cluster = Cluster(deployments=[deployment()], pods=[pod("a"), pod("b"), bad], events=[warning])
    assert str(watch_all(cluster)).split("\n") == [
        "namespace default",
        "  Deployments  ● web 2/2 ready",
        "  Pods         ● 2 Running",
        "               ✖ 1 CrashLoopBackOff",
        "  not well     ✖ bad CrashLoopBackOff",
        "  Warnings     ✖ bad: BackOff  back-off  []",
    ]
    assert str(watch_all(Cluster())) == "namespace default  is empty"

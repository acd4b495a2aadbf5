"""Waiting: what counts as wanted, what is shown, what a time-out says. Against a small in-memory API."""

import queue
import threading
import time

import pytest
from kubernetes.client.exceptions import ApiException

from kubeschool import waiting
from kubeschool.api import Resource
from kubeschool.errors import CourseError
from kubeschool.progress_line import Progress
from kubeschool.target import Target
from kubeschool.waiting import TimedOut, holds, summary

PODS = Resource("/api/v1", "pods", "Pod", "pod", True)
DEPLOYMENTS = Resource("/apis/apps/v1", "deployments", "Deployment", "deployment", True)
NODES = Resource("/api/v1", "nodes", "Node", "node", False)
WEB = Target(PODS, "shop", "web")


class FakeWatch(queue.SimpleQueue):
    def __iter__(self):
        return iter(self.get, None)

    def close(self):
        self.put(None)


class FakeApi:
    """Lists `objects` of any path; `change` sends one event to the open watches."""

    def __init__(self, *objects):
        self.objects, self.watches = list(objects), []
        self.watching = threading.Event()

    def resource(self, word):
        known = {"pod": PODS, "pods": PODS, "deploy": DEPLOYMENTS, "node": NODES}
        if word not in known:
            raise CourseError(f"no {word}")
        return known[word]

    def find(self, path):
        return None

    def get(self, path, **query):
        items = [] if path.endswith("/events") else self.objects
        return {"metadata": {"resourceVersion": "1"}, "items": list(items)}

    def watch(self, path, seconds, **query):
        self.watches.append(FakeWatch())
        self.watching.set()
        return self.watches[-1]

    def change(self, type, obj):
        self.watching.wait(2)
        self.watches[-1].put((type, obj))


def pod(name="web", phase="Pending", ready="False", waiting=None, message=""):
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    if waiting:
        status["containerStatuses"] = [{"name": "nginx", "state": {"waiting": {"reason": waiting, "message": message}}}]
    spec = {"nodeName": "worker", "containers": [{"name": "nginx", "image": "ngnix"}]}
    return {"metadata": {"name": name, "namespace": "shop", "uid": name}, "spec": spec, "status": status}


def wait(api, wanted, timeout=2, target=WEB, check=lambda: None):
    waiting.wait(api, target, wanted, str(wanted), timeout, check)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("pod/web", Target(PODS, "shop", "web")),
        ("deploy web", Target(DEPLOYMENTS, "shop", "web")),
        ("pods -l app=web,tier!=db", Target(PODS, "shop", selector="app=web,tier!=db")),
        ("pod/web -n other", Target(PODS, "other", "web")),
        ("-n other pods -l a/b=c", Target(PODS, "other", selector="a/b=c")),
    ],
)
def test_targets_are_written_as_for_kubectl(text, target):
    assert Target.parse(text, "shop", FakeApi()) == target


@pytest.mark.parametrize("text", ["", "pods", "pod/web -l app=web", "pod web more", "pod/web -n", "-l app=web"])
def test_other_targets_are_refused(text):
    with pytest.raises(CourseError, match='"pod/web" or "pods -l app=web"'):
        Target.parse(text, "shop", FakeApi())


def test_true_already():
    wait(FakeApi(pod(phase="Running", ready="True")), "Ready")


def test_becomes_true_by_an_event():
    api = FakeApi(pod())
    threading.Thread(target=api.change, args=("MODIFIED", pod(phase="Running", ready="True"))).start()
    wait(api, "Ready")


def test_created_later():
    api = FakeApi()
    threading.Thread(target=api.change, args=("ADDED", pod(phase="Running"))).start()
    wait(api, "Running")


def test_what_cannot_be_watched_is_listed_again(monkeypatch):
    class Metrics(FakeApi):
        def watch(self, path, seconds, **query):
            self.objects.append(pod(phase="Running"))
            raise ApiException(status=405)

    monkeypatch.setattr(waiting, "LIST_SECONDS", 0.01)
    wait(Metrics(), "Running")


def test_deleted():
    wait(FakeApi(), "Deleted")
    api = FakeApi(pod())
    threading.Thread(target=api.change, args=("DELETED", pod())).start()
    wait(api, "Deleted")


def test_every_one_of_a_selection_must_be_there():
    api = FakeApi(pod("a", ready="True"), pod("b"))
    threading.Thread(target=api.change, args=("MODIFIED", pod("b", ready="True"))).start()
    wait(api, "Ready", target=Target(PODS, "shop", selector="app=web"))
    with pytest.raises(TimedOut, match="there are no pods with app=web in the namespace shop"):
        wait(FakeApi(), "Ready", timeout=0.1, target=Target(PODS, "shop", selector="app=web"))


def test_a_watch_that_ends_is_opened_again():
    api = FakeApi(pod())
    api.change_in = threading.Thread(target=lambda: (api.watching.wait(2), api.objects.clear(), api.watches[0].close()))
    api.change_in.start()
    wait(api, "Deleted")


def test_time_out_says_why_in_the_clusters_words():
    api = FakeApi(
        pod(waiting="ErrImagePull", message='failed to pull "ngnix"'),
    )
    with pytest.raises(TimedOut) as error:
        wait(api, "Ready", timeout=0.1)
    assert str(error.value).startswith("pod/web: not Ready after 0.1 s.\n✖ pod/web: the image")
    assert 'the cluster says: failed to pull "ngnix"' in str(error.value) and "kubectl describe pod web -n shop" in str(error.value)


def test_errors_show_no_traceback():
    assert TimedOut("too late")._render_traceback_() == ["\x1b[31mTimedOut\x1b[0m: too late"]


def test_a_refusal_is_raised_at_once():
    class Api(FakeApi):
        def get(self, path, **query):
            raise ApiException(status=403, reason="Forbidden")

    with pytest.raises(ApiException, match="Forbidden"):
        wait(Api(), "Ready")


def test_a_dead_cluster_ends_the_wait():
    def dead():
        raise CourseError("the practice cluster stopped")

    with pytest.raises(CourseError, match="stopped"):
        wait(FakeApi(), "Ready", check=dead)


def test_nothing_is_left_running():
    api = FakeApi(pod())
    with pytest.raises(TimedOut):
        wait(api, "Ready", timeout=0.1)
    deadline = time.monotonic() + 2
    while any(thread.name == "waiting for pod/web" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_holds():
    assert holds(pod(phase="Running"), "Running") and not holds(pod(), "Running")
    assert holds(pod(waiting="CrashLoopBackOff"), "CrashLoopBackOff") and not holds(pod(), "CrashLoopBackOff")
    assert holds(pod(), lambda obj: obj["metadata"]["name"] == "web")
    assert not holds(pod(), lambda obj: obj["status"]["containerStatuses"][0]["ready"])


def test_summaries():
    gone = pod()
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert [summary(gone), summary(pod()), summary({"metadata": {}, "data": {}})] == ["Terminating", "Pending", ""]


def test_progress_appears_late_and_leaves_nothing(monkeypatch, capsys):
    monkeypatch.setattr("kubeschool.progress_line._is_watched", lambda: True)
    with Progress("waiting") as progress:
        progress.tick()
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("kubeschool.progress_line.PATIENCE", 0)
    with Progress("waiting") as progress:
        progress.say("now 2 of 3")
    assert capsys.readouterr().out == "\r\r… now 2 of 3 (0 s)\r" + " " * len("… now 2 of 3 (0 s)") + "\r"


def test_no_progress_in_a_file(monkeypatch, capsys):
    monkeypatch.setattr("kubeschool.progress_line.PATIENCE", 0)
    with Progress("waiting") as progress:
        progress.tick()
    assert capsys.readouterr().out == ""

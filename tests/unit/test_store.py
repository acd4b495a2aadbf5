"""The store keeps every acknowledged write, in order, for watchers and for the next process."""
import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from kubeschool.practice.store import Compacted, Conflict, Store

POD = ("pods", "default", "web")


def obj(**spec) -> dict:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web"}, "spec": spec}


def test_a_write_becomes_the_next_revision():
    store = Store(":memory:")
    first = store.put(POD, obj(n=1), None)
    second = store.put(POD, obj(n=2), first.revision)
    assert (first.revision, second.revision) == (1, 2)
    assert store.get(POD).object["metadata"]["resourceVersion"] == "2"


def test_a_write_from_an_old_revision_is_refused():
    store = Store(":memory:")
    store.put(POD, obj(n=1), None)
    store.put(POD, obj(n=2), 1)
    with pytest.raises(Conflict):
        store.put(POD, obj(n=3), 1)
    with pytest.raises(Conflict):
        store.put(POD, obj(n=3), None)
    with pytest.raises(Conflict):
        store.delete(POD, 1)
    assert store.get(POD).object["spec"] == {"n": 2}


def test_lists_are_sorted_and_scoped():
    store = Store(":memory:")
    for namespace, name in (("b", "x"), ("a", "y"), ("a", "x")):
        store.put(("pods", namespace, name), obj(), None)
    assert [s.key[1:] for s in store.list("pods")] == [("a", "x"), ("a", "y"), ("b", "x")]
    assert [s.key[2] for s in store.list("pods", "a")] == ["x", "y"]
    assert store.list("services") == []


async def test_a_watch_replays_what_was_missed_and_goes_on():
    store = Store(":memory:")
    store.put(POD, obj(n=1), None)
    store.put(POD, obj(n=2), 1)
    watch = store.watch("pods", since=1)
    store.delete(POD, 2)
    events = [await anext(watch), await anext(watch)]
    assert [e.seen_through(lambda s: True)[0] for e in events] == ["MODIFIED", "DELETED"]
    gone = events[1].seen_through(lambda s: True)[1]
    assert gone.object["spec"] == {"n": 2} and gone.object["metadata"]["resourceVersion"] == "3"


async def test_an_object_that_leaves_a_selector_is_deleted_for_its_watcher():
    store = Store(":memory:")
    watch = store.watch("pods")
    store.put(POD, obj(n=1), None)
    store.put(POD, obj(n=2), 1)
    store.put(POD, obj(n=1), 2)
    seen = [(await anext(watch)).seen_through(lambda s: s.object["spec"]["n"] == 1)[0] for _ in range(3)]
    assert seen == ["ADDED", "DELETED", "ADDED"]


async def test_a_closed_watch_ends():
    store = Store(":memory:")
    watch = store.watch("pods")
    reader = asyncio.ensure_future(anext(watch, "end"))
    await asyncio.sleep(0)
    watch.close()
    assert await reader == "end"


def test_history_is_compacted_and_says_so():
    store = Store(":memory:", history=10)
    store.put(POD, obj(n=0), None)
    other = ("pods", "default", "quiet")
    store.put(other, obj(), None)
    for n in range(1, 40):
        store.put(POD, obj(n=n), store.get(POD).revision)
    with pytest.raises(Compacted) as error:
        store.watch("pods", since=1)
    assert error.value.oldest > 10
    assert {s.key[2] for s in store.at(store.revision)} == {"web", "quiet"}


def test_the_past_can_be_read():
    store = Store(":memory:")
    store.put(POD, obj(n=1), None)
    store.put(POD, obj(n=2), 1)
    store.delete(POD, 2)
    assert [s.object["spec"]["n"] for s in store.at(2)] == [2]
    assert list(store.at(3)) == []


def test_a_second_process_on_the_same_file_is_refused(tmp_path):
    first = Store(tmp_path / "state.db")
    first.put(POD, obj(), None)
    with pytest.raises(sqlite3.OperationalError):
        Store(tmp_path / "state.db")


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_everything_acknowledged_survives_kill_9(tmp_path):
    script = textwrap.dedent(f"""
        from kubeschool.practice.store import Store
        store = Store({str(tmp_path / "state.db")!r})
        n = 0
        while True:
            n += 1
            store.put(("pods", "default", f"pod-{{n}}"), {{"metadata": {{}}}}, None)
            print(n, flush=True)
    """)
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    store = Store(tmp_path / "state.db")
    assert len(store.list("pods")) >= acknowledged
    assert store.revision == len(store.list("pods"))

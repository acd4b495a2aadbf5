"""The lanes' verdict, what refresh leaves in a notebook, and what the sanitizer takes for noise."""

import _thread
import importlib
import re
import threading
from pathlib import Path

import nbformat
import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def lanes(monkeypatch):
    """The module, whose lanes run in this process."""
    monkeypatch.syspath_prepend(str(TESTS))
    lanes = importlib.import_module("lanes")
    monkeypatch.setattr(lanes, "_apart", lambda lane: lane.run())
    return lanes


def run(lanes, monkeypatch, *asked, **results):
    """main() over lanes that pass (True), fail (False) or cannot run (a reason)."""
    made = [
        lanes.Lane(name, lambda result=result: result, lambda result=result: result if isinstance(result, str) else None)
        for name, result in results.items()
    ]
    monkeypatch.setattr(lanes, "LANES", made)
    monkeypatch.setattr(lanes.sys, "argv", ["lanes.py", *asked])
    return lanes.main()


def test_a_lane_that_cannot_run_says_why_and_fails_only_when_asked_for(lanes, monkeypatch, capsys):
    assert run(lanes, monkeypatch, unit=True, smoke="kind is not installed") == 0
    out = capsys.readouterr().out
    assert re.search(r"unit +0 s  passed", out) and re.search(r"smoke +0 s  could not run: kind is not installed", out)
    assert run(lanes, monkeypatch, "smoke", unit=True, smoke="kind is not installed") == 1


def test_one_failure_fails_all_and_the_rest_still_runs(lanes, monkeypatch, capsys):
    assert run(lanes, monkeypatch, unit=False, wire=True) == 1
    assert "FAILED" in (out := capsys.readouterr().out) and "wire" in out


def test_a_retry_is_told(lanes, monkeypatch, capsys):
    once = iter([False, True])
    monkeypatch.setattr(lanes, "LANES", [lanes.Lane("unit", lambda: next(once)), lanes.Lane("wire", lambda: False)])
    monkeypatch.setattr(lanes.sys, "argv", ["lanes.py", "--retry", "1"])
    assert lanes.main() == 1
    out = capsys.readouterr().out
    assert re.search(r"unit .*passed, but only the second time", out) and re.search(r"wire .*FAILED twice", out)


def test_only_what_is_asked_for_runs(lanes, monkeypatch, capsys):
    assert run(lanes, monkeypatch, "wire", unit=False, wire=True) == 0
    with pytest.raises(SystemExit):
        run(lanes, monkeypatch, "wires", unit=True, wire=True)


@pytest.mark.parametrize(("asked", "ran"), [([], {"unit", "smoke"}), (["all"], {"unit", "real"}), (["real", "smoke"], {"real", "smoke"})])
def test_all_runs_real_in_place_of_smoke_and_what_is_left_out_is_told(lanes, monkeypatch, capsys, asked, ran):
    assert run(lanes, monkeypatch, *asked, unit=True, smoke=True, real=True) == 0
    out = capsys.readouterr().out
    assert set(re.findall(r"^(\w+) .*passed", out, re.MULTILINE)) == ran
    assert ("`course.py test all` runs the others: real" in out) == (not asked)


def test_an_interrupt_begins_no_other_lane(lanes, monkeypatch, capsys):
    began = []

    def interrupted():
        began.append("real")
        _thread.interrupt_main()
        over.wait(10)
        return True

    over = threading.Event()
    monkeypatch.setattr(lanes, "print", lambda *words, **_: words[0].startswith("Interrupted") and over.set(), raising=False)
    made = {"real": interrupted, "kind": lambda: began.append("kind")}
    monkeypatch.setattr(lanes, "LANES", [lanes.Lane(name, run, waits=True) for name, run in made.items()])
    monkeypatch.setattr(lanes.sys, "argv", ["lanes.py", "all"])
    with pytest.raises(KeyboardInterrupt):
        lanes.main()
    assert began == ["real"]


def test_each_line_of_a_lane_bears_its_name(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TESTS))
    lanes = importlib.import_module("lanes")
    assert not lanes._apart(lanes.Lane("nolane", bool))
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("nolane      ") for line in lines) and "invalid choice" in lines[-1]


def test_a_folder_without_tests_is_no_pass(lanes):
    assert lanes._folder("nowhere").missing() == "there are no tests in tests/nowhere"


def test_refresh_keeps_what_a_reader_sees_and_no_noise(lanes):
    refresh = importlib.import_module("refresh")
    cell = nbformat.v4.new_code_cell("cluster.wait('pod/web', 'Ready')", execution_count=7)
    cell.metadata = {"tags": ["raises-exception"], "execution": {"iopub.status.busy": "2026"}, "trusted": True}
    stream = [("stdout", "… waiting (0 s)"), ("stdout", "\r               \rpod/web is "), ("stdout", "Ready   \n")]
    cell.outputs = [nbformat.v4.new_output("stream", name=name, text=text) for name, text in stream]
    widget = {refresh.WIDGET: {"model_id": "0f3a"}, "text/plain": "HBox(…)"}
    cell.outputs.append(nbformat.v4.new_output("display_data", widget))
    cell.outputs.append(nbformat.v4.new_output("display_data", {**widget, "text/plain": "web", "text/html": "<b>web</b>"}))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Pods"), cell])
    notebook.metadata = {"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3.11.7"}}
    refresh.clean(notebook)
    once = nbformat.writes(notebook)
    refresh.clean(notebook)
    assert nbformat.writes(notebook) == once
    kept = [output.get("text") or output.data for output in cell.outputs]
    assert kept == ["pod/web is Ready\n", {"text/plain": "web", "text/html": "<b>web</b>"}]
    assert cell.execution_count == 1 and cell.metadata == {"tags": ["raises-exception"]}
    assert notebook.metadata.language_info == {"name": "python"} and "widgets" not in notebook.metadata


@pytest.mark.parametrize(("new", "same"), [("web   1/1   Running   0   12s\n", True), ("web   0/1   Running   0   12s\n", False)])
def test_refresh_keeps_a_saved_output_that_differs_in_noise_only(lanes, new, same):
    refresh = importlib.import_module("refresh")
    saved, now = (
        nbformat.v4.new_code_cell("%kubectl get pods", outputs=[nbformat.v4.new_output("stream", text=text)])
        for text in ("web   1/1   Running   0   4s\n", new)
    )
    refresh.keep_saved([now], [saved])
    assert (now.outputs == saved.outputs) is same


def test_refresh_never_mixes_the_outputs_of_two_runs(lanes):
    refresh = importlib.import_module("refresh")

    def cells(*texts):
        return [nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("stream", text=text)]) for text in texts]

    new = cells("pod/web-5d4f8c7b9d-x2lqz created\n", "pod/web-5d4f8c7b9d-x2lqz deleted\n")
    refresh.keep_saved(new, cells("pod/web-5d4f8c7b9d-bbbbb created\n", "nothing\n"))
    assert [cell.outputs[0].text for cell in new] == ["pod/web-5d4f8c7b9d-x2lqz created\n", "pod/web-5d4f8c7b9d-x2lqz deleted\n"]


def sanitized(text):
    rules = re.findall(r"^regex: (.*)$\n^replace: (.*)$", (TESTS / "nbval_sanitize.cfg").read_text(encoding="utf-8"), re.MULTILINE)
    for regex, replacement in rules:
        text = re.sub(regex, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("web-5d4f8c7b9d-x2lqz   1/1   Running   0             4s", "web-66c7b95f5b-bbbbb   1/1   Running   0   12m"),
        ("web    1/1     Running   1 (3s ago)   10s", "web    1/1     Running   1 (14s ago)   2m3s"),
        (
            "  Normal  Pulled  3s (x4 over 1m)  kubelet  Successfully pulled image in 1.2s",
            "  Normal  Pulled  9s  kubelet  Successfully pulled image in 914ms",
        ),
        ("Start Time:   Mon, 23 Nov 2026 14:18:18 +0000", "Start Time:   Tue, 01 Dec 2026 04:08:10 +0100"),
        ('10.244.1.7 - - [23/Nov/2026:14:18:18 +0000] "GET /"', '10.244.2.9 - - [24/Nov/2026:00:00:00 +0000] "GET /"'),
        ("web   NodePort   10.96.3.4   <none>   80:30123/TCP", "web   NodePort   10.96.3.40   <none>   80:32001/TCP"),
        ("uid: 11111111-2222-3333-4444-555555555555", "uid: aaaaaaaa-2222-3333-4444-555555555555"),
    ],
)
def test_noise_is_sanitized(one, other):
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("web    1/1     Running   0   4s", "web    0/1     Running   0   4s"),
        ("web    1/1     Running   0   4s", "web    1/1     Pending   0   4s"),
        ("web    1/1     Running   0   4s", "web    1/1     Running   1 (2s ago)   4s"),
        ("pod/web created", "pod/web unchanged"),
        ("image: nginx:1.25", "image: nginx:1.26"),
        ("deployment-first", "deployment-second"),
        ("replicas: 3", "replicas: 4"),
    ],
)
def test_what_matters_is_not(one, other):
    assert sanitized(one) != sanitized(other)

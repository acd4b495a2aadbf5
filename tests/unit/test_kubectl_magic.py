"""%kubectl: what it understands, and how it runs, ends and reports. The real kubectl where no cluster is needed, else a small program."""

import subprocess
import sys

import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell

from kubeschool import kubectl
from kubeschool.errors import CourseError
from kubeschool.kubectl import KubectlError, KubectlMagics, expand, parse, refuse_what_needs_a_terminal


@pytest.fixture(scope="module")
def shell():
    return InteractiveShell.instance()


@pytest.fixture
def magics(shell, tmp_path, monkeypatch):
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\nkind: Config\n")
    magics = KubectlMagics(shell, str(tmp_path / "kubeconfig"))
    yield magics
    magics.stop()


@pytest.fixture
def program(magics, monkeypatch):
    """Puts a Python program in kubectl's place."""
    started = []

    def use(source):
        def popen(words, stdin, **more):
            command = [sys.executable, "-uc", source, *words]
            started.append(subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more))
            return started[-1]

        monkeypatch.setattr(magics, "_popen", popen)
        return started

    return use


COUNT = "import time; n = 0\nwhile True: print('line', n); n += 1; time.sleep(.01)"


def test_prints_what_kubectl_prints(magics, capsys):
    magics.kubectl("version --client")
    assert "Client Version: v1." in capsys.readouterr().out


def test_a_failure_of_kubectl_is_a_failure_of_the_cell(magics, capsys):
    with pytest.raises(KubectlError, match="exit status 1"):
        magics.kubectl("get --no-such-flag")
    out, err = capsys.readouterr()
    assert "unknown flag: --no-such-flag" in out and not err


def test_an_expected_failure_passes_and_an_unexpected_success_fails(magics, capsys):
    magics.kubectl("--fails get --no-such-flag")
    assert "unknown flag" in capsys.readouterr().out
    with pytest.raises(KubectlError, match="expected to fail"):
        magics.kubectl("--fails version --client")


def test_errors_show_no_traceback(shell, magics, capsys):
    shell.register_magics(magics)
    result = shell.run_cell("%kubectl get --no-such-flag")
    assert isinstance(result.error_in_exec, KubectlError)
    out = capsys.readouterr().out
    assert "KubectlError" in out and "Traceback" not in out and "kubectl.py" not in out


def test_it_talks_to_the_kernels_own_cluster(magics, capsys):
    magics.kubectl("config set-cluster mine --server=https://127.0.0.1:1")
    magics.kubectl("config view -o jsonpath={.clusters[0].name}")
    assert capsys.readouterr().out.endswith("mine")


def test_cell_body_reaches_the_program(magics, program, capsys):
    program("import sys; print(sys.stdin.read().upper())")
    magics.kubectl("apply -f -", "kind: Pod\n" * 20_000)
    assert capsys.readouterr().out.count("KIND: POD") == 20_000


def test_a_line_has_no_standard_input(magics, program, capsys):
    program("import sys; print(repr(sys.stdin.read()))")
    magics.kubectl("apply -f -")
    assert capsys.readouterr().out == "''\n"


def test_until_ends_with_the_line_that_has_the_text(magics, program, capsys):
    started = program(COUNT)
    magics.kubectl("--until 'line 3' get pods -w")
    assert capsys.readouterr().out == "line 0\nline 1\nline 2\nline 3\n"
    assert started[0].poll() is not None


def test_until_fails_when_the_text_never_comes(magics, program, monkeypatch):
    program(COUNT)
    with pytest.raises(KubectlError, match=r'no line with "never" within 0\.2 s'):
        magics.kubectl("--until never --seconds 0.2 get pods -w")
    program("print('done')")
    with pytest.raises(KubectlError, match="kubectl ended"):
        magics.kubectl("--until never get pods -w")


def test_seconds_ends_quietly_and_a_watch_ends_by_itself(magics, program, monkeypatch, capsys):
    started = program(COUNT)
    magics.kubectl("--seconds 0.2 logs -f web")
    assert capsys.readouterr().out.startswith("line 0\nline 1\n")
    monkeypatch.setattr(kubectl, "WATCH_SECONDS", 0.2)
    magics.kubectl("get pods -w")
    assert "(stopped after 0.2 s" in capsys.readouterr().out
    assert all(process.poll() is not None for process in started)


def test_output_comes_as_it_is_written_and_split_characters_survive(magics, program, capsys):
    program("import os, time; text = '✓\\n'.encode(); os.write(1, text[:1]); time.sleep(.05); os.write(1, text[1:])")
    magics.kubectl("get pods")
    assert capsys.readouterr().out == "✓\n"


def test_interrupt_ends_kubectl(magics, program, monkeypatch):
    started = program(COUNT)

    def interrupted(text):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdout, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        magics.kubectl("get pods -w")
    assert started[0].poll() is not None


def test_background_goes_on_until_stopped(magics, program, capsys):
    started = program("import time; print('Forwarding from 127.0.0.1:8080 -> 80'); time.sleep(60)")
    magics.kubectl("port-forward pod/web 8080:80 &")
    assert capsys.readouterr().out == "Forwarding from 127.0.0.1:8080 -> 80\n"
    assert psutil.pid_exists(started[0].pid) and started[0].poll() is None
    magics.kubectl("port-forward pod/web 8080:80 &")
    assert started[0].poll() is not None and started[1].poll() is None
    magics.kubectl("--stop")
    assert started[1].poll() is not None


def test_background_that_ends_at_once_fails_with_its_words(magics, program, capsys):
    program("print('error: pod not found'); raise SystemExit(1)")
    with pytest.raises(KubectlError, match="port-forward did not start"):
        magics.kubectl("port-forward pod/web 8080:80 &")
    assert "error: pod not found" in capsys.readouterr().out
    with pytest.raises(CourseError, match="only port-forward and proxy"):
        magics.kubectl("get pods -w &")


@pytest.mark.parametrize(
    ("line", "expanded"),
    [
        ("get pod {name}", "get pod web"),
        ("get pod $name", "get pod web"),
        ("get pod {pod.real} {names[0]}", "get pod 7 a"),
        ("get pods -o jsonpath={.items[0].metadata.name}", "get pods -o jsonpath={.items[0].metadata.name}"),
        ("get pods -o jsonpath='{range .items[*]}{name}{end}'", "get pods -o jsonpath='{range .items[*]}{name}{end}'"),
        ("exec web -- sh -c 'echo $name'", "exec web -- sh -c 'echo $name'"),
        ('exec web -- sh -c "echo $HOSTNAME"', 'exec web -- sh -c "echo $HOSTNAME"'),
        ("get pods -o go-template={{unknown}}", "get pods -o go-template={{unknown}}"),
    ],
)
def test_python_variables(line, expanded):
    assert expand(line, {"name": "web", "pod": 7, "names": ["a"]}) == expanded


def test_a_variable_without_that_attribute_says_so():
    with pytest.raises(CourseError, match=r"\{name\.nope\} has no value"):
        expand("get pod {name.nope}", {"name": "web"})


def test_words_are_split_as_in_a_shell():
    options, words = parse("kubectl --fails apply -f 'a b.yaml' -p '{\"a\": \"|\"}'")
    assert options.fails and words == ["apply", "-f", "a b.yaml", "-p", '{"a": "|"}']


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("get pods | grep web", "without a shell, so | means nothing"),
        ("get pod web -o yaml >web.yaml", "without a shell"),
        ("get pods 'web", "No closing quotation"),
        ("--until", "--until needs a value"),
        ("--seconds soon get pods", "--seconds needs a number"),
    ],
)
def test_what_it_cannot_do_is_said(line, sentence):
    with pytest.raises(CourseError) as error:
        parse(line)
    assert sentence in str(error.value)


@pytest.mark.parametrize("line", ["exec -it web -- sh", "run -ti x --image=busybox", "debug web --tty", "exec -i -t web -- sh"])
def test_a_terminal_is_refused_with_what_to_do(line):
    with pytest.raises(CourseError, match="a cell has none"):
        refuse_what_needs_a_terminal(line.split())


def test_edit_needs_an_editor_that_needs_no_hands(monkeypatch):
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("KUBE_EDITOR", raising=False)
    with pytest.raises(CourseError, match="patch"):
        refuse_what_needs_a_terminal(["edit", "pod/web"])
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/1.25/1.26/")
    refuse_what_needs_a_terminal(["edit", "pod/web"])


@pytest.mark.parametrize("line", ["exec web -- test -t 0", "get pods -l tier=it", "exec -i web -- sh"])
def test_ordinary_commands_are_not_refused(line):
    refuse_what_needs_a_terminal(line.split())

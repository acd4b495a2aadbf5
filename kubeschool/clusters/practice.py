"""The embedded practice cluster: one detached process a learner, started here, joined by every kernel.

Its folder holds `kubeconfig` (written once the API answers), `pid` (while it runs; left behind by a crash), `log` and `state.db`
(all objects). The kernel and `course.py cluster` only ever use these files, so any of them can start, join and stop it.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import yaml

from kubeschool import paths
from kubeschool.errors import CourseError
from kubeschool.progress_line import Progress

NODES = 3
SPEED = 1.0
START_SECONDS = 60
STOP_SECONDS = 15
RACE_SECONDS = 2
IDLE_SECONDS = 8 * 3600


class Practice:
    """`practice`. `directory` is the cluster's own folder."""

    name = "practice"
    module = "kubeschool.practice"
    about = "containers are simulated"
    abilities = {
        "time-lapse": "start it with `course.py cluster up --speed 10` and every wait is ten times shorter",
        "node-port": "NodePorts open on 127.0.0.1, this machine's own address",
        "ingress": "an ingress controller is there from the start: cluster.ingress is its address on this machine",
        "components": 'cluster.component("kube-scheduler").stop() switches the scheduler off, .start() on again',
        "nodes": 'cluster.node("practice-worker").stop(), .partition() and .start()',
        "network-policy": "what a NetworkPolicy does not allow is dropped",
        "control-planes": "connect(control_planes=3) and `course.py cluster up --control-planes 3` give it that many",
        "scheduling": 'cluster.scheduling("pod/web") shows which node failed which filter, and every score',
        "history": "cluster.history() has a slider over everything that was written in the namespace",
        "trace": 'cluster.trace("pod/web") lists every API write of an object',
    }

    def __init__(self, directory: Path | None = None):
        self.directory = directory or paths.home() / "practice"
        self._started: subprocess.Popen | None = None

    @property
    def speed(self) -> float:
        return self.options()["speed"]

    def launch(self, nodes: int | None = None, speed: float | None = None, control_planes: int | None = None) -> None:
        """Start the process unless it runs. What is not given is as the last time. One that runs with another number of control planes
        than is asked for is started again; every object is kept, but the nodes that are gone."""
        if self.pid():
            if control_planes in (None, self.options()["control_planes"]):
                return
            print(f"the practice cluster is started again, with {control_planes} control plane{'' if control_planes == 1 else 's'}")
            self.stop()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = {"nodes": nodes, "speed": speed, "control_planes": control_planes}
        options = {**self.options(), **{name: value for name, value in asked.items() if value}}
        paths.write(self._options_file, json.dumps(options))
        words = [sys.executable, "-m", self.module, "--dir", str(self.directory), "--nodes", str(options["nodes"])]
        words += ["--speed", f"{options['speed']:g}", "--idle-timeout", str(IDLE_SECONDS)]
        if options["control_planes"] > 1:
            words += ["--control-planes", str(options["control_planes"])]
        if os.name == "nt":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        else:
            detached = {"start_new_session": True}
        with open(self.directory / "log", "ab") as log:
            self._started = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, env=_environment(), **detached
            )

    def kubeconfig(self) -> dict:
        deadline = time.monotonic() + START_SECONDS
        with Progress("the practice cluster starts") as progress:
            while not self._answers():
                self._fail_if_exited(progress.seconds)
                if time.monotonic() > deadline:
                    if self._started:
                        self._started.kill()
                    raise CourseError(f"the practice cluster did not answer within {START_SECONDS} s.\n{self._last_words()}")
                progress.tick()
                time.sleep(0.02)
        return yaml.safe_load(self.kubeconfig_file.read_text())

    def trouble(self) -> str | None:
        if self.pid():
            return None
        if self._started:
            try:
                status = self._started.wait(timeout=1)  # it may be dying at this moment
            except subprocess.TimeoutExpired:
                status = 0
            if status < 0:
                return f"the practice cluster stopped (killed by signal {-status})"
        if (self.directory / "pid").exists():
            return "the practice cluster stopped unexpectedly"
        return "the practice cluster was stopped"

    def revive(self) -> None:
        self.launch()
        self.kubeconfig()

    def pid(self) -> int | None:
        """The running process, None when there is none."""
        if self._started:
            self._started.poll()  # a dead child stays in the process table until it is asked for
        try:
            process = psutil.Process(int((self.directory / "pid").read_text()))
            running = process.status() != psutil.STATUS_ZOMBIE and self.module in process.cmdline()
            return process.pid if running else None
        except (OSError, ValueError, psutil.Error):
            return None

    def stop(self) -> bool:
        """End the process; every object is kept. False when it did not run."""
        pid = self.pid()
        if pid is None:
            return False
        process = psutil.Process(pid)
        process.terminate()
        if not _ended(process):
            process.kill()
            _ended(process)
        (self.directory / "pid").unlink(missing_ok=True)
        return True

    def delete(self) -> bool:
        """Stop it and remove its folder, objects and all. False when there was none."""
        self.stop()
        there = self.directory.exists()
        shutil.rmtree(self.directory, ignore_errors=True)
        return there

    def status(self) -> tuple[bool, str]:
        """Whether it runs, and a sentence."""
        pid = self.pid()
        if pid is None:
            return False, "not running; course.py cluster up starts it"
        options, memory = self.options(), psutil.Process(pid).memory_info().rss / 1e6
        return True, f"running: process {pid}, {options['nodes']} nodes, speed {options['speed']:g}, {memory:.0f} MB, {self.directory}"

    def options(self) -> dict:
        """{"nodes": int, "speed": float, "control_planes": int} it was last started with."""
        options = {"nodes": NODES, "speed": SPEED, "control_planes": 1}
        try:
            return options | json.loads(self._options_file.read_text())
        except (OSError, ValueError):
            return options

    @property
    def kubeconfig_file(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def _options_file(self) -> Path:
        return self.directory / "options.json"

    def _address(self) -> tuple[str, int] | None:
        """Where the API server listens; after a restart it is the same again, so clients made before go on working."""
        try:
            server = urlsplit(yaml.safe_load(self.kubeconfig_file.read_text())["clusters"][0]["cluster"]["server"])
            return server.hostname, server.port
        except (OSError, TypeError, KeyError, yaml.YAMLError):
            return None

    def _answers(self) -> bool:
        address = self._address() if self.pid() else None
        if address is None:
            return False
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return False
        return True

    def _fail_if_exited(self, seconds: float) -> None:
        """A second process for one folder exits at once; fine when the first, started a moment before, comes up."""
        if seconds > RACE_SECONDS and self._started and self._started.poll() is not None and not self.pid():
            raise CourseError(f"the practice cluster could not start (exit status {self._started.returncode}).\n{self._last_words()}")

    def _last_words(self) -> str:
        log = self.directory / "log"
        lines = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines)])


def _ended(process: psutil.Process) -> bool:
    """Whether it ends within STOP_SECONDS. What another kernel started is a zombie until that kernel asks for it."""
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def _environment() -> dict[str, str]:
    """The learner's environment without what points at clusters."""
    return {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "KUBESCHOOL_CLUSTER")}

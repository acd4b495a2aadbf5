"""A cluster on which situations are played: what each row of the table expects against what two watches (pods as a table, events) see."""

import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from kubernetes import client, config
from transcript import Difference

NAMESPACE = "situations"
LABEL = "situation"
IMAGES = ("busybox:1.36", "nginx:1.27")
"""Pulled beforehand, so that every row finds them on the node."""
START = ("Pending", "Pending/ContainerCreating")
"""What every pod may be before a row's first step."""
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
MASKS = [
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "<uid>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b(10|172)\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.|in \d\S+s$", "in <time>"),
]


@dataclass(frozen=True)
class Row:
    """A situation: see the head of situations.yaml for what each field holds."""

    name: str
    about: str
    steps: list[str]
    pod: dict | None = None
    objects: list[dict] = field(default_factory=list)
    exits: dict[str, list[str]] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    log: str = ""
    lacks: str = ""
    differs: dict = field(default_factory=dict)
    alone: bool = False
    undo: list[str] = field(default_factory=list)

    def on(self, cluster: str) -> "Row":
        """The row as it is expected there."""
        changes = {key: value for key, value in self.differs.items() if key != "because"} if cluster == "real" else {}
        return Row(**{**self.__dict__, **changes, "differs": {}})

    def made(self) -> list[dict]:
        """The objects to create, the pod last; containers get what the table leaves out."""
        if self.pod is None:
            return self.objects
        spec = {"containers": [{}], **self.pod}
        for kind in ("initContainers", "containers"):
            if kind in spec:
                spec[kind] = [{"name": _name(kind, n), "image": IMAGES[0], **c} for n, c in enumerate(spec[kind])]
        meta = {"name": self.name, "labels": {LABEL: self.name}}
        return [*self.objects, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}]


def _name(kind: str, number: int) -> str:
    return ("setup" if kind == "initContainers" else "app") + (str(number + 1) if number else "")


def read_rows(file: Path) -> dict[str, Row]:
    rows = {name: Row(name, **fields) for name, fields in yaml.safe_load(file.read_text()).items()}
    for row in rows.values():
        words = [*row.steps, *row.events, *row.status.values(), *row.undo]
        assert all(isinstance(word, str) for word in words), f"{row.name}: not all text: {words}"
    return rows


@dataclass(frozen=True)
class Seen:
    """One version of a pod: "PHASE/STATUS READY (RESTARTS)", the phase left out where STATUS is the same word."""

    words: str
    pod: dict


class Unexpected(Exception):
    """The cluster did something else than the row says."""


class Stage:
    """`name` is "practice" or "real"; what the real cluster says is compared after `differences`. `seconds`: the longest wait."""

    def __init__(self, name: str, kubeconfig: dict, folder: Path, kubectl: Path, differences: Iterable[Difference], seconds: float):
        self.name, self.folder, self.seconds, self.differences = name, folder, seconds, list(differences)
        for entry in kubeconfig["contexts"]:
            entry["context"]["namespace"] = NAMESPACE
        (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        self.api = config.new_client_from_config(str(folder / "kubeconfig"))
        self.core = client.CoreV1Api(self.api)
        self.environment = {
            **os.environ,
            "PATH": f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(folder / "kubeconfig"),
            "KUBECACHEDIR": str(folder / "cache"),
        }
        self._news = threading.Condition()
        self._seen: dict[str, list[Seen]] = defaultdict(list)
        self._events: dict[str, list[str]] = defaultdict(list)
        self._ends: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        """situation -> container -> container ID -> "REASON CODE"."""
        self._pods: dict[str, str] = {}
        self._proxy = None

    def __enter__(self) -> "Stage":
        node = self.bash("kubectl wait --for=condition=Ready node --all -o name >&2; kubectl get node -o name").partition("/")[2].strip()
        self.environment["NODE"] = node
        self.bash(f"kubectl delete namespace {NAMESPACE} --ignore-not-found; kubectl create namespace {NAMESPACE}")
        self.bash("kubectl wait --for=create serviceaccount/default")
        self._proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, env=self.environment, text=True)
        self._host = "http://" + self._proxy.stdout.readline().split()[-1]
        for resource, take in (("pods", self._take_pod), ("events", self._take_event)):
            threading.Thread(target=self._watch, args=(resource, take), daemon=True).start()
        for number, image in enumerate(IMAGES):
            self.bash(f"kubectl run pulls-{number} --image={image} --restart=Never -- true")
        self.bash("kubectl wait --for=jsonpath={.status.phase}=Succeeded pod --all --timeout=60s && kubectl delete pod --all")
        return self

    def __exit__(self, *failure) -> None:
        self._proxy.kill()
        self._proxy.wait()
        self.bash(f"kubectl delete pod --all --force --grace-period=0 --wait=false; kubectl delete namespace {NAMESPACE} --wait=false")

    def bash(self, command: str) -> str:
        words, where = ["bash", "-c", command], {"env": self.environment, "cwd": self.folder}
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=self.seconds, **where)
        except subprocess.TimeoutExpired:
            raise Unexpected(f"{command}\nnot done within {self.seconds:g} s") from None
        if done.returncode:
            raise Unexpected(f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    # -- what is seen --------------------------------------------------------------------------------------

    def _watch(self, resource: str, take: Callable[[dict], None]) -> None:
        url = f"{self._host}/api/v1/namespaces/{NAMESPACE}/{resource}?watch=true&includeObject=Object"
        headers = {"Accept": TABLE if resource == "pods" else "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as lines:
                for line in lines:
                    take(json.loads(line))
        except OSError:
            pass  # the proxy ended with the lane

    def _take_pod(self, event: dict) -> None:
        for row in event["object"]["rows"]:
            pod, (name, ready, status, restarts, *_) = row["object"], row["cells"]
            situation = pod["metadata"].get("labels", {}).get(LABEL)
            if situation is None or self._pods.setdefault(situation, name) != name:
                continue  # a companion, or another pod of a Job: the first one is followed
            phase = pod["status"]["phase"]
            words = f"{status if status == phase else f'{phase}/{status}'} {ready} ({str(restarts).split()[0]})"
            seen = Seen("gone" if event["type"] == "DELETED" else words, pod)
            with self._news:
                versions = self._seen[situation]
                if versions and versions[-1].words == seen.words:
                    versions.pop()
                versions.append(seen)
                for container, container_id, end in _ends(pod["status"]):
                    self._ends[situation][container][container_id] = end
                self._news.notify_all()

    def _take_event(self, event: dict) -> None:
        said = event["object"]
        if event["type"] == "ADDED":
            with self._news:
                self._events[said["involvedObject"]["name"]].append(masked(f"{said['type']} {said['reason']} {said['message']}"))
                self._news.notify_all()

    # -- a row ---------------------------------------------------------------------------------------------

    def play(self, row: Row) -> None:
        """Raises Unexpected, with everything that was seen."""
        row = row.on(self.name)
        try:
            for thing in row.made():
                self._create(row, thing)
            since = self._follow(row)
            self._until(lambda: not self._wrong(row, since), lambda: self._wrong(row, since))
            if row.log:
                self._compare_log(row)
        except Unexpected as problem:
            raise Unexpected(f"{row.name}: {problem}\n\nseen:\n{self._told(row.name)}") from None
        finally:
            for command in row.undo:
                self.bash(command)
            if row.name in self._pods:
                self.bash(f"kubectl delete pod {self._pods[row.name]} --force --grace-period=0 --ignore-not-found --wait=false")

    def _create(self, row: Row, thing: dict) -> None:
        if thing["kind"] == "Pod" and thing["metadata"]["name"] == row.name:
            try:
                if thing["spec"].get("nodeName") == "$NODE":
                    thing["spec"]["nodeName"] = self.environment["NODE"]
                self.core.create_namespaced_pod(NAMESPACE, thing)
            except (client.ApiException, ValueError) as refused:
                raise Unexpected(getattr(refused, "body", refused)) from None
            return
        file = self.folder / f"{row.name}-{thing['kind']}-{thing['metadata']['name']}.json"
        file.write_text(json.dumps(thing))
        self.bash(f"kubectl create -f {file.name}")
        if thing["kind"] == "Pod":
            self.bash(f"kubectl wait pod/{thing['metadata']['name']} --for=condition=Ready --timeout={self.seconds:g}s")

    def _follow(self, row: Row) -> int:
        """Step by step, from what the pod was at first; gives which of the versions seen was the last step's."""

        def may_be_missed(at: int) -> bool:
            """A true kubelet writes only the latest of what came quickly: there what must be seen is the last step, and the last before a
            command."""
            passing = self.name == "real" and at + 1 < len(row.steps) and not row.steps[at + 1].startswith("$ ")
            return passing or row.steps[at].startswith("maybe ")

        allowed, at, taken = START, 0, 0
        while True:
            while at < len(row.steps) and row.steps[at].startswith("$ "):
                self.bash(row.steps[at].removeprefix("$ "))
                at += 1
            if at == len(row.steps):
                return max(0, taken - 1)
            self._until(lambda taken=taken: len(self._seen[row.name]) > taken, lambda at=at: f"never was {row.steps[at]}")
            words, taken = self._seen[row.name][taken].words, taken + 1
            ahead = at
            while ahead + 1 < len(row.steps) and not _is(row.steps[ahead], words) and may_be_missed(ahead):
                ahead += 1
            if _is(row.steps[ahead], words):
                at, allowed = ahead + 1, (row.steps[ahead],)
            elif not any(_is(step, words) for step in allowed):
                raise Unexpected(f"expected {row.steps[ahead]}, was {words}")

    def _wrong(self, row: Row, since: int) -> str:
        """What has not come true yet, in the versions of the pod from the last step's on."""
        problems = []
        for container, wanted in row.exits.items():
            ends = list(self._ends[row.name][container].values())
            missed = len(wanted) if self.name == "real" else 1  # a true kubelet may tell of the latest alone
            if not any(ends[: len(wanted) - first] == wanted[first:] for first in range(missed)):
                problems.append(f"ends of {container}: {ends}, not {wanted}")
        states = [self._different(row, seen.pod["status"]) for seen in self._seen[row.name][since:]] or [["no such pod"]]
        problems += min(states, key=len)
        events = [event for name in {self._pods.get(row.name), row.name} for event in self._events[name]]
        order = iter(events) if self.name == "practice" else events
        problems += [f"no event {wanted}" for wanted in row.events if not any(self._same(wanted, said) for said in order)][:1]
        return "\n".join(problems)

    def _different(self, row: Row, status: dict) -> list[str]:
        said = {path: masked(str(_at(status, path))) for path in row.status}
        wrong = [path for path, wanted in row.status.items() if not self._same(wanted, said[path])]
        return [f"status.{path}: {said[path]}\n   not {row.status[path]}" for path in wrong]

    def _compare_log(self, row: Row) -> None:
        end = time.monotonic() + self.seconds
        while not self._same(row.log, log := self.bash(f"kubectl logs {self._pods[row.name]} -c app")):
            if time.monotonic() > end:
                raise Unexpected(f"log: {log}")
            time.sleep(1)

    def _same(self, wanted: str, said: str) -> bool:
        """… in `wanted` stands for anything. What the real cluster says may also be as written, or differ as differences.yaml tells."""
        if _matches(wanted, said):
            return True
        if self.name == "real":
            for difference in self.differences:
                wanted, said = difference.reduced("practice", "", wanted), difference.reduced("real", "", said)
        return _matches(wanted, said)

    def _until(self, true: Callable[[], bool], why: Callable[[], str]) -> None:
        end = time.monotonic() + self.seconds
        with self._news:
            while not true():
                if not self._news.wait(max(0, min(1, end - time.monotonic()))) and time.monotonic() > end:
                    raise Unexpected(f"not within {self.seconds:g} s: {why()}")

    def _told(self, name: str) -> str:
        steps = [seen.words for seen in self._seen[name]]
        events = [event for who in {name, self._pods.get(name)} for event in self._events[who]]
        status = self._seen[name][-1].pod["status"] if self._seen[name] else {}
        return "\n".join([*steps, *events, json.dumps(self._ends[name]), json.dumps(status)])


def _matches(wanted: str, said: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, wanted.strip().split("…"))), said.strip(), re.DOTALL) is not None


def _is(step: str, words: str) -> bool:
    """Whether a pod shows what the step says; READY and RESTARTS count where the step names them."""
    seen, *rest = words.split()
    choices = [choice.split() for choice in step.removeprefix("maybe ").split(" or ")]
    return any(status == seen and all(detail in rest for detail in details) for status, *details in choices)


def _ends(status: dict) -> Iterator[tuple[str, str, str]]:
    """(container, container ID, "REASON CODE") of the ends that a status tells of, older ones first."""
    for kind in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(kind) or ():
            for state in (container.get("lastState", {}), container["state"]):
                if end := state.get("terminated"):
                    yield container["name"], end.get("containerID", ""), f"{end.get('reason')} {end['exitCode']}"


def _at(value, path: str):
    """The value at a dotted path; entries of lists go by name or type."""
    for key in path.split("."):
        if isinstance(value, list):
            value = next((entry for entry in value if key in (entry.get("name"), entry.get("type"))), None)
        else:
            value = (value or {}).get(key)
    return value


def masked(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text.strip()

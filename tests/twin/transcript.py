"""A script of kubectl commands, run on a cluster; its transcript, without what differs from run to run, compared with another's.

A script is a text file: a line that starts with `$ ` is a command for bash (continued as there: by a backslash, in a here-document); the
rest is for the reader. What a command that starts with `~ ` prints comes in no certain order and is compared as a set of lines, as are the
events at the end of `kubectl describe`. A script runs in a namespace of its own, named after the file. $NODE is the cluster's only node.
What functions.sh defines awaits a condition, and so does kubectl with --timeout=$WAIT: the script fails when it does not come.
"""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import yaml

WAIT = "240s"
"""How long a condition is awaited on a busy machine."""
SECONDS = 300
"""The longest a command may take."""
FUNCTIONS = Path(__file__).parent / "functions.sh"
IMAGES = ("nginx:1.26", "nginx:1.27", "busybox:1.36")
"""Pulled beforehand, so that every script finds them on the node."""
MASKS = [
    (r"^[EIW]\d{4} \d\d:\d\d:.*\n", ""),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} UTC", "<time>"),
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "<uid>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b(10|172)\.\d+\.\d+\.\d+\b", "<ip>"),
    (r"(127\.0\.0\.1|\[::1\]):\d+", r"\1:<port>"),
    (r"(nodePort: )\d+|\b3[0-2]\d{3}(?=/(TCP|UDP))", r"\1<node port>"),
    (r'(resourceVersion"?: ?)"\d+"', r"\1<version>"),
    (r"[\w-]+-control-plane", "<node>"),
    (r"\b\d+\.\d+(m?s)\b", "<age>"),
    (r"(?<![\w.=:\"-])(\d+(d|h|ms|m|s))+(?![\w\"])( \(x\d+ over <?\w+>?\))?", "<age>"),
    (r"\(x\d+ over <age>\)", ""),
    (r"<unknown>(?= )|<invalid>(?= )", "<age>"),
    (r"-[bcdf0-9]{6,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b", "-<hash>"),
    (r"=[bcdf0-9]{8,10}\b", "=<hash>"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-<name>"),
    (r"[ \t]+", " "),
    (r"-{3,}( -+)*", "---"),
    (r"^ | $", ""),
]


@dataclass(frozen=True)
class Difference:
    """What one version says otherwise. Patterns match masked text; both must find the same groups. Without `real`, what matches `practice`
    is left out of the comparison, and the other way round. `command` narrows it to the commands in which it is found."""

    reason: str
    practice: str = ""
    real: str = ""
    command: str = ""

    def pattern(self, cluster: str) -> str:
        return {"practice": self.practice, "real": self.real}[cluster]

    def reduced(self, cluster: str, command: str, output: str) -> str:
        pattern = self.pattern(cluster)
        if not pattern or not re.search(self.command, command):
            return output
        same = f" <{self.reason}> " if self.practice and self.real else ""
        return re.sub(pattern, lambda match: same + " ".join(group or "" for group in match.groups()), output, flags=re.MULTILINE)


def read_differences(file: Path) -> list[Difference]:
    return [Difference(**entry) for entry in yaml.safe_load(file.read_text())]


@dataclass(frozen=True)
class Command:
    text: str
    ordered: bool
    """Whether its lines are compared in their order."""


Transcript = list[tuple[Command, str]]
"""Each command with what it said: stdout and stderr as they came, and its status unless 0."""


def commands(script: str) -> list[Command]:
    found: list[Command] = []
    lines = iter(script.splitlines())
    for line in lines:
        if not line.startswith(("$ ", "~ ")):
            continue
        command = [line[2:]]
        end = re.search(r"<<-?'?(\w+)'?", line)
        while (end and command[-1] != end[1]) or (not end and command[-1].endswith("\\")):
            command.append(next(lines))
        found.append(Command("\n".join(command), ordered=line[0] == "$"))
    return found


def first(script: str) -> bool:
    """Whether the script belongs to those that run before all others: it takes the node away, or does not need it."""
    return script.startswith("First: ")


def masked(text: str) -> str:
    """Without ages, addresses, hashes, generated names, times, node names, the width of columns and indentation."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip()


class Cluster:
    """`name` is "practice" or "real"."""

    def __init__(self, name: str, kubeconfig: dict, folder: Path, kubectl: Path):
        self.name, self.config, self.folder, self.kubectl = name, kubeconfig, folder, kubectl
        folder.mkdir()
        self.node = ""
        environment = self._environment("default")
        self.node = self._bash("kubectl wait --for=condition=Ready node --all -o name", environment).strip().partition("/")[2]
        for number, image in enumerate(IMAGES):
            self._bash(f"kubectl run pulls-{number} --image={image} --restart=Never -- true", environment)
        self._bash("kubectl wait --for=jsonpath={.status.phase}=Succeeded pod --all --timeout=$WAIT; kubectl delete pod --all", environment)

    def run(self, section: str, script: str) -> Transcript:
        """Raises TimeoutError when what the script awaits does not come."""
        environment = self._environment(section)
        self._bash(f"kubectl delete namespace {section} --ignore-not-found; kubectl create namespace {section}", environment)
        self._bash("until kubectl run may-run --image=any --dry-run=server; do :; done", environment)
        try:
            return [(command, self._said(command, environment)) for command in commands(script)]
        finally:
            self._bash(f"kubectl delete namespace {section} --wait=false", environment)

    def _said(self, command: Command, environment: dict[str, str]) -> str:
        said = self._bash(command.text, environment)
        if "[exit 124]" in said or ("$WAIT" in command.text and "timed out" in said):
            raise TimeoutError(f"what this awaits did not come on the {self.name} cluster:\n$ {command.text}\n{said}")
        return said

    def _environment(self, namespace: str) -> dict[str, str]:
        folder = self.folder / namespace
        folder.mkdir(exist_ok=True)
        contexts = [{**entry, "context": {**entry["context"], "namespace": namespace}} for entry in self.config["contexts"]]
        (folder / "kubeconfig").write_text(yaml.safe_dump({**self.config, "contexts": contexts}))
        return {
            **os.environ,
            "PATH": f"{self.kubectl.parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(folder / "kubeconfig"),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "NODE": self.node,
            "WAIT": WAIT,
            "BASH_ENV": str(FUNCTIONS),
            "PWD": str(folder),
            "LC_ALL": "C",
            "GOGC": "400",  # kubectl takes half the CPU when it collects less garbage
        }

    def _bash(self, command: str, environment: dict[str, str]) -> str:
        with tempfile.TemporaryFile() as output:
            words = ["timeout", "--kill-after=5", str(SECONDS), "bash", "-c", command]
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=environment["PWD"], env=environment)
            output.seek(0)
            said = output.read().decode(errors="replace")
        return said + (f"\n[exit {done.returncode}]" if done.returncode else "")


def compared(practice: Transcript, real: Transcript, differences: list[Difference]) -> str:
    """The transcripts as a diff of the commands that do not agree; empty when all do."""
    found = []
    for (command, practice_said), (_, real_said) in zip(practice, real, strict=True):
        sides = {"practice": masked(practice_said), "real": masked(real_said)}
        for difference in differences:
            sides = {cluster: difference.reduced(cluster, command.text, said).strip() for cluster, said in sides.items()}
        lines = {cluster: _lines(command, said) for cluster, said in sides.items()}
        if lines["practice"] != lines["real"]:
            diff = unified_diff(lines["real"], lines["practice"], "real", "practice", lineterm="", n=2)
            found.append("\n".join([f"$ {command.text}", *diff]))
    return "\n\n".join(found)


def used(difference: Difference, transcripts: dict[str, Transcript]) -> bool:
    """Whether what it describes was seen at all."""
    patterns = {cluster: pattern for cluster in transcripts if (pattern := difference.pattern(cluster))}
    return any(
        re.search(difference.command, command.text) and re.search(pattern, masked(said), re.MULTILINE)
        for cluster, pattern in patterns.items()
        for command, said in transcripts[cluster]
    )


def _lines(command: Command, text: str) -> list[str]:
    if command.ordered:
        text = re.sub(r"(?ms)(?<=^Events:\n).*?(?=^Name:|\Z)", lambda events: "\n".join(_as_set(events[0].splitlines())) + "\n", text)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines if command.ordered else _as_set(lines)


def _as_set(lines: list[str]) -> list[str]:
    return sorted(set(lines))

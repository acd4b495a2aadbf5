"""Which pod is on which node, and how much of each node its pods have asked for (`kubectl describe node`: Allocated resources)."""
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape

from kubeschool.inspectors.controls import Filter
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.states import state
from kubeschool.inspectors.subject import Pods
from kubeschool.inspectors.view import MARKS, Line, Picture, View, inspector, themed
from kubeschool.practice.apiserver.quantity import parse as quantity

ROLE = "node-role.kubernetes.io/"
BAR = 20


@dataclass
class Node:
    """`requested` and `allocatable` by resource: cpu in cores, memory in bytes, pods; `pods` are shown: (namespace/name, word, mark)."""

    name: str
    words: list[str] = field(default_factory=list)
    mark: str = "good"
    requested: dict[str, Decimal] = field(default_factory=lambda: {"cpu": Decimal(0), "memory": Decimal(0), "pods": Decimal(0)})
    allocatable: dict[str, Decimal] = field(default_factory=dict)
    pods: list[tuple[str, str, str]] = field(default_factory=list)


@inspector
def map(cluster, target=None) -> View:
    """Every pod of the cluster, or those that `target` means; what nodes have left counts all of them."""
    everything = feed(cluster.api, cluster.api.resource("pods"), "")
    nodes = feed(cluster.api, cluster.api.resource("nodes"), "")
    meant = Pods(cluster, target) if target is not None else None
    words = Filter()

    def model() -> list[Line | Picture]:
        uids = meant and {pod["metadata"]["uid"] for pod in meant.objects}

        def wanted(pod: dict) -> bool:
            return (uids is None or pod["metadata"]["uid"] in uids) and words.keeps(_name(pod))

        found = snapshot(nodes.objects.values(), everything.objects.values(), wanted)
        missing = [meant.missing] if meant and not uids else []
        return [*missing, Picture([line for node in found for line in _lines(node)], _live(found))]

    feeds = [everything, nodes, *(meant.feeds if meant else ())]
    return View(f"map of {target or 'the cluster'}", feeds, model, [words])


def snapshot(nodes, pods, wanted=lambda pod: True) -> list[Node]:
    """Nodes by name, and last, named "", where pods are that have none."""
    found = {node["metadata"]["name"]: _node(node) for node in nodes}
    nowhere = Node("", ["pods without a node"], "waiting")
    for pod in pods:
        if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            continue
        node = found.get(pod["spec"].get("nodeName"), nowhere)
        node.requested["pods"] += 1
        for resource, amount in requests(pod["spec"]).items():
            node.requested[resource] += amount
        if wanted(pod):
            node.pods.append((_name(pod), *state(pod)))
    for node in (*found.values(), nowhere):
        node.pods.sort()
    return [node for _, node in sorted(found.items())] + ([nowhere] if nowhere.pods else [])


def requests(spec: dict) -> dict[str, Decimal]:
    """What the scheduler counts: the sum of the containers and sidecars, or the largest init container where that is more, and the
    overhead (k8s.io/component-helpers/resource/helpers.go PodRequests)."""
    total = {}
    for resource in ("cpu", "memory"):

        def of(container: dict, resource: str = resource) -> Decimal:
            return quantity(container.get("resources", {}).get("requests", {}).get(resource, 0))

        sidecars, largest = Decimal(0), Decimal(0)
        for container in spec.get("initContainers", ()):
            if container.get("restartPolicy") == "Always":
                sidecars += of(container)
                largest = max(largest, sidecars)
            else:
                largest = max(largest, sidecars + of(container))
        running = sidecars + sum(of(c) for c in spec["containers"])
        total[resource] = max(running, largest) + quantity(spec.get("overhead", {}).get(resource, 0))
    return total


def _name(pod: dict) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _node(node: dict) -> Node:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))
    cordoned = node["spec"].get("unschedulable", False)
    words = ["Ready" if ready else "NotReady", *(["SchedulingDisabled"] if cordoned else [])]
    words += sorted(label.removeprefix(ROLE) for label in node["metadata"].get("labels", {}) if label.startswith(ROLE))
    allocatable = node.get("status", {}).get("allocatable", {})
    made = Node(node["metadata"]["name"], words, "bad" if not ready else "waiting" if cordoned else "good")
    made.allocatable = {resource: quantity(allocatable.get(resource, 0)) for resource in made.requested}
    return made


def _lines(node: Node) -> list[Line]:
    lines = [Line(node.name or "no node", ", ".join(node.words), node.mark)]
    for resource, there in node.allocatable.items():
        share = _share(node, resource)
        full = min(BAR, round(share * BAR))
        said = f"{_said(node, resource)} ({share:.0%})" if there else ""
        lines.append(Line(f"{resource:7}{'▰' * full}{'▱' * (BAR - full)}", said, prefix="  "))
    return lines + [Line(name, word, mark, "  ") for name, word, mark in node.pods]


def _share(node: Node, resource: str) -> float:
    return float(node.requested[resource] / there) if (there := node.allocatable[resource]) else 0.0


def _said(node: Node, resource: str) -> str:
    asked, there = node.requested[resource], node.allocatable[resource]
    if resource == "memory":
        return f"{asked / 2**20:.0f} of {there / 2**20:.0f} Mi requested"
    return f"{asked.normalize():f} of {there.normalize():f} {'cores requested' if resource == 'cpu' else 'run'}"


def _live(nodes: list[Node]) -> str:
    cards = "".join(_card(node) for node in nodes)
    return f"<div style='display:grid;grid-template-columns:repeat(auto-fill,minmax(19em,1fr));gap:10px;padding:2px'>{cards}</div>"


def _card(node: Node) -> str:
    border = "1px solid var(--jp-border-color1,#bdbdbd)" if node.name else f"2px dashed {themed('waiting')}"
    style = f"border:{border};border-radius:6px;padding:8px 10px;line-height:1.4;color:var(--jp-ui-font-color1,inherit)"
    title = f"<span style='color:{themed(node.mark)}' aria-hidden='true'>{MARKS[node.mark]}</span> <b>{escape(node.name or 'no node')}</b>"
    words = f"<div style='color:var(--jp-ui-font-color2,#666);font-size:90%'>{escape(' · '.join(node.words))}</div>"
    bars = "".join(_bar(node, resource) for resource in node.allocatable)
    # one child for a pod and nothing around it: a thousand of them must be cheap
    pods = "".join(
        f"<li class='ks-{mark}' title='{name}: {escape(word)}'>{MARKS[mark]}<span>{name.partition('/')[2]}</span></li>"
        for name, word, mark in node.pods
    )
    few = "ks-few" if len(node.pods) <= 12 else "ks-many"
    listed = f"<ul class='ks-pods {few}' aria-label='{len(node.pods)} pods on {escape(node.name or 'no node')}'>{pods}</ul>"
    return f"<section style='{style}' aria-label='node {escape(node.name)}'>{STYLE}{title}{words}{bars}{listed}</section>"


STYLE = (
    "<style>.ks-pods{list-style:none;margin:6px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:1px 5px}"
    ".ks-pods li{margin:0;padding:0;cursor:default}.ks-few li{width:100%}"
    + "".join(f".ks-pods .ks-{state}{{color:{themed(state)}}}" for state in MARKS)
    +     ".ks-few span{color:var(--jp-ui-font-color1,inherit);margin-left:6px;overflow-wrap:anywhere}"
    ".ks-many span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}</style>"
)


def _bar(node: Node, resource: str) -> str:
    share = _share(node, resource)
    colour = themed("bad" if share > 0.95 else "waiting" if share > 0.75 else "good")
    fill = f"width:{min(1.0, share):.1%};height:100%;background:{colour}"
    track = "height:7px;border-radius:4px;overflow:hidden;background:var(--jp-layout-color2,#e0e0e0)"
    label = f"{resource} <span style='float:right;color:var(--jp-ui-font-color2,#666)'>{_said(node, resource)}</span>"
    return f"<div style='margin-top:6px;font-size:90%'>{label}<div style='{track}'><div style='{fill}'></div></div></div>"

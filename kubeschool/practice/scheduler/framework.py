"""What filters and scores are given and what they answer (`pkg/scheduler/framework`)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from ..informer import Informers
from .cache import Cache, NodeInfo, PodInfo

NO_NODES = "no nodes available to schedule pods"
HOSTNAME = "kubernetes.io/hostname"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a pod cannot run on a node. `resolvable` is False when removing pods from the node would not help."""

    reasons: tuple[str, ...]
    resolvable: bool = True
    plugin: str = ""


class PreFilterRejected(Exception):
    """Why a pod cannot run on any node."""

    def __init__(self, plugin: str, message: str):
        super().__init__(message)
        self.plugin, self.message = plugin, message


@dataclass
class Cycle:
    """One attempt to schedule one pod. Plugins keep what they compute once per attempt in `state`."""

    pod: PodInfo
    cache: Cache
    informers: Informers
    state: dict[str, object] = field(default_factory=dict)

    @property
    def spec(self) -> dict:
        return self.pod.pod["spec"]

    @cached_property
    def nodes(self) -> dict[str, NodeInfo]:
        return self.cache.nodes

    def once(self, name: str, compute: Callable[["Cycle"], object]):
        if name not in self.state:
            self.state[name] = compute(self)
        return self.state[name]

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        found = self.informers["namespaces"].get("", namespace)
        return (found or {"metadata": {}})["metadata"].get("labels") or {}


Filter = Callable[[Cycle, NodeInfo], Rejected | None]
Score = Callable[[Cycle, list[NodeInfo]], list[int] | None]
"""Scores of the nodes in their order, 0 to 100; None when the plugin has no opinion (Skip)."""


def fit_error(nodes: int, rejections: dict[str, Rejected], pre_filter: str = "", post_filter: str = "") -> str:
    """The FailedScheduling sentence (`framework/types.go` FitError.Error)."""
    message = f"0/{nodes} nodes are available:"
    if pre_filter:
        message += f" {pre_filter}."
    else:
        counts = Counter(reason for rejected in rejections.values() for reason in rejected.reasons)
        if counts:
            message += f" {', '.join(sorted(f'{n} {reason}' for reason, n in counts.items()))}."
    return f"{message} {post_filter}" if post_filter else message


def normalize(scores: list[int], reverse: bool = False) -> list[int]:
    """To 0…100 by the greatest (`plugins/helper/normalize_score.go`)."""
    top = max(scores, default=0)
    if top == 0:
        return [100] * len(scores) if reverse else scores
    scaled = [100 * s // top for s in scores]
    return [100 - s for s in scaled] if reverse else scaled

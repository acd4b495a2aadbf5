"""Scores: which of the nodes that fit is best. One function each, named as the plugin (`pkg/scheduler/framework/plugins/<name>`).

Each gives every node 0 to 100, in order, or None when it has no opinion. SCORES holds their weights
(`pkg/scheduler/apis/config/v1/default_plugins.go`).
"""

from ..component_helpers import node_selector_term_matches, tolerates
from .cache import NodeInfo
from .framework import Cycle, Score, normalize
from .inter_pod_affinity import inter_pod_affinity_score
from .pod_topology_spread import pod_topology_spread_score

MB = 1024 * 1024
IMAGE_MIN, IMAGE_MAX = 23 * MB, 1000 * MB


def taint_toleration(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """Fewer PreferNoSchedule taints the pod does not tolerate."""
    tolerations = [t for t in cycle.spec.get("tolerations") or () if t.get("effect", "PreferNoSchedule") in ("", "PreferNoSchedule")]
    return normalize(
        [sum(t["effect"] == "PreferNoSchedule" and not any(tolerates(o, t) for o in tolerations) for t in n.taints) for n in nodes],
        reverse=True,
    )


def node_affinity(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """Preferred node affinity."""
    affinity = (cycle.spec.get("affinity") or {}).get("nodeAffinity") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")
    if not preferred:
        return None
    return normalize([sum(p["weight"] for p in preferred if node_selector_term_matches(p["preference"], n.node)) for n in nodes])


def least_allocated(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """NodeResourcesFit, strategy LeastAllocated: more of cpu and memory left (`least_allocated.go`)."""
    return [
        _average([_left(n.nonzero[r] + cycle.pod.nonzero[r], n.allocatable[r]) for r in ("cpu", "memory") if n.allocatable.get(r)])
        for n in nodes
    ]


def balanced_allocation(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """NodeResourcesBalancedAllocation: cpu and memory used evenly (`balanced_allocation.go`)."""
    if not cycle.pod.requests:
        return None

    def score(node: NodeInfo) -> int:
        parts = [
            min((node.requested.get(r, 0) + cycle.pod.requests.get(r, 0)) / node.allocatable[r], 1.0)
            for r in ("cpu", "memory")
            if node.allocatable.get(r)
        ]
        deviation = abs(parts[0] - parts[1]) / 2 if len(parts) == 2 else 0.0
        return int((1 - deviation) * 100)

    return [score(n) for n in nodes]


def image_locality(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """The pod's images are there already; an image on few nodes counts less, so that nodes do not heat up."""
    containers = [*cycle.spec["containers"], *(cycle.spec.get("initContainers") or ())]
    names = [_normalized(c["image"]) for c in containers]
    total = len(cycle.nodes)
    spread = {name: sum(name in n.images for n in cycle.nodes.values()) / total for name in set(names)}
    limit = IMAGE_MAX * len(containers)

    def score(node: NodeInfo) -> int:
        size = sum(int(node.images[name] * spread[name]) for name in names if name in node.images)
        return 100 * (min(max(size, IMAGE_MIN), limit) - IMAGE_MIN) // (limit - IMAGE_MIN)

    return [score(n) for n in nodes]


SCORES: dict[str, tuple[Score, int]] = {
    "TaintToleration": (taint_toleration, 3),
    "NodeAffinity": (node_affinity, 2),
    "NodeResourcesFit": (least_allocated, 1),
    "PodTopologySpread": (pod_topology_spread_score, 2),
    "InterPodAffinity": (inter_pod_affinity_score, 2),
    "NodeResourcesBalancedAllocation": (balanced_allocation, 1),
    "ImageLocality": (image_locality, 1),
}


def _left(used: int, has: int) -> int:
    return 0 if used > has else (has - used) * 100 // has


def _average(scores: list[int]) -> int:
    return sum(scores) // len(scores) if scores else 0


def _normalized(image: str) -> str:
    """With tag and registry, as nodes list it: nginx is docker.io/library/nginx:latest."""
    name = image if ":" in image.rsplit("/", 1)[-1] or "@" in image else f"{image}:latest"
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"

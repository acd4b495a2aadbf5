"""InterPodAffinity: near or far from other pods (`pkg/scheduler/framework/plugins/interpodaffinity`)."""

from collections import Counter

from ..apiserver import selectors
from .cache import NodeInfo, PodInfo
from .framework import Cycle, Rejected

HARD_POD_AFFINITY_WEIGHT = 1

_Pair = tuple[str, str]
"""(topology key, value)"""


class Term:
    """A pod affinity term of `owner`, ready to be matched. matchLabelKeys were merged into its selector when the pod was created."""

    def __init__(self, cycle: Cycle, owner: PodInfo, term: dict):
        self.key = term["topologyKey"]
        self.requirements = selectors.from_label_selector(term.get("labelSelector"))
        self.namespaces = _namespaces(cycle, owner, term)

    def matches(self, pod: PodInfo) -> bool:
        return (self.namespaces is None or pod.namespace in self.namespaces) and selectors.matches(self.requirements, pod.labels)

    def count(self, cycle: Cycle) -> Counter[str]:
        """Matching pods by the topology's value."""
        matching = cycle.cache.matching(self.namespaces, self.requirements)
        found: Counter[str] = Counter()
        for name, n in matching.items():
            node = cycle.nodes.get(name)
            if n and node and self.key in node.labels:
                found[node.labels[self.key]] += n
        return found


def inter_pod_affinity(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    state: _State = cycle.once("InterPodAffinity", _State)
    if not state.allows_affinity(node):
        return Rejected(("node(s) didn't match pod affinity rules",), resolvable=False)
    if any(found.get(node.labels.get(term.key, ""), 0) > 0 for term, found in state.anti_affinity):
        return Rejected(("node(s) didn't match pod anti-affinity rules",))
    if any(state.existing_anti_affinity.get(pair, 0) > 0 for pair in node.labels.items()):
        return Rejected(("node(s) didn't satisfy existing pods anti-affinity rules",))
    return None


class _State:
    """What the pod's own terms and the running pods' anti-affinity terms add up to."""

    def __init__(self, cycle: Cycle):
        pod = cycle.pod
        self.affinity = [(t, t.count(cycle)) for t in (Term(cycle, pod, x) for x in pod.affinity_terms("podAffinity"))]
        self.anti_affinity = [(t, t.count(cycle)) for t in (Term(cycle, pod, x) for x in pod.anti_affinity)]
        self.existing_anti_affinity: Counter[_Pair] = Counter()
        for node in cycle.nodes.values():
            for other in node.with_anti_affinity.values():
                for term in (Term(cycle, other, x) for x in other.anti_affinity):
                    if term.key in node.labels and term.matches(pod):
                        self.existing_anti_affinity[term.key, node.labels[term.key]] += 1
        nobody = not any(n for _, found in self.affinity for n in found.values())
        self.first_of_its_kind = nobody and all(term.matches(pod) for term, _ in self.affinity)

    def allows_affinity(self, node: NodeInfo) -> bool:
        if any(term.key not in node.labels for term, _ in self.affinity):
            return False
        return self.first_of_its_kind or all(found.get(node.labels[term.key], 0) > 0 for term, found in self.affinity)


def inter_pod_affinity_score(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    """Preferred terms of the pod, and those of the pods already there that the pod meets (`scoring.go`)."""
    pod = cycle.pod
    weights: Counter[_Pair] = Counter()
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for preferred in pod.preferred_terms(kind):
            term = Term(cycle, pod, preferred["podAffinityTerm"])
            for value, n in term.count(cycle).items():
                weights[term.key, value] += sign * preferred["weight"] * n
    for node in cycle.nodes.values():
        for other in node.with_affinity.values():
            terms = [(t, HARD_POD_AFFINITY_WEIGHT) for t in other.affinity_terms("podAffinity")]
            terms += [(p["podAffinityTerm"], p["weight"]) for p in other.preferred_terms("podAffinity")]
            terms += [(p["podAffinityTerm"], -p["weight"]) for p in other.preferred_terms("podAntiAffinity")]
            for raw, weight in terms:
                if raw["topologyKey"] in node.labels and Term(cycle, other, raw).matches(pod):
                    weights[raw["topologyKey"], node.labels[raw["topologyKey"]]] += weight
    if not weights:
        return None
    scores = [sum(weights.get(pair, 0) for pair in node.labels.items()) for node in nodes]
    low, high = min(scores), max(scores)
    return [int(100 * (s - low) / (high - low)) if high > low else 0 for s in scores]


def _namespaces(cycle: Cycle, owner: PodInfo, term: dict) -> frozenset[str] | None:
    """Where the term looks: None is everywhere, default the owner's own namespace."""
    selector = term.get("namespaceSelector")
    named = term.get("namespaces") or ()
    if selector is None:
        return frozenset(named or {owner.namespace})
    requirements = selectors.from_label_selector(selector)
    if not requirements:
        return None
    chosen = [
        n["metadata"]["name"] for n in cycle.informers["namespaces"].list() if selectors.matches(requirements, n["metadata"].get("labels"))
    ]
    return frozenset({*named, *chosen})

"""PodTopologySpread: keep matching pods even across zones or nodes (`pkg/scheduler/framework/plugins/podtopologyspread`)."""

import math
from collections import Counter
from dataclasses import dataclass

from ..apiserver import selectors
from ..component_helpers import matches_node_affinity, untolerated_taint
from ..informer import controller_of
from .cache import NodeInfo
from .framework import HOSTNAME, Cycle, Rejected

ZONE = "topology.kubernetes.io/zone"
SYSTEM_DEFAULTS = (
    {"topologyKey": HOSTNAME, "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
    {"topologyKey": ZONE, "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
)
MISMATCH = "node(s) didn't match pod topology spread constraints"


@dataclass
class Constraint:
    key: str
    max_skew: int
    min_domains: int
    requirements: list[selectors.Requirement] | None
    respects_affinity: bool
    respects_taints: bool

    def counts(self, cycle: Cycle, node: NodeInfo) -> bool:
        """Whether the node takes part (nodeAffinityPolicy, nodeTaintsPolicy)."""
        if self.respects_affinity and not matches_node_affinity(cycle.pod.pod, node.node):
            return False
        return not (self.respects_taints and untolerated_taint(node.taints, cycle.spec.get("tolerations") or ()))


@dataclass
class _Skew:
    constraint: Constraint
    matching: Counter[str]
    domains: Counter[str]
    least: int
    itself: int


def pod_topology_spread(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    for skew in cycle.once("PodTopologySpread", _pre_filter):
        domain = node.labels.get(skew.constraint.key)
        if domain is None:
            return Rejected((f"{MISMATCH} (missing required label)",), resolvable=False)
        if skew.domains.get(domain, 0) + skew.itself - skew.least > skew.constraint.max_skew:
            return Rejected((MISMATCH,))
    return None


def pod_topology_spread_score(cycle: Cycle, nodes: list[NodeInfo]) -> list[int] | None:
    own = bool(cycle.spec.get("topologySpreadConstraints"))
    constraints = _constraints(cycle, "ScheduleAnyway") if own else _default_constraints(cycle)
    if not constraints:
        return None
    ignored = {n.name for n in nodes if own and not all(c.key in n.labels for c in constraints)}
    raw = dict.fromkeys((n.name for n in nodes if n.name not in ignored), 0.0)
    for constraint in constraints:
        matching = cycle.cache.matching(frozenset({cycle.pod.namespace}), constraint.requirements, terminating=False)
        if constraint.key == HOSTNAME:
            weight = math.log(len(raw) + 2)
            found = {n.name: matching.get(n.name, 0) for n in nodes if HOSTNAME in n.labels}
        else:
            candidates = {n.labels.get(constraint.key, "") for n in nodes if n.name not in ignored}
            weight = math.log(len(candidates) + 2)
            domains = _domains(cycle, constraint, constraints if own else [], matching)
            found = {n.name: domains.get(n.labels[constraint.key], 0) for n in nodes if constraint.key in n.labels}
        for name in raw:
            if name in found:
                raw[name] += found[name] * weight + constraint.max_skew - 1
    scores = {name: round(value) for name, value in raw.items()}
    low, high = min(scores.values(), default=0), max(scores.values(), default=0)
    return [0 if n.name in ignored else 100 if high == 0 else 100 * (high + low - scores[n.name]) // high for n in nodes]


def _pre_filter(cycle: Cycle) -> list[_Skew]:
    constraints = _constraints(cycle, "DoNotSchedule")
    found = []
    for constraint in constraints:
        matching = cycle.cache.matching(frozenset({cycle.pod.namespace}), constraint.requirements, terminating=False)
        domains = _domains(cycle, constraint, constraints, matching)
        least = min(domains.values(), default=0) if len(domains) >= constraint.min_domains else 0
        itself = int(selectors.matches(constraint.requirements, cycle.pod.labels))
        found.append(_Skew(constraint, matching, domains, least, itself))
    return found


def _domains(cycle: Cycle, constraint: Constraint, together: list[Constraint], matching: Counter[str]) -> Counter[str]:
    """Matching pods by topology value, over nodes that have every key of `together`."""
    domains: Counter[str] = Counter()
    for node in cycle.nodes.values():
        if all(c.key in node.labels for c in together) and constraint.counts(cycle, node):
            domains[node.labels.get(constraint.key, "")] += matching.get(node.name, 0)
    return domains


def _constraints(cycle: Cycle, when: str) -> list[Constraint]:
    return [_parse(c, cycle) for c in cycle.spec.get("topologySpreadConstraints") or () if c["whenUnsatisfiable"] == when]


def _parse(constraint: dict, cycle: Cycle) -> Constraint:
    requirements = selectors.from_label_selector(constraint.get("labelSelector"))
    if requirements is not None:
        labels = cycle.pod.labels
        added = [(k, "in", (labels[k],)) for k in constraint.get("matchLabelKeys") or () if k in labels]
        requirements = requirements + [r for r in added if r not in requirements]
    return Constraint(
        constraint["topologyKey"],
        constraint["maxSkew"],
        constraint.get("minDomains") or 1,
        requirements,
        (constraint.get("nodeAffinityPolicy") or "Honor") == "Honor",
        (constraint.get("nodeTaintsPolicy") or "Ignore") == "Honor",
    )


def _default_constraints(cycle: Cycle) -> list[Constraint]:
    """The cluster's own wish to spread pods of one Service or owner (`plugins/helper/spread.go` DefaultSelector)."""
    pod = cycle.pod
    requirements: list[selectors.Requirement] = []
    for service in cycle.informers["services"].list(pod.namespace):
        selector = service["spec"].get("selector")
        if selector and all(pod.labels.get(k) == v for k, v in selector.items()):
            requirements += [(k, "in", (v,)) for k, v in selector.items()]
    owner = controller_of(pod.pod)
    resource = owner and {
        "ReplicaSet": "replicasets.apps",
        "StatefulSet": "statefulsets.apps",
        "ReplicationController": "replicationcontrollers",
    }.get(owner["kind"])
    found = resource and cycle.informers[resource].get(pod.namespace, owner["name"])
    if found:
        selector = found["spec"].get("selector")
        plain = owner["kind"] == "ReplicationController"
        requirements += selectors.from_label_selector({"matchLabels": selector} if plain else selector) or []
    if not requirements:
        return []
    requirements = sorted(set(requirements))
    return [Constraint(c["topologyKey"], c["maxSkew"], 1, requirements, True, False) for c in SYSTEM_DEFAULTS]

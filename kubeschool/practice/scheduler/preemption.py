"""DefaultPreemption: make room by removing pods of lower priority (`pkg/scheduler/framework/plugins/defaultpreemption`,
`pkg/scheduler/framework/preemption`)."""

from dataclasses import dataclass

from ..apiserver import selectors
from ..component_helpers import condition
from .cache import NodeInfo, PodInfo
from .framework import Cycle, Rejected, fit_error

NOT_HELPFUL = Rejected(("Preemption is not helpful for scheduling",), resolvable=False)
NO_VICTIMS = Rejected(("No preemption victims found for incoming pod",), resolvable=False)


@dataclass
class Candidate:
    node: str
    victims: list[PodInfo]
    budget_violations: int

    @property
    def cost(self) -> tuple:
        """Lowest wins: fewest budgets violated, lowest top priority, lowest sum, fewest victims, latest start of the most important."""
        top = max(v.priority for v in self.victims)
        earliest = min(_started(v) for v in self.victims if v.priority == top)
        return self.budget_violations, top, sum(v.priority + 2**31 for v in self.victims), len(self.victims), _descending(earliest)


def preempt(cycle: Cycle, rejections: dict[str, Rejected], run_filters) -> tuple[Candidate | None, str]:
    """(the node to clear, "") or (None, why there is none). `run_filters(cycle, node)` answers Rejected or None."""
    pod = cycle.pod
    if cycle.spec.get("preemptionPolicy") == "Never":
        return None, "preemption: not eligible due to preemptionPolicy=Never."
    nominated = (pod.pod.get("status") or {}).get("nominatedNodeName")
    waits = nominated in cycle.nodes and rejections.get(nominated, NOT_HELPFUL).resolvable
    if waits and any(p.priority < pod.priority and _terminating_by_preemption(p) for p in cycle.nodes[nominated].pods.values()):
        return None, "preemption: not eligible due to a terminating pod on the nominated node."
    candidates: list[Candidate] = []
    answers: dict[str, Rejected] = {}
    for name, node in cycle.nodes.items():
        found = _victims(cycle, node, run_filters) if rejections.get(name, NOT_HELPFUL).resolvable else NOT_HELPFUL
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            answers[name] = found
    if not candidates:
        return None, "preemption: " + fit_error(len(cycle.nodes), answers)
    return min(candidates, key=lambda c: c.cost), ""


def _victims(cycle: Cycle, node: NodeInfo, run_filters) -> Candidate | Rejected:
    pod = cycle.pod
    possible = [p for p in node.pods.values() if p.priority < pod.priority]
    if not possible:
        return NO_VICTIMS
    trial = _Trial(cycle, node)
    for other in possible:
        trial.remove(other)
    if rejected := run_filters(trial.cycle(), trial.node):
        return rejected
    possible.sort(key=lambda p: (-p.priority, _started(p)))
    violating, harmless = _by_budget(cycle, possible)
    victims, violations = [], 0
    for other in [*violating, *harmless]:
        trial.add(other)
        if run_filters(trial.cycle(), trial.node):
            trial.remove(other)
            victims.append(other)
            violations += other in violating
    return Candidate(node.name, victims, violations)


class _Trial:
    """A node from which pods are taken away in thought."""

    def __init__(self, cycle: Cycle, node: NodeInfo):
        self._cycle, self.node = cycle, node.clone()
        self._gone: dict[tuple, PodInfo] = {}

    def remove(self, pod: PodInfo) -> None:
        self.node.remove(pod)
        self._gone[pod.key] = pod

    def add(self, pod: PodInfo) -> None:
        self.node.add(pod)
        del self._gone[pod.key]

    def cycle(self) -> Cycle:
        return Cycle(self._cycle.pod, _CacheWithout(self._cycle.cache, self.node, self._gone), self._cycle.informers)


class _CacheWithout:
    """The cache as it would be with one node changed."""

    def __init__(self, cache, node: NodeInfo, gone: dict[tuple, PodInfo]):
        self._cache, self._node, self._gone = cache, node, gone
        self.nodes = {**cache.nodes, node.name: node}
        self.nominated = cache.nominated

    def matching(self, namespaces, requirements, terminating=True):
        counts = self._cache.matching(namespaces, requirements, terminating).copy()
        for pod in self._gone.values():
            fits = namespaces is None or pod.namespace in namespaces
            if fits and (terminating or not pod.terminating) and selectors.matches(requirements, pod.labels):
                counts[self._node.name] -= 1
        return counts


def _by_budget(cycle: Cycle, pods: list[PodInfo]) -> tuple[list[PodInfo], list[PodInfo]]:
    """(pods whose removal violates a PodDisruptionBudget, the others), in the given order."""
    budgets = cycle.informers["poddisruptionbudgets.policy"].list()
    allowed = [(b.get("status") or {}).get("disruptionsAllowed", 0) for b in budgets]
    violating, harmless = [], []
    for pod in pods:
        violates = False
        for i, budget in enumerate(budgets):
            requirements = selectors.from_label_selector(budget["spec"].get("selector"))
            if budget["metadata"]["namespace"] != pod.namespace or not requirements or not selectors.matches(requirements, pod.labels):
                continue
            if pod.pod["metadata"]["name"] in ((budget.get("status") or {}).get("disruptedPods") or {}):
                continue
            allowed[i] -= 1
            violates = violates or allowed[i] < 0
        (violating if violates else harmless).append(pod)
    return violating, harmless


def _terminating_by_preemption(pod: PodInfo) -> bool:
    found = condition(pod.pod, "DisruptionTarget")
    return pod.terminating and found is not None and found.get("reason") == "PreemptionByScheduler"


def _started(pod: PodInfo) -> str:
    return (pod.pod.get("status") or {}).get("startTime") or "9999"


def _descending(text: str) -> tuple[int, ...]:
    return tuple(-ord(c) for c in text)

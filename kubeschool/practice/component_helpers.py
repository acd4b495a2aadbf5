"""What scheduler, controllers and kubelet must agree on: taints, node affinity, resource requests, pod conditions
(`k8s.io/component-helpers/{scheduling/corev1,resource}`, `pkg/api/v1/pod/util.go`)."""

from collections.abc import Iterable

from .apiserver import selectors
from .apiserver.quantity import milli, value
from .clock import timestamp

DO_NOT_SCHEDULE = ("NoSchedule", "NoExecute")


# -- taints and tolerations (`scheduling/corev1/helpers.go`) -------------------------------------------------


def tolerates(toleration: dict, taint: dict) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    if operator == "Equal":
        return toleration.get("value", "") == taint.get("value", "")
    try:
        wanted, seen = int(toleration.get("value", "")), int(taint.get("value", ""))
    except ValueError:
        return False
    return seen < wanted if operator == "Lt" else seen > wanted


def untolerated_taint(taints: Iterable[dict], tolerations: Iterable[dict], effects: tuple[str, ...] = DO_NOT_SCHEDULE) -> dict | None:
    """The first taint with one of `effects` that no toleration tolerates."""
    return next((t for t in taints if t["effect"] in effects and not any(tolerates(o, t) for o in tolerations)), None)


# -- node affinity (`scheduling/corev1/nodeaffinity/nodeaffinity.go`) ----------------------------------------

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


def node_selector_term_matches(term: dict, node: dict) -> bool:
    """An empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return selectors.matches(_requirements(expressions), node["metadata"].get("labels")) and selectors.matches(
        _requirements(fields), {"metadata.name": node["metadata"]["name"]}
    )


def node_selector_matches(selector: dict, node: dict) -> bool:
    """A v1.NodeSelector: any of its terms."""
    return any(node_selector_term_matches(term, node) for term in selector.get("nodeSelectorTerms") or ())


def required_node_affinity(pod: dict) -> dict | None:
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution")


def matches_node_affinity(pod: dict, node: dict) -> bool:
    """spec.nodeSelector and required node affinity."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(k) != v for k, v in (pod["spec"].get("nodeSelector") or {}).items()):
        return False
    required = required_node_affinity(pod)
    return required is None or node_selector_matches(required, node)


def _requirements(expressions: Iterable[dict]) -> list[selectors.Requirement]:
    return [(e["key"], _OPERATORS[e["operator"]], tuple(e.get("values") or ())) for e in expressions]


# -- resources (`resource/helpers.go` PodRequests) -----------------------------------------------------------

Amounts = dict[str, int]
"""Resource name to amount: cpu in thousandths of a core, everything else in whole units (bytes)."""


def amounts(resource_list: dict | None) -> Amounts:
    return {name: amount(name, quantity) for name, quantity in (resource_list or {}).items()}


def amount(name: str, quantity: str | int | float) -> int:
    return milli(quantity) if name == "cpu" else value(quantity)


def pod_requests(pod: dict, missing: Amounts | None = None) -> Amounts:
    """What a pod asks of a node; `missing` is assumed of every container that does not say (the scheduler's scores)."""
    spec = pod["spec"]

    def of(container: dict) -> Amounts:
        return {**(missing or {}), **amounts((container.get("resources") or {}).get("requests"))}

    total: Amounts = {}
    for container in spec["containers"]:
        _add(total, of(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        wanted = of(container)
        if container.get("restartPolicy") == "Always":
            _add(total, wanted)
            _add(sidecars, wanted)
            wanted = {}
        now = dict(sidecars)
        _add(now, wanted)
        _raise_to(peak, now)
    _raise_to(total, peak)
    total.update(amounts((spec.get("resources") or {}).get("requests")))
    _add(total, amounts(spec.get("overhead")))
    return total


def _add(total: Amounts, more: Amounts) -> None:
    for name, n in more.items():
        total[name] = total.get(name, 0) + n


def _raise_to(total: Amounts, other: Amounts) -> None:
    for name, n in other.items():
        total[name] = max(total.get(name, 0), n)


# -- conditions ----------------------------------------------------------------------------------------------


def condition(obj: dict, type_: str) -> dict | None:
    return next((c for c in (obj.get("status") or {}).get("conditions") or () if c["type"] == type_), None)


def is_true(obj: dict, type_: str) -> bool:
    found = condition(obj, type_)
    return found is not None and found["status"] == "True"


def with_condition(conditions: Iterable[dict], new: dict) -> list[dict]:
    """`conditions` with the one of the same type replaced; lastTransitionTime stays when the status did not change."""
    conditions = list(conditions or ())
    for i, old in enumerate(conditions):
        if old["type"] == new["type"]:
            moved = old["status"] != new["status"] or not old.get("lastTransitionTime")
            conditions[i] = {**new, "lastTransitionTime": timestamp() if moved else old["lastTransitionTime"]}
            return conditions
    return [*conditions, {"lastTransitionTime": timestamp(), **new}]


def is_pod_ready(pod: dict) -> bool:
    return is_true(pod, "Ready")


def is_pod_terminal(pod: dict) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_pod_active(pod: dict) -> bool:
    """Neither finished nor being deleted (`controller_utils.go` IsPodActive)."""
    return not is_pod_terminal(pod) and "deletionTimestamp" not in pod["metadata"]


def is_node_ready(node: dict) -> bool:
    return is_true(node, "Ready")

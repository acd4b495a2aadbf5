"""pods/eviction: delete a pod unless a disruption budget forbids it (`pkg/registry/core/pod/storage/eviction.go`)."""

from dataclasses import replace

from ..clock import timestamp
from ..deep_copy import deep_copy
from . import errors
from .errors import ApiError
from .registry import Registry, Request
from .resource import DeleteOptions
from .selectors import from_label_selector, matches

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_BUDGETS = "poddisruptionbudgets.policy"


def evict(registry: Registry, request: Request, eviction: dict) -> dict:
    """Answers a Status. Raises 429 TooManyRequests with a DisruptionBudget cause, 500 when several budgets match."""
    if eviction.get("metadata", {}).get("name") != request.name:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    pod = registry.get(replace(request, subresource=""))
    if not _ignores_budgets(pod):
        budgets = [b for b in _budgets(registry, request) if _selects(b, pod)]
        if len(budgets) > 1:
            raise errors.unexplained("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        if budgets and not _unhealthy_may_go(pod, budgets[0]):
            _decrement(registry, request, budgets[0])
    options = eviction.get("deleteOptions") or {}
    preconditions = options.get("preconditions") or {}
    if not request.dry_run and "All" not in (options.get("dryRun") or []):
        _mark_disrupted(registry, request, pod)
        registry.delete(
            replace(request, verb="delete", subresource=""),
            DeleteOptions(options.get("gracePeriodSeconds"), options.get("propagationPolicy"), preconditions.get("uid")),
        )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _ignores_budgets(pod: dict) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed", "Pending") or "deletionTimestamp" in pod["metadata"]


def _budgets(registry: Registry, request: Request) -> list[dict]:
    resource = registry.resources[_BUDGETS]
    return [s.object for s in registry.list(replace(request, resource=resource, name="", subresource=""))]


def _selects(budget: dict, pod: dict) -> bool:
    return matches(from_label_selector(budget["spec"].get("selector")), pod["metadata"].get("labels"))


def _unhealthy_may_go(pod: dict, budget: dict) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
    if ready:
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status", {})
    return 0 < status.get("desiredHealthy", 0) <= status.get("currentHealthy", 0)


def _decrement(registry: Registry, request: Request, budget: dict) -> None:
    """Take one of the allowed disruptions (checkAndDecrement)."""
    budget, name = deep_copy(budget), budget["metadata"]["name"]
    status = budget.setdefault("status", {})
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.", retry=10)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 0:
        raise errors.forbidden("poddisruptionbudget.policy", name, "pdb disruptions allowed is negative")
    if allowed == 0:
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _too_many(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently")
    if request.dry_run:
        return
    status["disruptionsAllowed"] = allowed - 1
    status.setdefault("disruptedPods", {})[request.name] = timestamp()
    registry.update(replace(request, resource=registry.resources[_BUDGETS], name=name, subresource="status"), budget)


def _too_many(cause: str, retry: int = 0) -> ApiError:
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}], **({"retryAfterSeconds": retry} if retry else {})}
    return ApiError(429, "TooManyRequests", _REFUSED, details, {"Retry-After": str(retry)} if retry else None)


def _mark_disrupted(registry: Registry, request: Request, pod: dict) -> None:
    from .resources.pods import set_condition

    pod = deep_copy(pod)
    reason = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
    set_condition(pod["status"], {"type": "DisruptionTarget", "status": "True", "lastProbeTime": None, **reason})
    registry.update(replace(request, subresource="status"), pod)

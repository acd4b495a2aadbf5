"""Nothing beyond a namespace's quotas (`k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go`).

What is used is counted from the objects themselves at the moment of the request, not read from the quota's status.
"""

from decimal import Decimal

from .. import quota as quotas
from ..quantity import family, format, parse
from .attributes import refuse


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if request.subresource or operation == "DELETE" or not request.namespace:
        return
    resource = request.resource.name
    for quota in client.list("resourcequotas", request.namespace):
        hard = (quota.get("spec") or {}).get("hard") or {}
        if resource not in quotas.resources_of(quota) or not quotas.selects(quota, resource, obj):
            continue
        _check(client, request, resource, quota["metadata"]["name"], hard, quota, obj, old)


def _check(client, request, resource: str, name: str, hard: dict, quota: dict, obj: dict, old: dict | None) -> None:
    wanted = {k: v for k, v in quotas.usage(resource, obj).items() if k in hard}
    if resource == "pods" and old is None:
        _require_compute(request, name, hard, obj)
    if old is not None:
        before = quotas.usage(resource, old) if quotas.selects(quota, resource, old) else {}
        wanted = {k: v - before.get(k, Decimal(0)) for k, v in wanted.items() if v > before.get(k, Decimal(0))}
    if not wanted:
        return
    used: quotas.Usage = {}
    for other in client.list(resource, request.namespace):
        if quotas.selects(quota, resource, other):
            for key, value in quotas.usage(resource, other).items():
                used[key] = used.get(key, Decimal(0)) + value
    over = sorted(k for k, v in wanted.items() if used.get(k, Decimal(0)) + v > parse(hard[k]))
    if over:
        shown = (_shown(over, values, hard) for values in (wanted, used, {k: parse(hard[k]) for k in over}))
        raise refuse(request, obj, "exceeded quota: {}, requested: {}, used: {}, limited: {}".format(name, *shown))


def _require_compute(request, name: str, hard: dict, pod: dict) -> None:
    """A quota on requests or limits makes every container state them."""
    missing: dict[str, list[str]] = {}
    for key in sorted(hard):
        field, _, resource = key.rpartition(".") if key.startswith(("requests.", "limits.")) else ("requests", "", key)
        if resource not in ("cpu", "memory", "ephemeral-storage"):
            continue
        for container in (pod["spec"].get("containers") or []) + (pod["spec"].get("initContainers") or []):
            if resource not in ((container.get("resources") or {}).get(field) or {}):
                missing.setdefault(key, []).append(container["name"])
    if missing:
        text = "; ".join(f"{key} for: {','.join(sorted(names))}" for key, names in missing.items())
        raise refuse(request, pod, f"failed quota: {name}: must specify {text}")


def _shown(names: list[str], values: quotas.Usage, hard: dict) -> str:
    return ",".join(f"{n}={format(values.get(n, Decimal(0)), family(hard[n]))}" for n in names)

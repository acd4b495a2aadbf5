"""What an object counts for in a ResourceQuota (`pkg/quota/v1/evaluator/core`, `k8s.io/apiserver/pkg/quota/v1/generic`).

Used by the resource_quota admission plugin and by the quota controller.
"""

from decimal import Decimal

from .quantity import parse

Usage = dict[str, Decimal]

SCOPED = ("pods",)
_COUNTED = ("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services")
_POD_COMPUTE = ("cpu", "memory", "ephemeral-storage")


def usage(resource: str, obj: dict) -> Usage:
    """`resource` as in RBAC. Counts under every name a quota may use: `pods`, `count/pods`, `requests.cpu`, `cpu` …"""
    used: Usage = {f"count/{resource}": Decimal(1)}
    if resource == "pods" and obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return used
    if resource in _COUNTED:
        used[resource] = Decimal(1)
    if resource == "pods":
        used |= _pod(obj["spec"])
    elif resource == "services":
        used |= _service(obj["spec"])
    elif resource == "persistentvolumeclaims":
        used |= _claim(obj)
    return used


def selects(quota: dict, resource: str, obj: dict) -> bool:
    """Whether the quota's scopes cover the object."""
    spec = quota.get("spec") or {}
    terms = [{"scopeName": s, "operator": "Exists"} for s in spec.get("scopes") or []]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return not terms or (resource in SCOPED and all(_in_scope(term, obj) for term in terms))


def resources_of(quota: dict) -> set[str]:
    """The resources (as in RBAC) that a quota's limits are about."""
    names = set()
    for name in (quota.get("spec") or {}).get("hard") or {}:
        if name.startswith("count/"):
            names.add(name.removeprefix("count/"))
        elif name in _COUNTED:
            names.add(name)
        elif name.startswith("services."):
            names.add("services")
        elif name.endswith(("storage", "persistentvolumeclaims")) and "ephemeral" not in name:
            names.add("persistentvolumeclaims")
        else:
            names.add("pods")
    return names


def _pod(spec: dict) -> Usage:
    used: Usage = {}
    for field, prefixes in (("requests", ("requests.", "")), ("limits", ("limits.",))):
        total: Usage = {}
        for container in spec.get("containers") or []:
            for name, value in ((container.get("resources") or {}).get(field) or {}).items():
                total[name] = total.get(name, Decimal(0)) + parse(value)
        for container in spec.get("initContainers") or []:
            for name, value in ((container.get("resources") or {}).get(field) or {}).items():
                total[name] = max(total.get(name, Decimal(0)), parse(value))
        for name, value in (spec.get("overhead") or {}).items():
            if name in total or field == "requests":
                total[name] = total.get(name, Decimal(0)) + parse(value)
        for name, value in total.items():
            for prefix in prefixes:
                if prefix or name in _POD_COMPUTE:
                    used[prefix + name] = value
    return used


def _service(spec: dict) -> Usage:
    used, ports = {}, Decimal(len(spec.get("ports") or []))
    if spec["type"] == "LoadBalancer":
        used["services.loadbalancers"] = Decimal(1)
    if spec["type"] == "NodePort" or (spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False):
        used["services.nodeports"] = ports
    return used


def _claim(obj: dict) -> Usage:
    size = parse(((obj["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))
    used = {"requests.storage": size}
    if name := obj["spec"].get("storageClassName"):
        used[f"{name}.storageclass.storage.k8s.io/requests.storage"] = size
        used[f"{name}.storageclass.storage.k8s.io/persistentvolumeclaims"] = Decimal(1)
    return used


def _in_scope(term: dict, pod: dict) -> bool:
    from .resources.pods import qos_class

    spec, scope = pod["spec"], term.get("scopeName")
    if scope == "Terminating":
        return spec.get("activeDeadlineSeconds") is not None
    if scope == "NotTerminating":
        return spec.get("activeDeadlineSeconds") is None
    if scope == "BestEffort":
        return qos_class(spec) == "BestEffort"
    if scope == "NotBestEffort":
        return qos_class(spec) != "BestEffort"
    if scope == "PriorityClass":
        name, values = spec.get("priorityClassName"), term.get("values") or []
        return {"In": name in values, "NotIn": name not in values, "Exists": bool(name), "DoesNotExist": not name}[term["operator"]]
    return False

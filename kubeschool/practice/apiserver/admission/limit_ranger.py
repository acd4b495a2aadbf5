"""LimitRanges give containers requests and limits, and bound them (`plugin/pkg/admission/limitranger/admission.go`)."""

from decimal import Decimal

from ..quantity import canonical, family, format, parse
from .attributes import is_create_of, refuse

ANNOTATION = "kubernetes.io/limit-ranger"


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "pods"):
        return
    for limit_range in client.list("limitranges", request.namespace):
        default = {"limits": {}, "requests": {}}
        for limit in _limits(limit_range, "Container"):
            default["limits"] |= limit.get("default") or {}
            default["requests"] |= limit.get("defaultRequest") or {}
        given = []
        for kind, what in (("containers", "container"), ("initContainers", "init container")):
            for container in obj["spec"].get(kind) or []:
                given += _merge(container, default, what)
        if given:
            obj["metadata"].setdefault("annotations", {})[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(given)


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if request.subresource or operation == "DELETE":
        return
    if is_create_of(request, operation, "pods"):
        check = _check_pod
    elif request.resource.name == "persistentvolumeclaims":
        check = _check_claim
    else:
        return
    for limit_range in client.list("limitranges", request.namespace):
        found = check(limit_range, obj)
        if found:
            raise refuse(request, obj, found[0] if len(found) == 1 else f"[{', '.join(found)}]")


def _limits(limit_range: dict, type_: str) -> list[dict]:
    return [limit for limit in (limit_range.get("spec") or {}).get("limits") or [] if limit.get("type") == type_]


def _merge(container: dict, default: dict, what: str) -> list[str]:
    """Fill in what the container lacks; says what was set."""
    given, resources = [], container.setdefault("resources", {})
    for field in ("requests", "limits"):
        missing = {k: v for k, v in default[field].items() if k not in (resources.get(field) or {})}
        if missing:
            resources[field] = {**(resources.get(field) or {}), **missing}
            given.append(f"{', '.join(sorted(missing))} {field[:-1]} for {what} {container['name']}")
    return given


def _check_pod(limit_range: dict, pod: dict) -> list[str]:
    found, spec = [], pod["spec"]
    for limit in _limits(limit_range, "Container"):
        for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
            resources = container.get("resources") or {}
            found += _constraints(
                limit, "Container", *({k: parse(v) for k, v in (resources.get(f) or {}).items()} for f in ("requests", "limits"))
            )
    for limit in _limits(limit_range, "Pod"):
        found += _constraints(limit, "Pod", _pod_total(spec, "requests"), _pod_total(spec, "limits"))
    return list(dict.fromkeys(found))


def _check_claim(limit_range: dict, claim: dict) -> list[str]:
    wanted = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    request = {"storage": parse(wanted)} if wanted is not None else {}
    found = []
    for limit in _limits(limit_range, "PersistentVolumeClaim"):
        for field, refused in (("min", lambda a, b: a < b), ("max", lambda a, b: a > b)):
            for name, bound in (limit.get(field) or {}).items():
                if name in request and refused(request[name], parse(bound)):
                    word = {"min": "minimum", "max": "maximum"}[field]
                    found.append(f"{word} {name} usage per PersistentVolumeClaim is {canonical(bound)}, but request is {canonical(wanted)}")
    return found


def _pod_total(spec: dict, field: str) -> dict[str, Decimal]:
    """What the pod may use at once: its containers together, or the largest init container."""
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            total[name] = total.get(name, Decimal(0)) + parse(value)
    for container in spec.get("initContainers") or []:
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            total[name] = max(total.get(name, Decimal(0)), parse(value))
    return total


def _constraints(limit: dict, type_: str, requests: dict[str, Decimal], limits: dict[str, Decimal]) -> list[str]:
    found = []
    for word, first, second, refused in (
        ("minimum", ("request", requests), ("limit", limits), lambda value, bound: value < bound),
        ("maximum", ("limit", limits), ("request", requests), lambda value, bound: value > bound),
    ):
        for name, bound in (limit.get(word[:3]) or {}).items():
            sentence = f"{word} {name} usage per {type_} is {canonical(bound)}"
            if name not in first[1]:
                found.append(f"{sentence}. No {first[0]} is specified")
                continue
            for what, values in (first, second):
                if name in values and refused(values[name], parse(bound)):
                    found.append(f"{sentence}, but {what} is {format(values[name], family(bound))}")
                    break
    for name, bound in (limit.get("maxLimitRequestRatio") or {}).items():
        sentence = f"{name} max limit to request ratio per {type_} is {canonical(bound)}"
        if not requests.get(name):
            found.append(f"{sentence}, but no request is specified or request is 0")
        elif not limits.get(name):
            found.append(f"{sentence}, but no limit is specified or limit is 0")
        elif limits[name] / requests[name] > parse(bound):
            found.append(f"{sentence}, but provided ratio is {float(limits[name] / requests[name]):f}")
    return found

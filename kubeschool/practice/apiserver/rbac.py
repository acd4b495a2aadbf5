"""Rules that Role and ClusterRole, and their bindings, share (`pkg/apis/rbac/validation/validation.go`,
`pkg/registry/rbac/{role,rolebinding}/policybased/storage.go`)."""

from collections.abc import Iterator

import orjson

from . import errors
from .authorization import Attributes
from .errors import FieldError, invalid_value, not_supported, required
from .names import validate_dns_subdomain, validate_path_segment
from .printers import AGE, NAME, since
from .resource import Column
from .validation import invalid_each

GROUP = "rbac.authorization.k8s.io"
ROLE_COLUMNS = (NAME, Column("Created At"))
BINDING_COLUMNS = (
    NAME,
    Column("Role"),
    AGE,
    Column("Users", priority=1),
    Column("Groups", priority=1),
    Column("ServiceAccounts", priority=1),
)


def validate_rules(rules: list[dict] | None, namespaced: bool) -> list[FieldError]:
    found = []
    for i, rule in enumerate(rules or []):
        at = f"rules[{i}]"
        if not rule.get("verbs"):
            found.append(required(f"{at}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if namespaced:
                detail = "namespaced rules cannot apply to non-resource URLs"
                found.append(invalid_value(f"{at}.nonResourceURLs", rule["nonResourceURLs"], detail))
            if any(rule.get(f) for f in ("apiGroups", "resources", "resourceNames")):
                detail = "rules cannot apply to both regular resources and non-resource URLs"
                found.append(invalid_value(f"{at}.nonResourceURLs", rule["nonResourceURLs"], detail))
            continue
        if not rule.get("apiGroups"):
            found.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            found.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return found


def refuse_escalation(registry, request, name: str, rules: list[dict] | None) -> None:
    """Nobody grants what they do not have, unless allowed to `escalate`. Raises 403."""
    authorize, user = registry.authorizer.authorize, request.user
    resource = request.resource
    if authorize(user, Attributes("escalate", GROUP, resource.plural, namespace=request.namespace, name=name))[0]:
        return
    missing = [rule for rule in rules or [] if not all(authorize(user, a)[0] for a in _parts(rule, request.namespace))]
    if missing:
        _refuse_missing(request, name, missing)


def refuse_binding(registry, request, name: str, role_ref: dict) -> None:
    """Nobody binds a role beyond what they have, unless allowed to `bind` it. Raises 403 or 404."""
    authorize, user = registry.authorizer.authorize, request.user
    plural = {"Role": "roles", "ClusterRole": "clusterroles"}.get(role_ref.get("kind", ""), "")
    if authorize(user, Attributes("bind", GROUP, plural, namespace=request.namespace, name=role_ref.get("name", "")))[0]:
        return
    namespace = request.namespace if plural == "roles" else ""
    stored = registry.store.get((f"{plural}.{GROUP}", namespace, role_ref.get("name", "")))
    if not stored:
        raise errors.not_found(f"{plural}.{GROUP}", role_ref.get("name", ""))
    rules = stored.object.get("rules") or []
    missing = [rule for rule in rules if not all(authorize(user, a)[0] for a in _parts(rule, request.namespace))]
    if missing:
        _refuse_missing(request, name, missing)


def _refuse_missing(request, name: str, missing: list[dict]) -> None:
    groups = orjson.dumps(list(request.user.groups)).decode().replace('","', '" "')
    lines = "".join(f"\n{_compact(rule)}" for rule in missing)
    why = f'user "{request.user.name}" (groups={groups}) is attempting to grant RBAC permissions not currently held:{lines}'
    raise errors.forbidden(request.resource.name, name, why)


def _parts(rule: dict, namespace: str) -> Iterator[Attributes]:
    for verb in rule.get("verbs") or []:
        for path in rule.get("nonResourceURLs") or []:
            yield Attributes(verb, path=path)
        for group in rule.get("apiGroups") or []:
            for full in rule.get("resources") or []:
                resource, _, subresource = full.partition("/")
                for name in rule.get("resourceNames") or [""]:
                    yield Attributes(verb, group, resource, subresource, namespace, name)


def _compact(rule: dict) -> str:
    """A rule as `pkg/apis/rbac/v1/helpers.go` CompactString writes it."""
    fields = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    shown = (f"{go}:[{', '.join(f'{chr(34)}{v}{chr(34)}' for v in rule[name])}]" for go, name in fields if rule.get(name))
    return "{" + ", ".join(shown) + "}"


def default_binding(obj: dict) -> None:
    role = obj.setdefault("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or GROUP
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = subject.get("apiGroup") or GROUP


def validate_binding(obj: dict, role_kinds: list[str]) -> list[FieldError]:
    role, found = obj["roleRef"], []
    if role["apiGroup"] != GROUP:
        found.append(not_supported("roleRef.apiGroup", role["apiGroup"], [GROUP]))
    if role.get("kind") not in role_kinds:
        found.append(not_supported("roleRef.kind", role.get("kind", ""), role_kinds))
    if not role.get("name"):
        found.append(required("roleRef.name"))
    else:
        found += invalid_each("roleRef.name", role["name"], validate_path_segment(role["name"]))
    for i, subject in enumerate(obj.get("subjects") or []):
        found += _validate_subject(subject, f"subjects[{i}]", in_cluster="Role" not in role_kinds)
    return found


def _validate_subject(subject: dict, path: str, in_cluster: bool) -> list[FieldError]:
    kind, name, found = subject.get("kind"), subject.get("name"), []
    if not name:
        found.append(required(f"{path}.name"))
    if kind == "ServiceAccount":
        if name:
            found += invalid_each(f"{path}.name", name, validate_dns_subdomain(name))
        if subject.get("apiGroup"):
            found.append(not_supported(f"{path}.apiGroup", subject["apiGroup"], [""]))
        if in_cluster and not subject.get("namespace"):
            found.append(required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if subject.get("apiGroup") != GROUP:
            found.append(not_supported(f"{path}.apiGroup", subject.get("apiGroup", ""), [GROUP]))
    else:
        found.append(not_supported(f"{path}.kind", kind or "", ["ServiceAccount", "User", "Group"]))
    return found


def validate_binding_update(obj: dict, old: dict) -> list[FieldError]:
    return [] if obj["roleRef"] == old["roleRef"] else [invalid_value("roleRef", obj["roleRef"], "cannot change roleRef")]


def role_row(obj: dict) -> list:
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp", "")]


def binding_row(obj: dict) -> list:
    names: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or []:
        shown = f"{subject.get('namespace', '')}/{subject['name']}" if subject["kind"] == "ServiceAccount" else subject["name"]
        names.setdefault(subject["kind"], []).append(shown)
    meta, role = obj["metadata"], obj["roleRef"]
    cells = (", ".join(names[kind]) for kind in ("User", "Group", "ServiceAccount"))
    return [meta["name"], f"{role['kind']}/{role['name']}", since(meta.get("creationTimestamp")), *cells]

"""RBAC (`plugin/pkg/auth/authorizer/rbac/rbac.go`, `pkg/registry/rbac/validation/rule.go`)."""
from collections.abc import Iterator
from dataclasses import dataclass

from ..store import Store
from .user import User

Rule = dict
"""A rbac.authorization.k8s.io/v1 PolicyRule."""


@dataclass(frozen=True)
class Attributes:
    """What is asked for. `path` is set for non-resource requests only."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def sentence(self) -> str:
        """The words of a refusal (`k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go`)."""
        if self.path:
            return f'cannot {self.verb} path "{self.path}"'
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        scope = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f'cannot {self.verb} resource "{resource}" in API group "{self.group}" {scope}'


class Authorizer:
    def __init__(self, store: Store):
        self._store = store

    def authorize(self, user: User, attributes: Attributes) -> tuple[bool, str]:
        """(allowed, reason)."""
        if "system:masters" in user.groups:
            return True, ""
        for rule, reason in self._rules(user, attributes.namespace):
            if _covers(rule, attributes):
                return True, reason
        return False, ""

    def rules_for(self, user: User, namespace: str) -> list[Rule]:
        """Every rule a user has in a namespace, for SelfSubjectRulesReview."""
        if "system:masters" in user.groups:
            return [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
        return [rule for rule, _ in self._rules(user, namespace)]

    def _rules(self, user: User, namespace: str) -> Iterator[tuple[Rule, str]]:
        for kind, bindings in (
            ("ClusterRoleBinding", self._store.list("clusterrolebindings.rbac.authorization.k8s.io")),
            ("RoleBinding", self._store.list("rolebindings.rbac.authorization.k8s.io", namespace) if namespace else ()),
        ):
            for stored in bindings:
                binding = stored.object
                subject = next((s for s in binding.get("subjects", ()) if _is(user, s, stored.key[1])), None)
                if not subject:
                    continue
                ref = binding["roleRef"]
                name = f"{stored.key[1]}/{stored.key[2]}" if stored.key[1] else stored.key[2]
                subject_name = f"{subject['name']}/{subject['namespace']}" if "namespace" in subject else subject["name"]
                reason = f'RBAC: allowed by {kind} "{name}" of {ref["kind"]} "{ref["name"]}" to {subject["kind"]} "{subject_name}"'
                for rule in self._role_rules(ref, stored.key[1]):
                    yield rule, reason

    def _role_rules(self, ref: dict, namespace: str) -> list[Rule]:
        if ref["kind"] == "ClusterRole":
            stored = self._store.get(("clusterroles.rbac.authorization.k8s.io", "", ref["name"]))
        else:
            stored = self._store.get(("roles.rbac.authorization.k8s.io", namespace, ref["name"]))
        return (stored.object.get("rules") or []) if stored else []


def _is(user: User, subject: dict, namespace: str) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    if subject["kind"] == "User":
        return subject["name"] == user.name
    return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"


def _covers(rule: Rule, asked: Attributes) -> bool:
    if not _has(rule, "verbs", asked.verb):
        return False
    if asked.path:
        urls = rule.get("nonResourceURLs", ())
        return any(url in ("*", asked.path) or (url.endswith("*") and asked.path.startswith(url[:-1])) for url in urls)
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    return (
        _has(rule, "apiGroups", asked.group)
        and (_has(rule, "resources", resource) or (asked.subresource and f"*/{asked.subresource}" in rule.get("resources", ())))
        and (not rule.get("resourceNames") or asked.name in rule["resourceNames"])
    )


def _has(rule: Rule, what: str, value: str) -> bool:
    values = rule.get(what) or ()
    return "*" in values or value in values

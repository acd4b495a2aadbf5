"""The default roles of components and who has them, which the API server puts in when it already serves (post-start hook
`rbac/bootstrap-roles`, `pkg/registry/rbac/rest/storage_rbac.go`). The roles are the lines of bootstrap_policy.txt."""
import asyncio
from collections.abc import Iterator
from pathlib import Path

from ..client import Client
from .bootstrap import BOOTSTRAPPED, RBAC, ensure

CONTROLLER = "system:controller:"
SUBJECTS = {
    "system:kube-controller-manager": ("User", "system:kube-controller-manager"),
    "system:kube-scheduler": ("User", "system:kube-scheduler"),
    "system:monitoring": ("Group", "system:monitoring"),
    "system:node": None,
    "system:node-proxier": ("User", "system:kube-proxy"),
    "system:volume-scheduler": ("User", "system:kube-scheduler"),
}
"""(kind, name) of who has a role; system:node is bound to nobody, since nodes have an authorizer of their own."""


async def bootstrap_policy(client: Client) -> None:
    """Create what is missing, giving way to others after each object."""
    for name, rules in _roles():
        ensure(client, f"clusterroles.{RBAC}", {"metadata": {"name": name, **BOOTSTRAPPED}, "rules": rules})
        await asyncio.sleep(0)
        if name.startswith(CONTROLLER) or name in SUBJECTS:
            role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
            binding = {"metadata": {"name": name, **BOOTSTRAPPED}, "roleRef": role, "subjects": list(_subjects(name))}
            ensure(client, f"clusterrolebindings.{RBAC}", binding)
            await asyncio.sleep(0)


def _subjects(role: str) -> Iterator[dict]:
    if role.startswith(CONTROLLER):
        yield {"kind": "ServiceAccount", "name": role.removeprefix(CONTROLLER), "namespace": "kube-system"}
    elif subject := SUBJECTS[role]:
        yield {"kind": subject[0], "apiGroup": RBAC, "name": subject[1]}


def _roles() -> Iterator[tuple[str, list[dict]]]:
    name, rules = "", []
    for line in (Path(__file__).parent / "bootstrap_policy.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(" "):
            rules.append(_rule(*line.split()))
            continue
        if name:
            yield name, rules
        name, rules = line.removesuffix(":"), []
    yield name, rules


def _rule(verbs: str, groups: str, resources: str, names: str = "") -> dict:
    if groups == "-":
        return {"nonResourceURLs": resources.split(","), "verbs": verbs.split(",")}
    rule = {"apiGroups": ["" if group == "core" else group for group in groups.split(",")],
            "resources": resources.split(","), "verbs": verbs.split(",")}
    return {**rule, "resourceNames": names.split(",")} if names else rule

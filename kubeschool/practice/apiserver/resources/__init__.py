"""The kinds this API server serves, found in the files of this folder. A new kind is one new file."""

import importlib
import pkgutil

from ..resource import Resource

GROUPS = (
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "metrics.k8s.io",
)
"""Groups in the order of discovery: kubectl resolves a short name to the first that has it."""
VERSIONS = ("v2", "v1", "v1beta1")


def _collect() -> list[Resource]:
    found = []
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        found += [c() for c in vars(module).values() if isinstance(c, type) and issubclass(c, Resource) and c.__module__ == module.__name__]
    return sorted(found, key=lambda r: (GROUPS.index(r.group), VERSIONS.index(r.version), r.plural))


RESOURCES: list[Resource] = _collect()
"""Every kind, in the order of discovery."""

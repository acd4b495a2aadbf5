"""A few kinds with the shapes the API server serves, for tests of its pure functions, and their schema."""
from functools import cache
from pathlib import Path

import orjson
import platformdirs

from kubeschool.practice.apiserver import openapi, schema
from kubeschool.practice.apiserver.resource import SCALE, STATUS, Resource, Subresource

TABLE = [
    ("", "Pod", "pods", True, {**STATUS, "eviction": Subresource(("create",), ("policy", "v1", "Eviction")), "log": Subresource(("get",))}),
    ("", "Service", "services", True, STATUS), ("", "ConfigMap", "configmaps", True, {}), ("", "Secret", "secrets", True, {}),
    ("", "Namespace", "namespaces", False, STATUS), ("", "Node", "nodes", False, STATUS), ("", "Event", "events", True, {}),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", True, STATUS), ("", "ServiceAccount", "serviceaccounts", True, {}),
    ("apps", "Deployment", "deployments", True, {**STATUS, **SCALE}), ("apps", "StatefulSet", "statefulsets", True, {**STATUS, **SCALE}),
    ("batch", "CronJob", "cronjobs", True, STATUS), ("coordination.k8s.io", "Lease", "leases", True, {}),
    ("networking.k8s.io", "Ingress", "ingresses", True, STATUS),
    ("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests", False, STATUS),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", False, STATUS),
    ("metrics.k8s.io", "NodeMetrics", "nodes", False, {}),
]
KINDS = [
    type(kind, (Resource,), {"group": group, "kind": kind, "plural": plural, "namespaced": namespaced, "subresources": subresources})()
    for group, kind, plural, namespaced, subresources in TABLE
]


@cache
def builtin() -> schema.Schema:
    """The schema of KINDS, made once and kept in the user's cache folder like the server's own."""
    return schema.Schema(orjson.loads((folder() / "schema.json").read_bytes()))


@cache
def folder() -> Path:
    made = Path(platformdirs.user_cache_dir("kubeschool")) / "openapi" / openapi.cache_key(KINDS)
    if not made.exists():
        openapi.generate(KINDS, made)
    return made

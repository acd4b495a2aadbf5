"""Where the API keeps what the soak uses."""

GROUPS = {
    "/api/v1": ("configmaps", "endpoints", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods",
                "replicationcontrollers", "resourcequotas", "serviceaccounts", "services"),
    "/apis/apps/v1": ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"),
    "/apis/batch/v1": ("cronjobs", "jobs"),
    "/apis/discovery.k8s.io/v1": ("endpointslices",),
    "/apis/policy/v1": ("poddisruptionbudgets",),
}
VERSION = {plural: version for version, plurals in GROUPS.items() for plural in plurals}
NAMESPACES = ("soak-a", "soak-b", "soak-c")


def at(plural: str, namespace: str = "", *rest: str) -> str:
    """`rest` is a name and a subresource."""
    return "/".join([VERSION[plural], *(("namespaces", namespace) if namespace else ()), plural, *rest])

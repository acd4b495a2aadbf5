"""What an API server puts into an empty cluster when it starts: namespaces, its own Service, default roles, classes
(`pkg/controlplane/instance.go`, `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`)."""
from ..client import Client
from .errors import ApiError

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
SERVICE_IP = "10.96.0.1"
RBAC = "rbac.authorization.k8s.io"
BOOTSTRAPPED = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
}
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]

_VIEWED = {
    "": [
        "configmaps", "endpoints", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "replicationcontrollers",
        "replicationcontrollers/scale", "serviceaccounts", "services", "services/status", "bindings", "events", "limitranges",
        "namespaces/status", "pods/log", "pods/status", "replicationcontrollers/status", "resourcequotas", "resourcequotas/status",
        "namespaces",
    ],
    "discovery.k8s.io": ["endpointslices"],
    "apps": [
        "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status",
        "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status",
    ],
    "autoscaling": ["horizontalpodautoscalers", "horizontalpodautoscalers/status"],
    "batch": ["cronjobs", "cronjobs/status", "jobs", "jobs/status"],
    "policy": ["poddisruptionbudgets", "poddisruptionbudgets/status"],
    "networking.k8s.io": ["ingresses", "ingresses/status", "networkpolicies"],
    "metrics.k8s.io": ["nodes", "pods"],
}
_EDITED = {
    "": [
        "pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "pods/eviction", "configmaps", "events",
        "persistentvolumeclaims", "replicationcontrollers", "replicationcontrollers/scale", "secrets", "serviceaccounts", "services",
        "services/proxy",
    ],
    "apps": ["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale",
             "statefulsets", "statefulsets/scale"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "policy": ["poddisruptionbudgets"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
}


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


_VIEW = [_rule(group, resources, _READ) for group, resources in _VIEWED.items()]
_EDIT = [
    _rule("", ["secrets", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"], _READ),
    _rule("", ["serviceaccounts"], ["impersonate"]),
    _rule("", ["serviceaccounts/token"], ["create"]),
    *(_rule(group, resources, _WRITE) for group, resources in _EDITED.items()),
]
_ADMIN = [
    _rule("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"]),
    _rule(RBAC, ["rolebindings", "roles"], _WRITE + _READ),
]

CLUSTER_ROLES: dict[str, list[dict]] = {
    "cluster-admin": [_rule("*", ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}],
    "system:aggregate-to-admin": _ADMIN,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-view": _VIEW,
    "system:basic-user": [
        _rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        _rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
    ],
    "system:discovery": [
        {
            "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
                                "/version", "/version/"],
            "verbs": ["get"],
        }
    ],
    "system:public-info-viewer": [
        {"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]}
    ],
    "system:service-account-issuer-discovery": [
        {"nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"], "verbs": ["get"]}
    ],
}
AGGREGATE_TO = "rbac.authorization.k8s.io/aggregate-to-"
AGGREGATED = {"admin": ("", _EDIT + _VIEW + _ADMIN), "edit": ("admin", _EDIT + _VIEW), "view": ("edit", _VIEW)}
"""Roles put together from those labelled for them: the role each is itself a part of, the rules the aggregation controller will find."""
CLUSTER_ROLE_BINDINGS = {
    "cluster-admin": ["system:masters"],
    "system:basic-user": ["system:authenticated"],
    "system:discovery": ["system:authenticated"],
    "system:public-info-viewer": ["system:authenticated", "system:unauthenticated"],
    "system:service-account-issuer-discovery": ["system:serviceaccounts"],
}


def bootstrap(client: Client, address: str, port: int) -> None:
    """Create what is missing; `address` and `port` are where pods reach the API server. Safe to repeat."""
    for name in NAMESPACES:
        ensure(client, "namespaces", {"metadata": {"name": name}})
    for name, rules in CLUSTER_ROLES.items():
        part_of = name.removeprefix("system:aggregate-to-") if name.startswith("system:aggregate-to-") else ""
        ensure(client, f"clusterroles.{RBAC}", {"metadata": _role_metadata(name, part_of), "rules": rules})
    for name, (part_of, rules) in AGGREGATED.items():
        aggregation = {"clusterRoleSelectors": [{"matchLabels": {f"{AGGREGATE_TO}{name}": "true"}}]}
        role = {"metadata": _role_metadata(name, part_of), "aggregationRule": aggregation, "rules": rules}
        ensure(client, f"clusterroles.{RBAC}", role)
    for name, groups in CLUSTER_ROLE_BINDINGS.items():
        binding = {
            "metadata": {"name": name, **BOOTSTRAPPED},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": g} for g in groups],
        }
        ensure(client, f"clusterrolebindings.{RBAC}", binding)
    for name, value, text in (
        ("system-node-critical", 2000001000, "Used for system critical pods that must not be moved from their current node."),
        (
            "system-cluster-critical",
            2000000000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
    ):
        ensure(client, "priorityclasses.scheduling.k8s.io", {"metadata": {"name": name}, "value": value, "description": text})
    _ensure_kubernetes_service(client, address, port)


def _role_metadata(name: str, part_of: str) -> dict:
    labels = BOOTSTRAPPED["labels"] | ({f"{AGGREGATE_TO}{part_of}": "true"} if part_of else {})
    return {"name": name, **BOOTSTRAPPED, "labels": labels}


def _ensure_kubernetes_service(client: Client, address: str, port: int) -> None:
    meta = {"name": "kubernetes", "namespace": "default"}
    labels = {"component": "apiserver", "provider": "kubernetes"}
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}]
    spec = {"clusterIP": SERVICE_IP, "clusterIPs": [SERVICE_IP], "ports": ports, "type": "ClusterIP", "sessionAffinity": "None"}
    ensure(client, "services", {"metadata": {**meta, "labels": labels}, "spec": spec})
    endpoint_ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    subsets = [{"addresses": [{"ip": address}], "ports": endpoint_ports}]
    mirrored = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    ensure(client, "endpoints", {"metadata": {**meta, "labels": mirrored}, "subsets": subsets})
    endpoint_slice = {
        "metadata": {**meta, "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": endpoint_ports,
    }
    ensure(client, "endpointslices.discovery.k8s.io", endpoint_slice)


def ensure(client: Client, resource: str, obj: dict) -> None:
    meta = obj["metadata"]
    try:
        client.get(resource, meta.get("namespace"), meta["name"])
    except ApiError:
        client.create(resource, obj)

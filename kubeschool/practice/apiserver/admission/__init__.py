"""Admission: what else a write must pass, and what it is given on the way (`pkg/kubeapiserver/options/plugins.go`).

A plugin is a module with `mutate` and/or `validate`, each `(client, request, operation, obj, old) -> None`: operation is
CREATE, UPDATE or DELETE; obj is None for DELETE, old for CREATE. It changes obj or raises ApiError.
"""

from collections.abc import Callable

from ..registry import Admit, Request
from . import (
    default_ingress_class,
    default_storage_class,
    default_toleration_seconds,
    limit_ranger,
    namespace_lifecycle,
    persistent_volume_claim_resize,
    pod_security,
    priority,
    resource_quota,
    runtime_class,
    service_account,
    storage_object_in_use_protection,
    taint_nodes_by_condition,
    validating_admission_policy,
)

PLUGINS = (
    namespace_lifecycle,
    limit_ranger,
    service_account,
    taint_nodes_by_condition,
    pod_security,
    priority,
    default_toleration_seconds,
    default_storage_class,
    storage_object_in_use_protection,
    persistent_volume_claim_resize,
    runtime_class,
    default_ingress_class,
    validating_admission_policy,
    resource_quota,
)
"""In upstream's order."""


def chain(client_of: Callable) -> Admit:
    """All plugins as the registry calls them. `client_of(user, manager, *groups)` makes the client they look things up with."""

    def admit(phase: str, request: Request, operation: str, obj: dict | None, old: dict | None) -> None:
        client = client_of("system:apiserver", "kube-apiserver", "system:masters")
        for plugin in PLUGINS:
            if run := getattr(plugin, phase, None):
                run(client, request, operation, obj, old)

    return admit

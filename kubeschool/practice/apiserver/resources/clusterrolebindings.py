"""ClusterRoleBinding: who has a ClusterRole everywhere."""

from ..errors import FieldError
from ..rbac import validate_binding
from .rolebindings import RoleBinding


class ClusterRoleBinding(RoleBinding):
    kind, plural = "ClusterRoleBinding", "clusterrolebindings"
    namespaced = False

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_binding(obj, ["ClusterRole"])

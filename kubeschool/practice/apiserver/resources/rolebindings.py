"""RoleBinding: who has a Role, or a ClusterRole in one namespace."""

from ..errors import FieldError
from ..names import validate_path_segment
from ..rbac import BINDING_COLUMNS, GROUP, binding_row, default_binding, refuse_binding, validate_binding, validate_binding_update
from ..resource import Resource


class RoleBinding(Resource):
    group, kind, plural = GROUP, "RoleBinding", "rolebindings"
    columns = BINDING_COLUMNS
    allow_create_on_update = True

    def default(self, obj: dict) -> None:
        default_binding(obj)

    def begin_create(self, registry, request, obj: dict) -> None:
        refuse_binding(registry, request, obj["metadata"].get("name", ""), obj["roleRef"])

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        if (obj["roleRef"], obj.get("subjects")) != (old["roleRef"], old.get("subjects")):
            self.begin_create(registry, request, obj)

    def validate_name(self, name: str) -> list[str]:
        return validate_path_segment(name)

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_binding(obj, ["Role", "ClusterRole"])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_binding_update(obj, old)

    def row(self, obj: dict) -> list:
        return binding_row(obj)

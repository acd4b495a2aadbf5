"""Role: what may be done in one namespace."""

from ..errors import FieldError
from ..names import validate_path_segment
from ..rbac import GROUP, ROLE_COLUMNS, refuse_escalation, role_row, validate_rules
from ..resource import Resource


class Role(Resource):
    group, kind, plural = GROUP, "Role", "roles"
    columns = ROLE_COLUMNS
    allow_create_on_update = True

    def default(self, obj: dict) -> None:
        obj.setdefault("rules", None)

    def begin_create(self, registry, request, obj: dict) -> None:
        refuse_escalation(registry, request, obj["metadata"].get("name", ""), obj.get("rules"))

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        if obj.get("rules") != old.get("rules"):
            self.begin_create(registry, request, obj)

    def validate_name(self, name: str) -> list[str]:
        return validate_path_segment(name)

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_rules(obj.get("rules"), namespaced=True)

    def row(self, obj: dict) -> list:
        return role_row(obj)

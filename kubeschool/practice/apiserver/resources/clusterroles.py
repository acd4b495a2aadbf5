"""ClusterRole: what may be done anywhere; may be put together from others by label (aggregationRule)."""

from ..errors import FieldError, required
from ..names import validate_path_segment
from ..rbac import GROUP, ROLE_COLUMNS, refuse_escalation, role_row, validate_rules
from ..resource import Resource
from ..validation import validate_label_selector


class ClusterRole(Resource):
    group, kind, plural = GROUP, "ClusterRole", "clusterroles"
    namespaced = False
    columns = ROLE_COLUMNS
    allow_create_on_update = True

    def default(self, obj: dict) -> None:
        obj.setdefault("rules", None)

    def begin_create(self, registry, request, obj: dict) -> None:
        everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
        rules = everything if obj.get("aggregationRule") else obj.get("rules")
        refuse_escalation(registry, request, obj["metadata"].get("name", ""), rules)

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        if (obj.get("rules"), obj.get("aggregationRule")) != (old.get("rules"), old.get("aggregationRule")):
            self.begin_create(registry, request, obj)

    def validate_name(self, name: str) -> list[str]:
        return validate_path_segment(name)

    def validate(self, obj: dict) -> list[FieldError]:
        found = validate_rules(obj.get("rules"), namespaced=False)
        if obj.get("aggregationRule") is not None:
            selectors = obj["aggregationRule"].get("clusterRoleSelectors") or []
            if not selectors:
                detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
                found.append(required("aggregationRule.clusterRoleSelectors", detail))
            for i, selector in enumerate(selectors):
                found += validate_label_selector(selector, f"aggregationRule.clusterRoleSelectors[{i}]")
        return found

    def row(self, obj: dict) -> list:
        return role_row(obj)

"""CustomResourceDefinition (`apiextensions-apiserver/pkg/apis/apiextensions/{v1/defaults.go,validation/validation.go}`).

`customresources.py` serves what it defines and sets its conditions.
"""

from collections.abc import Iterator

import orjson

from .. import expressions
from ..customresources import CLEANUP, pending_deletion
from ..errors import FieldError, invalid_value, not_supported, required
from ..names import validate_dns_1035_label, validate_dns_subdomain
from ..printers import NAME
from ..resource import STATUS, Column, Resource
from ..validation import invalid_each, validate_immutable

_APPROVAL = "api-approved.kubernetes.io"


class CustomResourceDefinition(Resource):
    group, kind, plural = "apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"
    allow_unconditional_update = False
    short_names, categories = ("crd", "crds"), ("api-extensions",)
    namespaced = False
    has_generation = True
    returns_deleted = True
    deletion_finalizers = (CLEANUP,)
    subresources = STATUS
    columns = (NAME, Column("Created At"))

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        names = spec.setdefault("names", {})
        kind = names.get("kind", "")
        names["singular"] = names.get("singular") or kind.lower()
        names["listKind"] = names.get("listKind") or (f"{kind}List" if kind else "")
        spec.setdefault("conversion", {}).setdefault("strategy", "None")

    def prepare_for_create(self, obj: dict) -> None:
        stored = [v["name"] for v in obj["spec"].get("versions") or [] if v.get("storage")]
        obj["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_update(obj, old)
        stored = list(obj["status"].get("storedVersions") or [])
        new = [v["name"] for v in obj["spec"].get("versions") or [] if v.get("storage") and v["name"] not in stored]
        obj["status"] = {**obj["status"], "storedVersions": stored + new}

    def prepare_for_delete(self, obj: dict) -> None:
        if not any(c["type"] == "Terminating" for c in obj["status"].get("conditions") or []):
            obj["status"] = {**obj["status"], "conditions": pending_deletion(obj["status"].get("conditions") or [])}

    def validate(self, obj: dict) -> list[FieldError]:
        spec, name, found = obj["spec"], obj["metadata"].get("name", ""), []
        names, group = spec["names"], spec.get("group", "")
        if name != f"{names.get('plural', '')}.{group}":
            found.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
        if not group:
            found.append(required("spec.group"))
        else:
            found += invalid_each("spec.group", group, validate_dns_subdomain(group))
            if "." not in group:
                found.append(invalid_value("spec.group", group, "should be a domain with at least one dot"))
        if spec.get("scope") not in ("Cluster", "Namespaced"):
            scope = spec.get("scope", "")
            found.append(not_supported("spec.scope", scope, ["Cluster", "Namespaced"]) if scope else required("spec.scope"))
        found += _validate_versions(spec.get("versions") or [])
        for field in ("plural", "singular"):
            value = names.get(field, "")
            found += (
                invalid_each(f"spec.names.{field}", value, validate_dns_1035_label(value)) if value else [required(f"spec.names.{field}")]
            )
        for field in ("kind", "listKind"):
            value = names.get(field, "")
            found += invalid_each(f"spec.names.{field}", value, _kind_errors(value)) if value else [required(f"spec.names.{field}")]
        if names.get("kind") and names["kind"] == names.get("listKind"):
            found.append(invalid_value("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
        for i, short in enumerate(names.get("shortNames") or []):
            found += invalid_each(f"spec.names.shortNames[{i}]", short, validate_dns_1035_label(short))
        protected = group.endswith((".k8s.io", ".kubernetes.io")) or group in ("k8s.io", "kubernetes.io")
        if protected and _APPROVAL not in (obj["metadata"].get("annotations") or {}):
            detail = (
                f'protected groups must have approval annotation "{_APPROVAL}", see https://github.com/kubernetes/enhancements/pull/1111'
            )
            found.append(required(f"metadata.annotations[{_APPROVAL}]", detail))
        if not obj["status"]["storedVersions"]:
            found.append(invalid_value("status.storedVersions", [], "must have at least one stored version"))
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        for field in ("group", "scope"):
            found += validate_immutable(obj["spec"].get(field), old["spec"].get(field), f"spec.{field}")
        if _is_established(old):
            for field in ("kind", "plural"):
                found += validate_immutable(obj["spec"]["names"].get(field), old["spec"]["names"].get(field), f"spec.names.{field}")
        served = {v["name"] for v in obj["spec"].get("versions") or []}
        for i, version in enumerate((old.get("status") or {}).get("storedVersions") or []):
            if version not in served:
                detail = (
                    f"missing from spec.versions; {version} was previously a storage version, and must remain in spec.versions "
                    f"until a storage migration ensures no data remains persisted in {version} "
                    f"and removes {version} from status.storedVersions"
                )
                found.append(invalid_value(f"status.storedVersions[{i}]", version, detail))
        return found

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp", "")]


def _is_established(obj: dict) -> bool:
    return any(c["type"] == "Established" and c["status"] == "True" for c in (obj.get("status") or {}).get("conditions") or [])


def _kind_errors(kind: str) -> list[str]:
    return [f"may have mixed case, but should otherwise match: {e}" for e in validate_dns_1035_label(kind.lower())]


def _validate_versions(versions: list[dict]) -> list[FieldError]:
    if not versions:
        none = "Invalid value: null: must have exactly one version marked as storage version"
        return [FieldError("FieldValueInvalid", "spec.versions", none)]
    found, names = [], [v.get("name", "") for v in versions]
    for i, version in enumerate(versions):
        at = f"spec.versions[{i}]"
        found += invalid_each(f"{at}.name", version.get("name", ""), validate_dns_1035_label(version.get("name", "")))
        found += _validate_schema((version.get("schema") or {}).get("openAPIV3Schema"), f"{at}.schema.openAPIV3Schema")
        for j, column in enumerate(version.get("additionalPrinterColumns") or []):
            for field in ("name", "type", "jsonPath"):
                if not column.get(field):
                    found.append(required(f"{at}.additionalPrinterColumns[{j}].{'JSONPath' if field == 'jsonPath' else field}"))
        if scale := (version.get("subresources") or {}).get("scale"):
            for field in ("specReplicasPath", "statusReplicasPath"):
                if not scale.get(field):
                    found.append(required(f"{at}.subresources.scale.{field}"))
    if len(set(names)) != len(names):
        found.append(invalid_value("spec.versions", names, "must contain unique version names"))
    if sum(bool(v.get("storage")) for v in versions) != 1:
        found.append(invalid_value("spec.versions", names, "must have exactly one version marked as storage version"))
    return found


def _validate_schema(schema: dict | None, path: str) -> list[FieldError]:
    """The rules of a structural schema a learner meets first."""
    if not schema:
        return [required(path, "schemas are required")]
    found = []
    for name, inner in (schema.get("properties") or {}).items():
        found += _validate_inner(inner, f"{path}.properties[{name}]")
    if not schema.get("type"):
        found.append(required(f"{path}.type", "must not be empty at the root"))
    elif schema["type"] != "object":
        found.append(invalid_value(f"{path}.type", schema["type"], "must be object at the root"))
    return found or [*_validate_rules(schema, path, root=True)]


def _validate_rules(schema: dict, path: str, root: bool = False) -> Iterator[FieldError]:
    """Rules that are no CEL, or name a field the schema does not have."""
    for i, rule in enumerate(expressions.rules_of(schema)):
        at = f"{path}.x-kubernetes-validations[{i}]"
        if not rule.get("rule", "").strip():
            yield required(f"{at}.rule", "rule is not specified")
            continue
        for field in ("rule", "messageExpression"):
            if text := rule.get(field):
                try:
                    expressions.program(text)
                    fault = expressions.undefined_field(text, schema, root)
                except expressions.ExpressionError as error:
                    fault = str(error)
                if fault:
                    yield FieldError("FieldValueInvalid", f"{at}.{field}", f"Invalid value: {_go_rule(rule)}: {fault}")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _validate_rules(inner, f"{path}.properties[{name}]")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _validate_rules(schema[name], f"{path}.{name}")


def _go_rule(rule: dict) -> str:
    """A ValidationRule as Go prints it."""
    def quoted(name: str) -> str:
        return orjson.dumps(rule.get(name, "")).decode()

    reason = "(*apiextensions.FieldValueErrorReason)(nil)" if "reason" not in rule else quoted("reason")
    optional = "(*bool)(nil)" if "optionalOldSelf" not in rule else str(rule["optionalOldSelf"]).lower()
    return (
        f"apiextensions.ValidationRule{{Rule:{quoted('rule')}, Message:{quoted('message')}, "
        f"MessageExpression:{quoted('messageExpression')}, Reason:{reason}, FieldPath:{quoted('fieldPath')}, OptionalOldSelf:{optional}}}"
    )


def _validate_inner(schema: dict, path: str) -> list[FieldError]:
    found = []
    typed = schema.get("type") or schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if not typed:
        found.append(required(f"{path}.type", "must not be empty for specified object fields"))
    if schema.get("type") == "array" and not schema.get("items"):
        found.append(required(f"{path}.items", "must be specified"))
    if isinstance(schema.get("items"), dict):
        found += _validate_inner(schema["items"], f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        found += _validate_inner(inner, f"{path}.properties[{name}]")
    return found

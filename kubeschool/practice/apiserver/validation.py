"""Rules that hold for every kind or for many: metadata, labels, selectors, numbers, ports, quantities.

Sources: apimachinery `pkg/api/validation/objectmeta.go`, `pkg/apis/meta/v1/validation/validation.go`, `pkg/util/validation/validation.go`;
`pkg/apis/core/validation/validation.go`. A validator takes the value and its field path and returns FieldErrors, empty when fine.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable

from .errors import FieldError, duplicate, forbidden_field, invalid_value, not_supported, required, too_long
from .names import validate_dns_label, validate_dns_subdomain, validate_label_key, validate_label_value
from .quantity import parse as parse_quantity
from .resource import Resource

MAX_INT32 = 2**31 - 1
TOTAL_ANNOTATION_SIZE_LIMIT = 256 * 1024
NON_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"


def in_range(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def invalid_each(path: str, value: object, messages: Iterable[str]) -> list[FieldError]:
    return [invalid_value(path, value, message) for message in messages]


# -- metadata ---------------------------------------------------------------------------------------------


def validate_object_meta(resource: Resource, obj: dict) -> list[FieldError]:
    meta, errors = obj["metadata"], []
    if prefix := meta.get("generateName"):
        errors += invalid_each("metadata.generateName", prefix, resource.validate_name(_mask_trailing_dash(prefix)))
    if not meta.get("name"):
        errors.append(required("metadata.name", "name or generateName is required"))
    else:
        errors += invalid_each("metadata.name", meta["name"], resource.validate_name(meta["name"]))
    if resource.namespaced and not meta.get("namespace"):
        errors.append(required("metadata.namespace"))
    elif resource.namespaced:
        errors += invalid_each("metadata.namespace", meta["namespace"], validate_dns_label(meta["namespace"]))
    elif meta.get("namespace"):
        errors.append(forbidden_field("metadata.namespace", "not allowed on this type"))
    return errors + _validate_open_meta(resource, meta)


def _validate_open_meta(resource: Resource, meta: dict) -> list[FieldError]:
    errors = validate_labels(meta.get("labels"), "metadata.labels")
    errors += validate_annotations(meta.get("annotations"), "metadata.annotations")
    errors += _validate_owner_references(meta.get("ownerReferences") or [])
    finalizers = meta.get("finalizers") or []
    for i, finalizer in enumerate(finalizers):
        # `pkg/apis/core/validation` wants standard or qualified names; API servers of custom resources do not.
        lenient = resource.custom or finalizer in resource.deletion_finalizers
        at = f"metadata.finalizers[{i}]"
        errors += invalid_each(at, finalizer, validate_label_key(finalizer)) if lenient else validate_finalizer_name(finalizer, at)
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        errors.append(invalid_value("metadata.finalizers", finalizers, "finalizer orphan and foregroundDeletion cannot be both set"))
    return errors


def validate_object_meta_update(resource: Resource, obj: dict, old: dict) -> list[FieldError]:
    """What an update may do to metadata (`ValidateObjectMetaAccessorUpdate`)."""
    meta, before, errors = obj["metadata"], old["metadata"], []
    if before.get("deletionTimestamp"):
        new = sorted(set(meta.get("finalizers") or []) - set(before.get("finalizers") or []))
        if new:
            listed = ", ".join(f'"{f}"' for f in new)
            detail = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
            errors.append(forbidden_field("metadata.finalizers", detail))
    if (meta.get("generation") or 0) < (before.get("generation") or 0):
        errors.append(invalid_value("metadata.generation", meta.get("generation") or 0, "must not be decremented"))
    for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        errors += validate_immutable(meta.get(field), before.get(field), f"metadata.{field}")
    return errors + _validate_open_meta(resource, meta)


def _mask_trailing_dash(prefix: str) -> str:
    return prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def _validate_owner_references(references: list[dict]) -> list[FieldError]:
    errors, controller = [], None
    for reference in references:
        path = "metadata.ownerReferences"
        if not reference.get("apiVersion"):
            errors.append(invalid_value(f"{path}.apiVersion", "", "version must not be empty"))
        for field in ("kind", "name", "uid"):
            if not reference.get(field):
                errors.append(invalid_value(f"{path}.{field}", "", f"{field} must not be empty"))
        if reference.get("apiVersion") == "v1" and reference.get("kind") == "Event":
            errors.append(invalid_value(path, reference, "/v1, Kind=Event is disallowed from being an owner"))
        if reference.get("controller"):
            if controller:
                detail = (
                    f'Only one reference can have Controller set to true. Found "true" in references for {controller["kind"]}/'
                    f"{controller['name']} and {reference.get('kind')}/{reference.get('name')}"
                )
                errors.append(invalid_value(path, references, detail))
            controller = controller or reference
    return errors


def validate_finalizer_name(name: str, path: str) -> list[FieldError]:
    errors = invalid_each(path, name, validate_label_key(name))
    if "/" not in name and name not in ("orphan", "foregroundDeletion", "kubernetes", "kube-scheduler"):
        errors.append(invalid_value(path, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return errors


def validate_immutable(new: object, old: object, path: str) -> list[FieldError]:
    return [] if (new or None) == (old or None) else [invalid_value(path, new, IMMUTABLE)]


def validate_labels(labels: dict | None, path: str) -> list[FieldError]:
    errors = []
    for key, value in (labels or {}).items():
        errors += invalid_each(path, key, validate_label_key(key))
        errors += invalid_each(path, value, validate_label_value(value))
    return errors


def validate_annotations(annotations: dict | None, path: str) -> list[FieldError]:
    errors, size = [], 0
    for key, value in (annotations or {}).items():
        errors += invalid_each(path, key, validate_label_key(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > TOTAL_ANNOTATION_SIZE_LIMIT:
        errors.append(too_long(path, TOTAL_ANNOTATION_SIZE_LIMIT))
    return errors


# -- selectors --------------------------------------------------------------------------------------------


def validate_label_selector(selector: dict | None, path: str) -> list[FieldError]:
    if not selector:
        return []
    errors = validate_labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for i, expression in enumerate(selector.get("matchExpressions") or []):
        at = f"{path}.matchExpressions[{i}]"
        operator, values = expression.get("operator", ""), expression.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                errors.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                errors.append(forbidden_field(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
        else:
            errors.append(invalid_value(f"{at}.operator", operator, "not a valid selector operator"))
        errors += invalid_each(f"{at}.key", expression.get("key", ""), validate_label_key(expression.get("key", "")))
        for j, value in enumerate(values):
            errors += invalid_each(f"{at}.values[{j}]", value, validate_label_value(value))
    return errors


# -- numbers, names, ports, addresses ------------------------------------------------------------------------


def validate_non_negative(obj: dict, field: str, path: str) -> list[FieldError]:
    value = obj.get(field)
    return [invalid_value(f"{path}.{field}", value, NON_NEGATIVE)] if value is not None and value < 0 else []


def validate_enum(value: str | None, path: str, valid: list[str], needed: bool = True) -> list[FieldError]:
    if not value:
        return [required(path)] if needed else []
    return [] if value in valid else [not_supported(path, value, valid)]


def validate_name_field(value: str | None, path: str, rule: Callable[[str], list[str]] = validate_dns_subdomain) -> list[FieldError]:
    return invalid_each(path, value, rule(value)) if value else [required(path)]


def validate_port_number(port: int, path: str) -> list[FieldError]:
    return [] if 1 <= port <= 65535 else [invalid_value(path, port, in_range(1, 65535))]


def validate_port_number_or_name(port: int | str, path: str) -> list[FieldError]:
    return validate_port_number(port, path) if isinstance(port, int) else invalid_each(path, port, port_name_errors(port))


def port_name_errors(name: str) -> list[str]:
    errors = []
    if len(name) > 15:
        errors.append("must be no more than 15 bytes")
    if not re.fullmatch("[-a-z0-9]+", name):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        errors.append("must contain at least one letter (a-z)")
    if "--" in name:
        errors.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def validate_ip(value: str, path: str) -> list[FieldError]:
    try:
        ipaddress.ip_address(value)
        return []
    except ValueError:
        return [invalid_value(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]


def validate_cidr(value: str, path: str) -> list[FieldError]:
    try:
        if "/" not in value:
            raise ValueError(value)
        ipaddress.ip_network(value, strict=False)
        return []
    except ValueError:
        return [invalid_value(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]


def config_key_errors(key: str) -> list[str]:
    """A key of a ConfigMap or Secret."""
    errors = ["must be no more than 253 bytes"] if len(key) > 253 else []
    if not re.fullmatch("[-._a-zA-Z0-9]+", key):
        errors.append(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
            "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )
    if key == ".":
        errors.append("must not be '.'")
    elif key == "..":
        errors.append("must not be '..'")
    elif key.startswith(".."):
        errors.append("must not start with '..'")
    return errors


def env_name_errors(name: str) -> list[str]:
    if name and all(" " <= c <= "~" and c != "=" for c in name):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def percent_errors(value: str) -> list[str]:
    if re.fullmatch("[0-9]+%", value):
        return []
    return [
        "a valid percent string must be a numeric string followed by an ending '%' "
        "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
    ]


def validate_int_or_percent(value: int | str, path: str) -> list[FieldError]:
    """A non-negative integer or percentage (`ValidatePositiveIntOrPercent`)."""
    if isinstance(value, str):
        return invalid_each(path, value, percent_errors(value))
    return [] if value >= 0 else [invalid_value(path, value, NON_NEGATIVE)]


def validate_not_more_than_100_percent(value: int | str, path: str) -> list[FieldError]:
    if isinstance(value, str) and not percent_errors(value) and int(value[:-1]) > 100:
        return [invalid_value(path, value, "must not be greater than 100%")]
    return []


def percent_or_number(value: int | str) -> int:
    return int(value.rstrip("%") or 0) if isinstance(value, str) else value


def validate_quantities(quantities: dict | None, path: str) -> list[FieldError]:
    """Every quantity of a ResourceList is at least 0."""
    negative = {name: value for name, value in (quantities or {}).items() if parse_quantity(value) < 0}
    return [invalid_value(f"{path}[{name}]", str(value), NON_NEGATIVE) for name, value in negative.items()]


def validate_unique(items: list[dict], field: str, path: str) -> list[FieldError]:
    seen, errors = set(), []
    for i, item in enumerate(items):
        value = item.get(field)
        if value and value in seen:
            errors.append(duplicate(f"{path}[{i}].{field}", value))
        seen.add(value)
    return errors

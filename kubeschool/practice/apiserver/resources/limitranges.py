"""LimitRange (`pkg/apis/core/v1/defaults.go` SetDefaults_LimitRangeItem, validation.go ValidateLimitRange, printers.go)."""

from ..errors import FieldError, duplicate, forbidden_field, invalid_value, required
from ..names import validate_label_key
from ..printers import NAME
from ..quantity import parse
from ..resource import Column, Resource
from ..validation import invalid_each

_LIMIT = "default request value {0} is greater than default limit value {1}"
_ORDER = (
    # smaller, larger, the field blamed, the value shown, the words
    ("min", "max", "min", "min", "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest", "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest", "default request value {0} is greater than max value {1}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest", _LIMIT),
    ("min", "default", "default", "min", "min value {0} is greater than default value {1}"),
    ("default", "max", "default", "max", "default value {0} is greater than max value {1}"),
)


class LimitRange(Resource):
    kind, plural = "LimitRange", "limitranges"
    short_names = ("limits",)
    columns = (NAME, Column("Created At"))

    def default(self, obj: dict) -> None:
        for limit in (obj.get("spec") or {}).get("limits") or []:
            if limit.get("type") != "Container":
                continue
            default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
            request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
            if default:
                limit["default"] = default
            if request:
                limit["defaultRequest"] = request

    def validate(self, obj: dict) -> list[FieldError]:
        found, types = [], set()
        for i, limit in enumerate((obj.get("spec") or {}).get("limits") or []):
            found += _validate_item(limit, f"spec.limits[{i}]", types)
        return found

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp", "")]


def _validate_item(limit: dict, path: str, types: set) -> list[FieldError]:
    type_ = limit.get("type", "")
    found = invalid_each(f"{path}.type", type_, validate_label_key(type_))
    if type_ in types:
        found.append(duplicate(f"{path}.type", type_))
    types.add(type_)
    fields = {f: limit.get(f) or {} for f in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")}
    if type_ == "Pod":
        for field in ("default", "defaultRequest"):
            if fields[field]:
                found.append(forbidden_field(f"{path}.{field}", "may not be specified when `type` is 'Pod'"))
    if type_ == "PersistentVolumeClaim" and "storage" not in fields["min"] and "storage" not in fields["max"]:
        found.append(required(f"{path}.limits", "either minimum or maximum storage value is required, but neither was provided"))
    for name in dict.fromkeys(k for values in fields.values() for k in values):
        value = {f: parse(v[name]) for f, v in fields.items() if name in v}
        text = {f: v[name] for f, v in fields.items() if name in v}
        for small, large, at, shown, words in _ORDER:
            if small in value and large in value and value[small] > value[large]:
                found.append(invalid_value(f"{path}.{at}[{name}]", text[shown], words.format(text[small], text[large])))
        if value.get("maxLimitRequestRatio", 1) < 1:
            detail = f"ratio {text['maxLimitRequestRatio']} is less than 1"
            found.append(invalid_value(f"{path}.maxLimitRequestRatio[{name}]", text["maxLimitRequestRatio"], detail))
    return found

"""ConfigMap (`pkg/apis/core/validation/validation.go` ValidateConfigMap)."""

from ..errors import FieldError, forbidden_field, invalid_value, too_long
from ..printers import AGE, NAME, integer, since
from ..resource import Resource
from ..validation import config_key_errors, invalid_each

MAX_SIZE = 1024 * 1024


class ConfigMap(Resource):
    kind, plural = "ConfigMap", "configmaps"
    short_names = ("cm",)
    columns = (NAME, integer("Data"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        found, size = [], 0
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        for key, value in data.items():
            found += invalid_each(f"data[{key}]", key, config_key_errors(key))
            if key in binary:
                found.append(invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
            size += len(value.encode())
        for key, value in binary.items():
            found += invalid_each(f"binaryData[{key}]", key, config_key_errors(key))
            size += len(value) * 3 // 4
        return found + ([too_long("", MAX_SIZE)] if size > MAX_SIZE else [])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return validate_immutable_data(obj, old, ("data", "binaryData")) + self.validate(obj)

    def row(self, obj: dict) -> list:
        count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
        return [obj["metadata"]["name"], count, since(obj["metadata"].get("creationTimestamp"))]


def validate_immutable_data(obj: dict, old: dict, fields: tuple[str, ...]) -> list[FieldError]:
    """The `immutable: true` of ConfigMaps and Secrets."""
    if not old.get("immutable"):
        return []
    found = [] if obj.get("immutable") else [forbidden_field("immutable", "field is immutable when `immutable` is set")]
    return found + [
        forbidden_field(f, "field is immutable when `immutable` is set") for f in fields if (obj.get(f) or {}) != (old.get(f) or {})
    ]

"""Secret (`pkg/apis/core/validation/validation.go` ValidateSecret, `pkg/registry/core/secret`)."""

import base64

import orjson

from ..errors import FieldError, invalid_value, required, too_long
from ..printers import AGE, NAME, integer, since
from ..resource import Column, Resource
from ..schema import go_json_error
from ..validation import config_key_errors, invalid_each, validate_immutable
from .configmaps import MAX_SIZE, validate_immutable_data

_NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


class Secret(Resource):
    kind, plural = "Secret", "secrets"
    columns = (NAME, Column("Type"), integer("Data"), AGE)

    def default(self, obj: dict) -> None:
        obj["type"] = obj.get("type") or "Opaque"
        if strings := obj.pop("stringData", None):
            obj.setdefault("data", {}).update({k: base64.b64encode(v.encode()).decode() for k, v in strings.items()})

    def validate(self, obj: dict) -> list[FieldError]:
        data, type_ = obj.get("data") or {}, obj["type"]
        found = [e for key in data for e in invalid_each(f"data[{key}]", key, config_key_errors(key))]
        if sum(len(v) * 3 // 4 for v in data.values()) > MAX_SIZE:
            found.append(too_long("data", MAX_SIZE))
        if type_ == "kubernetes.io/service-account-token":
            if not (obj["metadata"].get("annotations") or {}).get("kubernetes.io/service-account.name"):
                found.append(required("metadata.annotations[kubernetes.io/service-account.name]"))
        elif type_ == "kubernetes.io/basic-auth" and "username" not in data and "password" not in data:
            found += [required(f"data[%s][{key}]") for key in ("username", "password")]
        missing = [key for key in _NEEDED.get(type_, ()) if key not in data]
        found += [required(f"data[%s][{key}]" if type_ == "kubernetes.io/ssh-auth" else f"data[{key}]") for key in missing]
        if type_.startswith("kubernetes.io/dockerc") and not missing:
            key = _NEEDED[type_][0]
            try:
                orjson.loads(base64.b64decode(data[key]))
            except ValueError:
                why = go_json_error(base64.b64decode(data[key]))
                found.append(invalid_value(f"data[{key}]", "<secret contents redacted>", why))
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = validate_immutable(obj["type"], old["type"], "type")
        return found + validate_immutable_data(obj, old, ("data",)) + self.validate(obj)

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        obj["type"] = obj.get("type") or old["type"]

    def fields(self, obj: dict) -> dict[str, str]:
        return {"type": obj.get("type", "")}

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj["type"], len(obj.get("data") or {}), since(obj["metadata"].get("creationTimestamp"))]

"""OpenAPI v2 ("Swagger") made from the v3 documents, as upstream publishes both
(kube-openapi `pkg/builder`, apiextensions-apiserver `pkg/controller/openapi/v2/conversion.go`)."""
from collections.abc import Iterable
from typing import Any

import orjson

from ..version import GIT_VERSION

NOT_IN_V2 = ("allOf", "anyOf", "oneOf", "not", "nullable")
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "string", "format": "int-or-string"},
}
JSON_ONLY = ["application/json"]


def document(parts: Iterable[dict]) -> dict:
    """One document of the v3 documents of group-versions."""
    made = {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": {},
        "definitions": {},
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"}},
        "security": [{"BearerToken": []}],
    }
    for part in parts:
        extend(made, part)
    return made


def extend(made: dict, part: dict) -> None:
    """Add a v3 document to a v2 one."""
    made["paths"] |= {path: {verb: _parameters(item[verb]) if verb == "parameters" else _operation(item[verb]) for verb in item}
                      for path, item in part["paths"].items()}
    for name, schema in part["components"]["schemas"].items():
        if name not in made["definitions"]:
            made["definitions"][name] = {"description": schema["description"], **SPECIAL[name]} if name in SPECIAL else _schema(schema)


def _operation(operation: dict) -> dict:
    parameters = _parameters(operation.get("parameters", ()))
    produces, consumes = JSON_ONLY, ["*/*"]
    if body := operation.get("requestBody"):
        content = body["content"]
        consumes = list(content)
        [schema] = {str(media): media["schema"] for media in content.values()}.values()
        parameters.insert(0, {"name": "body", "in": "body", "required": True, "schema": _schema(schema)})
    kept = {key: value for key, value in operation.items() if key not in ("parameters", "requestBody", "responses")}
    responses = {code: _response(answer) for code, answer in operation["responses"].items()}
    return {**kept, "consumes": consumes, "produces": produces, "schemes": ["https"], "responses": responses} | (
        {"parameters": parameters} if parameters else {})


def _parameters(parameters: Iterable[dict]) -> list[dict]:
    return [{**{k: v for k, v in p.items() if k != "schema"}, **p["schema"]} for p in parameters]


def _response(answer: dict) -> dict:
    described = {"description": answer["description"]}
    for media in answer.get("content", {}).values():
        described["schema"] = _schema(media["schema"])
    return described


def _schema(node: Any) -> Any:
    """A schema and all within; what v2 cannot say is left out."""
    if isinstance(node, list):
        return [_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {**node, "$ref": node["$ref"].replace("#/components/schemas/", "#/definitions/")}
    reference = next((part["$ref"] for part in node.get("allOf", ()) if "$ref" in part), None)
    kept = {key: value for key, value in node.items() if key not in NOT_IN_V2}
    if reference:
        kept = {key: value for key, value in kept.items() if key != "default"}
        return {**kept, "$ref": reference.replace("#/components/schemas/", "#/definitions/")}
    if node.get("nullable"):
        for key in ("type", "items", "properties", "additionalProperties"):
            kept.pop(key, None)
    if node.get("x-kubernetes-preserve-unknown-fields"):
        for key in ("items", "properties"):
            kept.pop(key, None)
    if properties := kept.get("properties"):
        if required := [name for name in kept.pop("required", ()) if not properties.get(name, {}).get("nullable")]:
            kept["required"] = required
        kept["properties"] = {name: _schema(child) for name, child in properties.items()}
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = _schema(kept[key])
    return kept


# -- the same in protobuf: messages of github.com/google/gnostic-models `openapiv2/OpenAPIv2.proto` --------------------


def gnostic(made: dict) -> bytes:
    """The definitions of a document as a message Document; clients read nothing else in this form."""
    info = _text(1, made["info"]["title"]) + _text(2, made["info"]["version"])
    definitions = b"".join(_named_schema(1, name, schema) for name, schema in made["definitions"].items())
    return _text(1, made["swagger"]) + _field(2, info) + _field(9, definitions)


def _gnostic_schema(schema: dict) -> bytes:
    texts = ((1, "$ref"), (2, "format"), (4, "description"), (13, "pattern"))
    parts = [_text(number, schema[key]) for number, key in texts if key in schema]
    parts += [_text(19, name) for name in schema.get("required", ())]
    if values := schema.get("additionalProperties"):
        parts.append(_field(21, _field(1, _gnostic_schema(values)) if isinstance(values, dict) else b"\x10\x01"))
    if kind := schema.get("type"):
        parts.append(_field(22, _text(1, kind)))
    if items := schema.get("items"):
        parts.append(_field(23, _field(1, _gnostic_schema(items))))
    if properties := schema.get("properties"):
        parts.append(_field(25, b"".join(_named_schema(1, name, child) for name, child in properties.items())))
    for name, value in schema.items():
        if name.startswith("x-"):
            parts.append(_field(31, _text(1, name) + _field(2, _text(2, orjson.dumps(value).decode()))))
    return b"".join(parts)


def _named_schema(number: int, name: str, schema: dict) -> bytes:
    return _field(number, _text(1, name) + _field(2, _gnostic_schema(schema)))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])

"""Keep the facts the Python client's models lack: `python tests/tools/distill_openapi_facts.py FOLDER`.

FOLDER holds Kubernetes' own OpenAPI v3 documents (api/openapi-spec/v3 of the Kubernetes tree). Writes
kubeschool/practice/apiserver/openapi_facts.json: per schema and property, under "" the schema's own.
"""
import json
import sys
from pathlib import Path

TARGET = Path(__file__).parents[2] / "kubeschool/practice/apiserver/openapi_facts.json"
EXTENSIONS = {
    "x-kubernetes-patch-strategy": "patch_strategy",
    "x-kubernetes-patch-merge-key": "merge_key",
    "x-kubernetes-list-type": "list_type",
    "x-kubernetes-list-map-keys": "list_map_keys",
    "x-kubernetes-map-type": "map_type",
}
TYPES = {"Quantity": "quantity", "IntOrString": "int-or-string", "MicroTime": "microtime", "Time": "time"}
SPECIAL = {*TYPES, "RawExtension", "FieldsV1", "JSON",
           "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray", "Patch"}


def referenced(node: dict) -> str:
    """Last part of the name of the schema a property, its items or its values refer to."""
    for inner in (node, *node.get("allOf", ()), node.get("items", {}), node.get("additionalProperties", {})):
        if "$ref" in inner:
            return inner["$ref"].rpartition(".")[2]
    return ""


def facts(node: dict) -> dict:
    found = {name: node[extension] for extension, name in EXTENSIONS.items() if extension in node}
    inner = node.get("items") or node.get("additionalProperties") or node
    if inner.get("format") == "int32":
        found["type"] = "int32"
    reference = referenced(node)
    if reference in TYPES and reference != "Time":
        found["type"] = TYPES[reference]
    default = node.get("default")
    if default not in (None, "", 0, False) and not (default == {} and reference in SPECIAL):
        found["default"] = default
    return found


def main(folder: str) -> None:
    documents = (json.loads(path.read_text()) for path in sorted(Path(folder).glob("*_openapi.json")))
    schemas = {name: schema for document in documents for name, schema in document["components"]["schemas"].items()}
    table = {}
    for name, schema in sorted(schemas.items()):
        if name.rpartition(".")[2] not in SPECIAL and "properties" in schema:
            own = {"": facts({k: v for k, v in schema.items() if k == "x-kubernetes-map-type"})}
            rows = {**own, **{key: facts(node) for key, node in schema["properties"].items()}}
            table[name] = {key: row for key, row in rows.items() if row}
    lines = (f"{json.dumps(name)}: {json.dumps(rows, separators=(',', ':'))}" for name, rows in table.items())
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])

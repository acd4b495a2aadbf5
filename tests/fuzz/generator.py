"""Random requests: any operation of the server's own OpenAPI, with bodies that are valid, half valid or junk."""

import copy
import json
import random

from practice_process import Request

NAMES = ("a", "web")
NAMESPACES = (*["fuzz"] * 12, "default", "nope")
TEXTS = ("", "a", "web", "A_b", "x" * 300, "10Mi", "50%", "-1", "*/5 * * * *", "10.0.0.1", "2026-01-01T00:00:00Z", "☃\u0000", "a=b",
         "nginx:1.27", "TCP", "Always", "kubernetes.io/x", "/", "..", "busybox")
NUMBERS = (0, 1, -1, 2, 80, 65536, 2**31, 2**63, -(2**63) - 1, 1.5, 1e300, 10**30)
JUNK = (None, True, False, [], {}, [None], {"a": None}, [[]], {"": ""}, *NUMBERS, *TEXTS)
SKIPPED = ("proxy", "exec", "attach", "portforward")
"""Streams and the answers of what is behind a proxy are not the API's."""
POD = {"containers": [{"name": "c", "image": "busybox", "command": ["sleep", "1"]}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
SELECTED = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
VALID = {
    "Pod": {"spec": POD}, "Deployment": {"spec": SELECTED}, "ReplicaSet": {"spec": SELECTED}, "DaemonSet": {"spec": SELECTED},
    "StatefulSet": {"spec": {**SELECTED, "serviceName": "web"}}, "ConfigMap": {"data": {"a": "b"}}, "Secret": {"stringData": {"a": "b"}},
    "Job": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
    "CronJob": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}}},
    "Service": {"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}, "Namespace": {}, "ServiceAccount": {},
    "PersistentVolumeClaim": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}},
    "HorizontalPodAutoscaler": {"spec": {
        "maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}},
    "ResourceQuota": {"spec": {"hard": {"count/secrets": "5"}}}, "LimitRange": {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "4"}}]}},
    "Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    "PriorityClass": {"value": 10}, "StorageClass": {"provisioner": "example.com/x"}, "Lease": {"spec": {"holderIdentity": "me"}},
    "NetworkPolicy": {"spec": {"podSelector": {}}}, "Scale": {"spec": {"replicas": 1}}, "CronTab": {"spec": {"cronSpec": "* * * * */5"}},
}


class Generator:
    """`documents` are the OpenAPI documents of the server."""

    def __init__(self, documents: list[dict]):
        self.schemas = {name: schema for d in documents for name, schema in d["components"]["schemas"].items()}
        self.operations = [
            (path, item, method)
            for document in documents
            for path, item in document["paths"].items()
            for method in ("get", "put", "post", "patch", "delete")
            if method in item and path.rsplit("/", 1)[-1] not in SKIPPED
        ]

        self.known = [o for o in self.operations if o[1][o[2]].get("x-kubernetes-group-version-kind", {}).get("kind") in VALID]

    def request(self, rnd: random.Random) -> Request:
        path, item, method = rnd.choice(self.known if rnd.random() < 0.5 else self.operations)
        operation = item[method]
        place = {"{name}": self._name(rnd), "{namespace}": rnd.choice(NAMESPACES)}
        url = path
        for name, value in place.items():
            url = url.replace(name, value)
        request = Request(method.upper(), url, self._query(rnd, operation.get("parameters", ())))
        if "watch" in request.query:
            request.query["timeoutSeconds"] = rnd.choice((*["-1"] * 9, "0.1", "1"))
        if method == "patch":
            self._patch(rnd, request, operation, place["{name}"])
        elif method in ("put", "post") or (method == "delete" and rnd.random() < 0.3):
            self._body(rnd, request, operation, place["{name}"], method)
        if rnd.random() < 0.03:
            request.method = rnd.choice(("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"))
        if rnd.random() < 0.05:
            request.headers["Accept"] = rnd.choice((
                "application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io", "text/html", ",;=", "*/*;q=x",
                "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"))
        return request

    # -- parts

    def _name(self, rnd: random.Random) -> str:
        return rnd.choice(NAMES) if rnd.random() < 0.95 else rnd.choice(("%20", "%2e", "X", "%C3%BC", "x" * 300, "a%00b", "%ff"))

    def _query(self, rnd: random.Random, parameters) -> dict[str, str]:
        chosen = rnd.sample(parameters, min(len(parameters), rnd.choice((0, 0, 0, 1, 2)))) if parameters else ()
        good = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "fuzz", "force": "true", "limit": "2", "watch": "true",
                "labelSelector": "app=web", "fieldSelector": "metadata.name=a", "resourceVersion": "0", "propagationPolicy": "Foreground",
                "gracePeriodSeconds": "0", "resourceVersionMatch": "NotOlderThan", "sendInitialEvents": "true", "continue": "e30=",
                "allowWatchBookmarks": "true", "orphanDependents": "true", "timeoutSeconds": "1"}
        return {p["name"]: good[p["name"]] if rnd.random() < 0.7 else rnd.choice(TEXTS) for p in chosen}

    def _patch(self, rnd: random.Random, request: Request, operation: dict, name: str) -> None:
        media_type = rnd.choice(list(operation["requestBody"]["content"]))
        kind = operation["x-kubernetes-group-version-kind"]
        patch = self._object(rnd, kind, name, None)
        if "json-patch" in media_type:
            paths = ("", "/", "/metadata/labels", "/spec", "/spec/replicas", "/metadata/name", "/spec/template/spec/containers/0", "/a/-")
            patch = [{"op": rnd.choice(("add", "remove", "replace", "test", "copy", "move", "bogus")), "path": rnd.choice(paths),
                      "from": rnd.choice(paths), "value": _junk(rnd)} for _ in range(rnd.randint(0, 3))]
        elif "apply" in media_type:
            request.query.setdefault("fieldManager", "fuzz")
        elif rnd.random() < 0.5:
            patch = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind")}
        request.headers["Content-Type"] = media_type
        request.body = self._encode(rnd, patch)

    def _body(self, rnd: random.Random, request: Request, operation: dict, name: str, method: str) -> None:
        content = operation.get("requestBody", {}).get("content", {})
        schema = next(iter(content.values()), {}).get("schema", {})
        kind = operation["x-kubernetes-group-version-kind"]
        if method == "delete":
            kind = {"group": "", "version": "v1", "kind": "DeleteOptions"}
        odd = ("application/yaml", "text/plain", "application/vnd.kubernetes.protobuf")
        request.headers["Content-Type"] = rnd.choice(("application/json",) * 20 + odd)
        request.body = self._encode(rnd, self._object(rnd, kind, name, schema))

    def _object(self, rnd: random.Random, kind: dict, name: str, schema: dict | None) -> dict:
        """A valid object, most often changed in places, or one made from its schema."""
        version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
        metadata = {"name": name, "labels": {"app": rnd.choice(("web", "x"))}}
        if kind["kind"] in VALID and rnd.random() < 0.8:
            obj = json.loads(json.dumps({"apiVersion": version, "kind": kind["kind"], "metadata": metadata, **VALID[kind["kind"]]}))
        else:
            made = self._value(rnd, schema, 0) if schema else {}
            obj = {**(made if isinstance(made, dict) else {}), "apiVersion": version, "kind": kind["kind"]}
            obj["metadata"] = metadata if rnd.random() < 0.8 else obj.get("metadata")
        for _ in range(rnd.choice((0, 0, 0, 1, 1, 2))):
            _mutate(rnd, obj)
        return obj

    def _value(self, rnd: random.Random, schema: dict, depth: int):
        if rnd.random() < 0.05:
            return _junk(rnd)
        while "$ref" in schema or "allOf" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["allOf"][0]
        if "oneOf" in schema or "anyOf" in schema:
            return rnd.choice((1, "80", "100m", 5, "x"))
        if "enum" in schema:
            return rnd.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                properties, required = schema.get("properties", {}), schema.get("required", ())
                few = rnd.sample(sorted(properties), min(len(properties), rnd.randint(0, 4) if depth < 5 else 0))
                made = {key: self._value(rnd, properties[key], depth + 1) for key in {*required, *few} if key in properties and depth < 12}
                if isinstance(schema.get("additionalProperties"), dict):
                    for _ in range(rnd.randint(0, 2)):
                        made[rnd.choice(("a", "cpu", "b/c", ""))] = self._value(rnd, schema["additionalProperties"], depth + 1)
                return made
            case "array":
                return [self._value(rnd, schema["items"], depth + 1) for _ in range(rnd.randint(0, 2))] if depth < 12 else []
            case "integer" | "number":
                return rnd.choice(NUMBERS[:6])
            case "boolean":
                return rnd.random() < 0.5
        return rnd.choice(TEXTS)

    def _encode(self, rnd: random.Random, value) -> bytes:
        body = json.dumps(value).encode()
        dice = rnd.random()
        if dice < 0.02:
            return body[: rnd.randint(0, len(body))]
        if dice < 0.04:
            at = rnd.randint(0, len(body))
            return body[:at] + rnd.randbytes(2) + body[at:]
        return body


def _junk(rnd: random.Random):
    return copy.deepcopy(rnd.choice(JUNK))


def _mutate(rnd: random.Random, node) -> None:
    """Replace, remove or double one value somewhere below."""
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return
        key = rnd.choice(list(keys))
        if isinstance(node[key], dict | list) and node[key] and rnd.random() < 0.75:
            node = node[key]
            continue
        match rnd.randint(0, 3):
            case 0:
                del node[key]
            case 1 if isinstance(node, list):
                node.append(node[key])
            case 2 if isinstance(node, dict):
                node[rnd.choice(TEXTS)] = _junk(rnd)
            case _:
                node[key] = _junk(rnd)
        return

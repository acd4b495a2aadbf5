"""ReplicationController, what ReplicaSet was before (`pkg/apis/core/validation/validation.go` ValidateReplicationController)."""

from ..errors import FieldError, invalid_value, required
from ..podspec import default_template, validate_controlled_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_labels, integer, since
from ..resource import SCALE, STATUS, Resource
from ..scale import Scalable
from ..validation import validate_labels, validate_non_negative


class ReplicationController(Scalable, Resource):
    kind, plural = "ReplicationController", "replicationcontrollers"
    short_names, categories = ("rc",), ("all",)
    has_generation = True
    default_propagation = "Orphan"
    subresources = STATUS | SCALE
    initial_status = {"replicas": 0}
    columns = (NAME, integer("Desired"), integer("Current"), integer("Ready"), AGE, CONTAINERS, IMAGES, SELECTOR)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(labels)
        if spec.get("template"):
            default_template(spec["template"])

    def label_selector(self, obj: dict) -> dict:
        return {"matchLabels": obj["spec"].get("selector") or {}}

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = validate_non_negative(spec, "minReadySeconds", "spec")
        found += validate_labels(spec.get("selector"), "spec.selector")
        if not spec.get("selector"):
            found.append(required("spec.selector"))
        found += validate_non_negative(spec, "replicas", "spec")
        template = spec.get("template")
        if not template:
            return [*found, required("spec.template")]
        labels = (template.get("metadata") or {}).get("labels") or {}
        if spec.get("selector") and not spec["selector"].items() <= labels.items():
            found.append(invalid_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
        return found + validate_controlled_template(template, {"matchLabels": {}}, "spec.template")

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        return [
            obj["metadata"]["name"],
            spec.get("replicas", 0),
            status.get("replicas", 0),
            status.get("readyReplicas", 0),
            since(obj["metadata"].get("creationTimestamp")),
            *container_cells(spec.get("template") or {}),
            format_labels(spec.get("selector")),
        ]

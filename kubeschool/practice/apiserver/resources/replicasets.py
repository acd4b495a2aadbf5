"""ReplicaSet (`pkg/apis/apps/validation/validation.go` ValidateReplicaSet)."""

from ..errors import FieldError
from ..podspec import default_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_label_selector, integer, since
from ..resource import SCALE, STATUS, Resource
from ..scale import Scalable
from ..validation import validate_immutable, validate_non_negative
from .deployments import validate_selector_of, validate_template_of
from .pods import pod_warnings


class ReplicaSet(Scalable, Resource):
    group, kind, plural = "apps", "ReplicaSet", "replicasets"
    short_names, categories = ("rs",), ("all",)
    has_generation = True
    subresources = STATUS | SCALE
    initial_status = {"replicas": 0}
    columns = (NAME, integer("Desired"), integer("Current"), integer("Ready"), AGE, CONTAINERS, IMAGES, SELECTOR)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        default_template(spec.setdefault("template", {}))

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = validate_non_negative(spec, "replicas", "spec") + validate_non_negative(spec, "minReadySeconds", "spec")
        found += validate_selector_of(spec)
        return found + validate_template_of(spec)

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj["spec"].get("selector"), old["spec"].get("selector"), "spec.selector")

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["template"]["spec"], path="spec.template.spec")

    def fields(self, obj: dict) -> dict[str, str]:
        return {"status.replicas": str(obj.get("status", {}).get("replicas", 0))}

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        return [
            obj["metadata"]["name"],
            spec.get("replicas", 0),
            status.get("replicas", 0),
            status.get("readyReplicas", 0),
            since(obj["metadata"].get("creationTimestamp")),
            *container_cells(spec["template"]),
            format_label_selector(spec.get("selector")),
        ]

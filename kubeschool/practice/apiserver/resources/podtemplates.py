"""PodTemplate (`pkg/apis/core/validation/validation.go` ValidatePodTemplate)."""

from ..errors import FieldError
from ..podspec import default_template, validate_template
from ..printers import NAME, container_cells, format_labels
from ..resource import Column, Resource


class PodTemplate(Resource):
    kind, plural = "PodTemplate", "podtemplates"
    has_generation = True
    columns = (NAME, Column("Containers"), Column("Images"), Column("Pod Labels"))

    def default(self, obj: dict) -> None:
        default_template(obj.setdefault("template", {}))

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_template(obj["template"], "template")

    def row(self, obj: dict) -> list:
        template = obj["template"]
        return [obj["metadata"]["name"], *container_cells(template), format_labels((template.get("metadata") or {}).get("labels"))]

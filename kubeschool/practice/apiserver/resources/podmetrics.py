"""PodMetrics: what the containers of a pod use, as the metrics server measured it (`k8s.io/metrics/pkg/apis/metrics/v1beta1`)."""

from .. import quantity
from ..resource import Column, Resource


class PodMetrics(Resource):
    group, version, kind, plural = "metrics.k8s.io", "v1beta1", "PodMetrics", "pods"
    stored = False
    served_by = "metrics-server"
    verbs = ("get", "list")
    columns = (Column("Name", format="name"), Column("cpu"), Column("memory"), Column("Window"))

    def made(self, registry) -> list[dict]:
        return registry.metrics(self)

    def row(self, obj: dict) -> list:
        cpu, memory = (sum(quantity.parse(c["usage"][r]) for c in obj["containers"]) for r in ("cpu", "memory"))
        return [obj["metadata"]["name"], quantity.format(cpu), quantity.format(memory, "binary"), obj["window"]]

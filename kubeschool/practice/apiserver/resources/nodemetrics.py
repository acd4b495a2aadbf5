"""NodeMetrics: what a node uses, as the metrics server measured it (`k8s.io/metrics/pkg/apis/metrics/v1beta1`)."""

from ..resource import Column, Resource


class NodeMetrics(Resource):
    group, version, kind, plural = "metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes"
    namespaced = False
    stored = False
    served_by = "metrics-server"
    verbs = ("get", "list")
    columns = (Column("Name", format="name"), Column("cpu"), Column("memory"), Column("Window"))

    def made(self, registry) -> list[dict]:
        return registry.metrics(self)

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], obj["usage"]["cpu"], obj["usage"]["memory"], obj["window"]]

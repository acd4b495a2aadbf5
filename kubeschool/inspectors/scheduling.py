"""Why a pod is where it is, or nowhere: the filter that each node failed, and every score of those that passed."""
from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.errors import CourseError
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.subject import Pods
from kubeschool.inspectors.view import Line, View, inspector


@inspector
def scheduling(cluster, target) -> View:
    """Of each pod that `target` means. Practice only: other schedulers do not tell."""
    able = cluster.can("scheduling")
    if not able:
        raise CourseError(able.reason)
    pods = Pods(cluster, target)

    def model() -> list[Line]:
        names = [pods.subject.name] if pods.subject.kind == "Pod" and pods.subject.name else [p["metadata"]["name"] for p in pods.objects]
        return [line for name in names for line in report(name)] or [pods.missing]

    def report(name: str) -> list[Line]:
        try:
            return _lines(name, cluster.api.get(f"/kubeschool/namespaces/{pods.subject.namespace}/pods/{name}/scheduling"))
        except ApiException as refusal:
            return [Line(message(refusal), state="gone")]

    return View(f"scheduling of {target}", [*pods.feeds, feed(cluster.api, cluster.api.resource("nodes"), "")], model)


def _lines(name: str, report: dict) -> list[Line]:
    where = report["node"] or "no node yet"
    state = "good" if report["node"] else "bad" if report["message"] else "waiting"
    wide = max((len(node["name"]) for node in report["nodes"]), default=0)
    return [Line(f"{name} → {where}", report["message"], state), *(_node(node, wide, report["node"]) for node in report["nodes"])]


def _node(node: dict, wide: int, chosen: str) -> Line:
    if "filter" in node:
        return Line(f"{node['name']:{wide}}  {node['filter']}", "; ".join(node["reasons"]), "bad", "  ")
    scores = " + ".join(f"{plugin} {points}" for plugin, points in node["scores"].items())
    return Line(f"{node['name']:{wide}}  {node['score']}", f"= {scores}", "good" if node["name"] == chosen else "gone", "  ")

"""From a Service to the pod that answers: its selector, the EndpointSlices made from it, the pods behind them, and a request to try it."""
import itertools
import os
import time
from collections import Counter
from dataclasses import replace

from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.errors import CourseError
from kubeschool.inspectors.controls import Press
from kubeschool.inspectors.feed import LOST, NOT_CONNECTED, feed
from kubeschool.inspectors.states import state
from kubeschool.inspectors.subject import Subject
from kubeschool.inspectors.view import Line, View, inspector

OF_SERVICE = "kubernetes.io/service-name"
LOOKS, LOOK_SECONDS = 10, 0.05
"""How often the logs of the pods are looked at for a request."""


@inspector
def service(cluster, target) -> View:
    """The button sends a GET through the API server's proxy; whose log shows it is who answered."""
    subject = Subject(cluster, target)
    if subject.kind != "Service":
        raise CourseError(f'a Service is meant, as in "svc/web", not {subject}')
    slices = feed(cluster.api, cluster.api.resource("endpointslices"), subject.namespace)
    pods = feed(cluster.api, cluster.api.resource("pods"), subject.namespace)
    answers = Answers(cluster.api)

    def model() -> list[Line]:
        lines = [line for obj in subject.objects for line in _lines(obj, slices.objects, pods.objects, answers.counts)]
        return [*lines, *([answers.last] if answers.last else [])] or [subject.missing]

    def ask() -> None:
        if subject.objects:
            answers.ask(subject.objects[0], slices.objects)

    return View(f"way of {target}", [*subject.feeds, slices, pods], model, [Press("send a request", ask)])


class Answers:
    """`counts` by pod; `last` says how the last request went."""

    _numbers = itertools.count(1)

    def __init__(self, api):
        self._api = api
        self.counts: Counter[str] = Counter()
        self.last: Line | None = None

    def ask(self, service: dict, slices: dict[str, dict]) -> None:
        meta, ports = service["metadata"], service["spec"].get("ports") or [{"port": 80}]
        marker = f"{os.getpid()}-{next(self._numbers)}"
        base = f"/api/v1/namespaces/{meta['namespace']}"
        path = f"{base}/services/{meta['name']}:{ports[0]['port']}/proxy/"
        try:
            body = str(self._api.get(path, kubeschool=marker))
            pod = self._who(base, marker, body, sorted({_pod(e) for _, e in _endpoints(service, slices) if _pod(e) and _is_ready(e)}))
        except ApiException as refusal:
            self.last = Line("the request", message(refusal), "bad")
        except LOST:
            self.last = Line(NOT_CONNECTED, state="bad")
        else:
            self.counts[pod] += 1
            known = Line(f"answered by {pod}", "its log has the request, or its answer says so", "good")
            self.last = known if pod else Line("answered", "no pod's log says by whom", "waiting")

    def _who(self, base: str, marker: str, body: str, pods: list[str]) -> str:
        """The pod whose log has the request, or whose name is in the answer."""
        for _ in range(LOOKS):
            for pod in pods:
                if marker in str(self._api.get(f"{base}/pods/{pod}/log", tailLines=50)):
                    return pod
            if named := [pod for pod in pods if pod in body]:
                return named[0]
            time.sleep(LOOK_SECONDS)
        return ""


def _endpoints(service: dict, slices: dict[str, dict]) -> list[tuple[dict, dict]]:
    """(slice, endpoint), sorted by slice and pod."""
    mine = [s for _, s in sorted(slices.items()) if s["metadata"].get("labels", {}).get(OF_SERVICE) == service["metadata"]["name"]]
    return [(s, e) for s in mine for e in sorted(s.get("endpoints") or (), key=lambda e: (_pod(e), e["addresses"]))]


def _is_ready(endpoint: dict) -> bool:
    """Unknown is taken for ready (discovery/v1 EndpointConditions)."""
    return endpoint.get("conditions", {}).get("ready") is not False


def _pod(endpoint: dict) -> str:
    ref = endpoint.get("targetRef") or {}
    return ref.get("name", "") if ref.get("kind") == "Pod" else ""


def _lines(service: dict, slices: dict[str, dict], pods: dict[str, dict], counts: Counter) -> list[Line]:
    spec, selector = service["spec"], service["spec"].get("selector") or {}
    ports = ", ".join(f"{p['port']} → {p.get('targetPort', p['port'])}/{p.get('protocol', 'TCP')}" for p in spec.get("ports") or ())
    found = _endpoints(service, slices)
    lines = [Line(f"Service {service['metadata']['name']}", f"{spec.get('type', 'ClusterIP')} {spec.get('clusterIP', '')}  ports {ports}")]
    if spec.get("type") == "ExternalName":
        return [*lines, Line(f"is another name of {spec['externalName']}", prefix="└─ ")]
    chosen = ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
    below = [(Line(f"selector {chosen}" if chosen else "no selector", "" if chosen else "its endpoints are made by hand"), [])]
    for slice_ in {id(s): s for s, _ in found}.values():
        mine = [e for s, e in found if s is slice_]
        numbers = ", ".join(str(p.get("port")) for p in slice_.get("ports") or ())
        ready = sum(map(_is_ready, mine))
        head = Line(f"EndpointSlice {slice_['metadata']['name']}", f"port {numbers}, {ready} of {len(mine)} ready")
        below.append((head, [_endpoint(e, pods, counts) for e in mine]))
    if not found:
        below.append((Line("no endpoints", "nothing answers: no pod has these labels" if chosen else "nothing answers", "bad"), []))
    known = {_pod(e) for _, e in found}
    for name, pod in sorted(pods.items()):
        if chosen and name not in known and selector.items() <= pod["metadata"].get("labels", {}).items():
            below.append((Line(f"Pod {name}", f"{state(pod)[0]}: selected, and in no slice", "waiting"), []))
    for i, (line, children) in enumerate(below, 1):
        lines.append(replace(line, prefix="└─ " if i == len(below) else "├─ "))
        rest = "   " if i == len(below) else "│  "
        lines += [replace(child, prefix=rest + ("└─ " if child is children[-1] else "├─ ")) for child in children]
    return lines


def _endpoint(endpoint: dict, pods: dict[str, dict], counts: Counter) -> Line:
    name, conditions = _pod(endpoint), endpoint.get("conditions", {})
    ready = _is_ready(endpoint)
    words = "ready" if ready else "ending, still serving" if conditions.get("serving") else "not ready: gets no requests"
    if name in pods and not ready:
        words += f" ({state(pods[name])[0]})"
    answered = f"  answered {counts[name]} {'▰' * min(20, counts[name])}" if counts[name] else ""
    what = f"Pod {name}" if name else "no pod"
    return Line(f"{endpoint['addresses'][0]}  {what}{answered}", words, "good" if ready else "waiting")

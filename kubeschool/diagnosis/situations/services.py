"""A Service nobody answers: what it picks, and where it sends."""

import difflib

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import when
from kubeschool.diagnosis.situation import Clue, Situation


def written(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _picks_none(service: Evidence) -> bool:
    return bool(service.spec.get("selector")) and not service.pods


def _labels_there(service: Evidence) -> str:
    """Of the pods of the namespace, those most like the selector first."""
    own = [
        {key: value for key, value in pod["metadata"].get("labels", {}).items() if not key.endswith(("-hash", "controller-uid"))}
        for pod in service.every("pods")
    ]
    alike = difflib.get_close_matches(written(service.spec["selector"]), set(map(written, own)), n=5, cutoff=0)
    return "; ".join(filter(None, alike)) or "none"


def _ports(pod: dict) -> list[dict]:
    return [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]


def port_without_name(service: Evidence):
    """A targetPort that is a name, and no container of a picked pod calls a port so."""
    for port in service.spec.get("ports", ()):
        target = port.get("targetPort")
        if isinstance(target, str) and service.pods and not any(target == p.get("name") for pod in service.pods for p in _ports(pod)):
            yield Clue(f"port {port['port']}", "", {"port": str(port["port"]), "target": target})


def port_not_noted(service: Evidence):
    """A targetPort that is a number, and the picked pods note others. Only a hint: containerPort opens nothing."""
    noted = {p["containerPort"] for pod in service.pods for p in _ports(pod)}
    for port in service.spec.get("ports", ()):
        if noted and isinstance(target := port.get("targetPort"), int) and target not in noted:
            ports = ", ".join(map(str, sorted(noted)))
            yield Clue(f"port {port['port']}", "", {"port": str(port["port"]), "target": str(target), "noted": ports})


SERVICE = (
    Situation(
        "picks-no-pod",
        when(_picks_none, picks=lambda s: written(s.spec["selector"]), there=_labels_there),
        wrong="it picks no Pod: none has the labels {picks}",
        means="A Service sends to the ready Pods that have all labels of its selector. The labels of the Pods here: {there}.",
        see="kubectl get endpointslices -l kubernetes.io/service-name={name}{n}; kubectl get pods{n} --show-labels",
        fix="make selector and labels the same: kubectl edit service {name}{n}",
    ),
    Situation(
        "port-without-name",
        port_without_name,
        wrong="its port {port} leads to a port called {target}, and no container has one of that name",
        means="A targetPort that is a word is looked up among the names of the containers' ports.",
        see="kubectl describe service {name}{n}",
        fix="name the port in the Pod's template, or write its number: kubectl edit service {name}{n}",
    ),
    Situation(
        "port-not-noted",
        port_not_noted,
        wrong="its port {port} leads to port {target} of the Pods, which note {noted}",
        means="Requests arrive at a port at which probably nobody listens: connection refused.",
        see="kubectl describe service {name}{n}",
        fix="set targetPort to the port the program listens on: kubectl edit service {name}{n}",
    ),
    Situation(
        "no-pod-ready",
        when(lambda s: s.spec.get("selector") and s.pods and not s.serving_pods, count=lambda s: len(s.pods)),
        wrong="none of the {count} Pods it picks is ready",
        means="Only ready Pods get requests, so there is nobody to send to.",
        see="kubectl get endpointslices -l kubernetes.io/service-name={name}{n}; kubectl get pods{n}",
        fix="mend the Pods, as below",
    ),
    Situation(
        "no-load-balancer",
        when(lambda s: s.spec.get("type") == "LoadBalancer" and not s.status.get("loadBalancer", {}).get("ingress")),
        wrong="it waits for a load balancer",
        means="Type LoadBalancer asks the cloud for an address from outside; a cluster without a cloud has nobody to give one.",
        see="kubectl get service {name}{n}",
        fix="use type NodePort, or kubectl port-forward service/{name}{n} 8080:PORT",
        state="waiting",
    ),
)

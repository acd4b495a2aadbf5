"""`connect()` and the cluster it gives to a notebook."""

import atexit
import contextlib
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml
from kubernetes.client.exceptions import ApiException

from kubeschool import clusters, paths
from kubeschool.clusters.context import remember_users_kubeconfig
from kubeschool.errors import CourseError
from kubeschool.progress_line import Progress

LABEL = "kubeschool.dev/learner"
"""Only namespaces with this label are the course's to write in and to remove."""
LOST = "kubeschool.dev/lost"
"""The label of a node that a lab has switched off; its value is the lab's namespace."""
AGAIN = "Your objects are safe: run this cell again, and the cluster is started again first"
NOWHERE = "apiVersion: v1\nkind: Config\n"
"""A kubeconfig with which nothing is reached."""
LACKING_INGRESS = "the Service ingress-nginx-controller in the namespace ingress-nginx is gone: start the cluster again to have it back"
NODES_SECONDS = 120
NAMESPACE_SECONDS = 180


def connect(
    cluster: str | None = None, *, namespace: str | None = None, allow: str | None = None, control_planes: int | None = None
) -> "Cluster":
    """Start or join a cluster and make it the one this notebook talks to.

    cluster     `practice`, `kind`, `minikube` or `context:NAME`; else $KUBESCHOOL_CLUSTER, else practice. Never the current context.
    namespace   made afresh for this notebook and used by every command without -n
    allow       the name of a context that is not on this machine, typed again (see clusters/guard.py)
    control_planes  how many a practice cluster has from now on (others are as they are: ask `can("control-planes")`); it is started
                again where it has another number

    Moves the notebook to the course's folder, so that `manifests/…` means the same in %kubectl, in Python and in every notebook.
    """
    own = _kernel_kubeconfig()
    provider = clusters.provider(cluster or os.environ.get("KUBESCHOOL_CLUSTER") or "practice", allow)
    if control_planes and "control-planes" in provider.abilities:
        provider.launch(control_planes=control_planes)
    else:
        provider.launch()
    if "ipykernel" in sys.modules:  # while the cluster starts, load what this and the first cell need
        from kubernetes import config  # noqa: F401
        from kubernetes.client import CoreV1Api, V1Pod  # noqa: F401

    if (paths.ROOT / "course.py").exists():
        os.chdir(paths.ROOT)
    connected = Cluster(provider, own)
    if lost := connected._lost_nodes():
        print(f"{lost[0]} stays off: the lab that lost it is not cleaned up")
    else:
        if on := connected._switch_on():
            print(f"switched on again: {on}")
        connected.wait_for_nodes()
    print(connected)
    Cluster.connected = connected
    connected._join_notebook()
    try:
        if namespace:
            connected.use_namespace(namespace)
        else:
            connected.wait_for_account("default")
    except BaseException:  # the cells that follow must not land in the namespace "default"
        connected._leave()
        raise
    return connected


def explain(target):
    """`cluster.explain(target)` on the cluster connected last. Raises CourseError when there is none."""
    if Cluster.connected is None:
        raise CourseError("connect to a cluster first: cluster = kubeschool.connect()")
    return Cluster.connected.explain(target)


@dataclass(frozen=True)
class Ability:
    """The answer of `cluster.can()`: true or false, and why."""

    able: bool
    reason: str

    def __bool__(self) -> bool:
        return self.able

    def __repr__(self) -> str:
        return f"{'yes' if self.able else 'no'}: {self.reason}"


class Cluster:
    """The cluster of this notebook. Make one with `connect()`."""

    connected: "Cluster | None" = None
    """The one connected last."""

    def __init__(self, provider, kubeconfig: Path):
        self._provider = provider
        self.name: str = provider.name
        self.namespace = "default"
        self.kubeconfig = kubeconfig
        self._load(provider.kubeconfig())

    def __repr__(self) -> str:
        nodes = len(self.api.get("/api/v1/nodes")["items"])
        version = self.api.get("/version")["gitVersion"]
        about = f" · {self._provider.about}" if self._provider.about else ""
        return f"{self.name} · Kubernetes {version} · {nodes} node{'' if nodes == 1 else 's'}{about}"

    @property
    def speed(self) -> float:
        """By how much time-lapse shortens its waits: seconds of cluster time a second."""
        return self._provider.speed

    def can(self, feature: str) -> Ability:
        """Whether this cluster has a feature that not all have, and why (not): one of clusters.LACKS or SINCE, or a resource with
        its API version ("cronjobs.batch/v1"). `%%needs FEATURE` above a cell leaves it out where the answer is no. Raises CourseError
        for a feature nobody has.
        """
        if "/" in feature:
            return self._serves(*feature.split(".", 1))
        if feature in clusters.SINCE:
            return self._is_new_enough(clusters.SINCE[feature])
        if feature not in clusters.LACKS:
            raise CourseError(f'there is no feature "{feature}"; there are: {", ".join((*clusters.LACKS, *clusters.SINCE))}')
        if feature == "lasting-volumes":
            return self._ties_volumes()
        how = self._provider.abilities.get(feature)
        return Ability(how is not None, how or clusters.LACKS[feature])

    def _serves(self, resource: str, group_version: str) -> Ability:
        served = self.api.find(f"/apis/{group_version}") or {"resources": []}
        if any(each["name"] == resource for each in served["resources"]):
            return Ability(True, f"this cluster serves {resource} in {group_version}")
        return Ability(False, f"Kubernetes {self.api.get('/version')['gitVersion']} does not serve {resource} in {group_version}")

    def _ties_volumes(self) -> Ability:
        """By the volumes that are there. Where they may not be listed, the cluster is trusted; with one node nothing moves."""
        try:
            specs = [volume["spec"] for volume in self.api.get("/api/v1/persistentvolumes")["items"]]
            several = len(self.api.get("/api/v1/nodes")["items"]) > 1
            loose = several and any("hostPath" in spec and "nodeAffinity" not in spec for spec in specs)
        except ApiException:
            loose = False
        return Ability(not loose, clusters.LACKS["lasting-volumes"] if loose else "a volume stays where its Pods go")

    def _is_new_enough(self, since: tuple[int, int]) -> Ability:
        seen = self.api.get("/version")
        version = int(seen["major"]), int(re.match(r"\d+", seen["minor"])[0])
        needed = f"it takes Kubernetes {since[0]}.{since[1]} or newer, and this cluster is {seen['gitVersion']}"
        return Ability(version >= since, f"this cluster is {seen['gitVersion']}" if version >= since else needed)

    def wait(self, target: str, wanted, timeout: float | None = None) -> None:
        """Wait until `target` is as `wanted`, and say so. On time-out the error says what the cluster shows instead.

        target      `pod/web`, `deploy/web`, `pods -l app=web`, also with `-n NAMESPACE`
        wanted      a condition ("Ready", "Available"), a phase ("Running"), a container's reason ("CrashLoopBackOff"), "Deleted",
                    or a function of the object (a dict)
        timeout     seconds; without it 60 on practice, and 180 on a real cluster, which may have images to pull
        """
        print(self._wait(target, wanted, timeout=timeout or (60 if self.name == "practice" else 180)))

    def use_namespace(self, name: str) -> None:
        """Make the namespace `name` afresh and use it from here on. What an interrupted run left is removed first: the namespace,
        and others that a manifest labels as belonging to it (`kubeschool.dev/learner: NAME`).

        Raises CourseError when a namespace of that name is there that is not the course's.
        """
        there = self.api.find(f"/api/v1/namespaces/{name}")
        if there and LABEL not in there["metadata"].get("labels", {}):
            raise CourseError(f'the namespace "{name}" is not the course\'s (it has no label {LABEL}), so the course leaves it alone')
        self._remove([*([name] if there else []), *self._labelled(f"{LABEL}={name}")])
        self.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {LABEL: "true"}}})
        self.wait_for_account(name)
        self.join_namespace(name)
        print(f"namespace {name} is new and empty; commands without -n use it")

    def join_namespace(self, name: str) -> None:
        """Use the namespace `name` as it is, from here on."""
        self.namespace = name
        self._load(self._contents)

    def use_in_terminals(self, namespace: str) -> None:
        """Make kubectl in JupyterLab's terminals, and what reads their KUBECONFIG, use `namespace` when no other is named."""
        file = self._provider.kubeconfig_file
        contents = yaml.safe_load(file.read_text(encoding="utf-8"))
        context = contents["contexts"][0]["context"]
        if context.get("namespace", "default") != namespace:
            context["namespace"] = namespace
            paths.write(file, yaml.safe_dump(contents))

    def reset(self) -> None:
        """Remove every namespace of the course (label kubeschool.dev/learner) and nothing else, and wait until they are gone."""
        names = self._labelled(LABEL)
        self._remove(names)
        print(f"removed: namespace {', '.join(sorted(names))}" if names else "nothing to remove")

    def clean_up(self) -> None:
        """Remove this notebook's namespace and those that belong to it, and wait until they are gone. Other notebooks keep theirs."""
        names = [name for name in self._labelled(LABEL) if name == self.namespace] + self._labelled(f"{LABEL}={self.namespace}")
        self._remove(names)
        print(f"removed: namespace {', '.join(sorted(names))}" if names else "nothing to remove")

    def _labelled(self, selector: str) -> list[str]:
        return [each["metadata"]["name"] for each in self.api.get("/api/v1/namespaces", labelSelector=selector)["items"]]

    def check(self, id: str):
        """How far the learner is with a checkpoint, e.g. "4.1": looks at the cluster, not at what was typed."""
        from kubeschool.checks.checkpoint import check

        return check(self, id)

    def lab(self, id: str):
        """A lab to repair, e.g. "L03", broken anew or as it was left; "surprise" draws one. `kubeschool.labs()` lists them."""
        from kubeschool.checks.exercise import start

        return start(self, id)

    def tree(self, target):
        """A live view of who owns whom below `target`, e.g. "deploy/web"."""
        from kubeschool.inspectors.tree import tree

        return tree(self, target)

    def map(self, target=None):
        """A live map of the nodes: the pods on each (all, or those of `target`), and what they requested of it."""
        from kubeschool.inspectors.map import map

        return map(self, target)

    def yaml(self, target, show: str = "", file: str = ""):
        """A live view of an object's YAML: `show` is "wanted", "actual", "managers" (who wrote which field) or, with a `file`, "diff"."""
        from kubeschool.inspectors.yaml import yaml

        return yaml(self, target, show, file)

    def rollout(self, target):
        """A live view of the revisions of "deploy/web", the pods of each, and what the controller says of the progress."""
        from kubeschool.inspectors.rollout import rollout

        return rollout(self, target)

    def logs(self, target, tail: int = 20):
        """A live view of what the pods of `target` write, e.g. "deploy/web"; each line says whose it is."""
        from kubeschool.inspectors.logs import logs

        return logs(self, target, tail)

    def journey(self, target):
        """An animated view of the writes of an object, e.g. "pod/web", on their way through the components."""
        from kubeschool.inspectors.journey import journey

        return journey(self, target)

    def service(self, target):
        """A live view from "svc/web" over its EndpointSlices to its pods, and a button that sends a request to see who answers."""
        from kubeschool.inspectors.service import service

        return service(self, target)

    def history(self, namespace: str = ""):
        """A slider over the past of a namespace (or the notebook's own): what was there after each write."""
        from kubeschool.inspectors.history import history

        return history(self, namespace)

    def watch_all(self, namespace: str = ""):
        """A live summary of a namespace (or the notebook's own): each kind, the pods that are not well, the newest warnings."""
        from kubeschool.inspectors.dashboard import watch_all

        return watch_all(self, namespace)

    def explain(self, target):
        """What is wrong with "pod/web", "pods -l app=web" or an object of the Python client, what it means and what to try."""
        from kubeschool.diagnosis import explain

        return explain(self, target)

    def timeline(self, target):
        """A live view of a pod's life, e.g. "pod/web"."""
        from kubeschool.inspectors.timeline import timeline

        return timeline(self, target)

    def events(self, target):
        """A live view of what happened to `target`, in the words of its events."""
        from kubeschool.inspectors.events import events

        return events(self, target)

    def trace(self, target):
        """A live view of every API write of `target`, e.g. "pod/web": who wrote, how, and which fields changed."""
        from kubeschool.inspectors.trace import trace

        return trace(self, target)

    def scheduling(self, target):
        """A live view of what the scheduler makes of a pod, e.g. "pod/web": the filter each node failed, every score of the others."""
        from kubeschool.inspectors.scheduling import scheduling

        return scheduling(self, target)

    @property
    def ingress(self) -> str:
        """Where this machine reaches the cluster's Ingresses, e.g. "http://127.0.0.1:31042": the NodePort of the ingress controller's
        Service. The host of a rule goes into the Host header, or before ".localhost". Raises CourseError where there is none."""
        able = self.can("ingress")
        service = able and self.api.find("/api/v1/namespaces/ingress-nginx/services/ingress-nginx-controller")
        if not service:
            raise CourseError(LACKING_INGRESS if able else able.reason)
        return f"http://127.0.0.1:{next(port['nodePort'] for port in service['spec']['ports'] if port['name'] == 'http')}"

    def component(self, name: str):
        """A part of the control plane, to `stop()` and `start()`, with all its replicas or one ("kube-scheduler-practice-control-plane2"):
         "kube-scheduler", "kube-controller-manager", "kube-proxy", "coredns",
        "metrics-server", "ingress-nginx"."""
        from kubeschool.switches import Component

        return Component(self, name)

    def node(self, name: str):
        """A node, to `stop()`, `start()` and `partition()`, e.g. "practice-worker"."""
        from kubeschool.switches import Node

        return Node(self, name)

    def _switch_on(self) -> str:
        """Start what was switched off for a lesson, and say what: without its components a cluster neither starts nor removes anything."""
        return self.api.request("POST", "/kubeschool/everything/start")["message"] if self.can("components") else ""

    def _lost_nodes(self) -> list[str]:
        """Nodes that a lab has switched off and still needs so: they are labelled with its namespace."""
        nodes = [node["metadata"] for node in self.api.get("/api/v1/nodes", labelSelector=LOST)["items"]]
        return [node["name"] for node in nodes if self.api.find(f"/api/v1/namespaces/{node['labels'][LOST]}")]

    def _remove(self, namespaces: list[str]) -> None:
        """Delete labelled namespaces; their pods get no grace period, which would only be waited for."""
        from kubernetes.client.exceptions import ApiException

        self._switch_on()
        for name in namespaces:
            self._release(name)
            for path, query in ((f"/api/v1/namespaces/{name}/pods", {"gracePeriodSeconds": 0}), (f"/api/v1/namespaces/{name}", {})):
                try:
                    self.api.request("DELETE", path, **query)
                except ApiException as error:
                    if error.status not in (404, 409):  # gone, or already being removed
                        raise
        for name in namespaces:
            self._wait(f"namespace/{name}", "Deleted")

    def _release(self, namespace: str) -> None:
        """Take off the finalizers that lessons set (example.com/…): an interrupted one would keep its namespace for ever."""
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        for each in self.api.get(path)["items"]:
            if any(finalizer.startswith("example.com/") for finalizer in each["metadata"].get("finalizers", ())):
                self.api.request("PATCH", f"{path}/{each['metadata']['name']}", {"metadata": {"finalizers": None}})

    def _wait(self, target: str, wanted, what: str | None = None, timeout: float = NAMESPACE_SECONDS) -> str:
        from kubeschool import waiting
        from kubeschool.target import Target

        objects = Target.parse(target, self.namespace, self.api)
        what = what or (wanted if isinstance(wanted, str) else "as wanted")
        waiting.wait(self.api, objects, wanted, what, timeout, self._check)
        return f"{objects} is {what}"

    def wait_for_account(self, namespace: str) -> None:
        """Wait for a new namespace's service account: pods are refused before it is there."""
        self._wait(f"serviceaccount/default -n {namespace}", lambda account: True, "there")

    def wait_for_nodes(self) -> None:
        from kubeschool.waiting import SLICE, holds

        deadline = time.monotonic() + NODES_SECONDS
        with Progress("waiting for the nodes") as progress:
            while True:
                nodes = self.api.get("/api/v1/nodes")["items"]
                ready = sum(holds(node, "Ready") for node in nodes)
                if nodes and ready == len(nodes):
                    return
                if time.monotonic() > deadline:
                    raise CourseError(f"only {ready} of {len(nodes)} nodes are Ready after {NODES_SECONDS} s; see kubectl describe nodes")
                progress.say(f"{ready} of {len(nodes)} nodes are Ready")
                time.sleep(SLICE / 4)

    def _load(self, contents: dict) -> None:
        """Write the kernel's own kubeconfig and point kubectl and the official client at it."""
        from kubernetes import config
        from kubernetes.client import ApiClient, Configuration

        from kubeschool.api import Api, LostConnections

        contents["contexts"][0]["context"]["namespace"] = self.namespace
        self._contents = contents
        paths.write(self.kubeconfig, yaml.safe_dump(contents))
        _bypass_proxy_on_this_machine()
        config.load_kube_config(str(self.kubeconfig))
        configuration = Configuration.get_default_copy()
        configuration.retries = LostConnections(3)
        self.api = Api(ApiClient(configuration))

    def _leave(self) -> None:
        """From here on kubectl and the official client reach no cluster."""
        from kubernetes.client import Configuration

        Cluster.connected = None
        paths.write(self.kubeconfig, NOWHERE)
        Configuration.set_default(None)

    def _check(self) -> None:
        """Raises CourseError when the cluster is dead."""
        if trouble := self._provider.trouble():
            raise CourseError(f"{trouble}. {AGAIN}")

    def _join_notebook(self) -> None:
        """Register %kubectl and what happens when the cluster dies, where there is a notebook."""
        try:
            from IPython import get_ipython
        except ImportError:
            return
        if shell := get_ipython():
            from kubeschool import notebook

            notebook.join(shell, self)


def _kernel_kubeconfig() -> Path:
    """This kernel's own file, which kubectl uses from here on: empty until the cluster answers, so that even then it reaches no other.

    The files of kernels that are gone are removed, with the port-forwards they left running.
    """
    folder = paths.home() / "kernels"
    for file in folder.glob("*.kubeconfig"):
        if file.stem.isdecimal() and not psutil.pid_exists(int(file.stem)):
            for process in psutil.process_iter(["cmdline"]):
                if f"--kubeconfig={file}" in (process.info["cmdline"] or ()):
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            file.unlink(missing_ok=True)
    own = folder / f"{os.getpid()}.kubeconfig"
    paths.write(own, NOWHERE)
    atexit.register(own.unlink, missing_ok=True)
    remember_users_kubeconfig()
    os.environ["KUBECONFIG"] = str(own)
    os.environ["KUBECACHEDIR"] = str(paths.home() / "kubectl-cache")
    return own


def _bypass_proxy_on_this_machine() -> None:
    """A proxy of the learner's network must not be asked for 127.0.0.1."""
    for variable in ("NO_PROXY", "no_proxy"):
        listed = [host for host in os.environ.get(variable, "").split(",") if host]
        os.environ[variable] = ",".join(dict.fromkeys([*listed, "127.0.0.1", "localhost"]))

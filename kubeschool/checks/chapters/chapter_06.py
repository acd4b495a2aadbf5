"""Checkpoints of 06 · When something is wrong: four broken applications."""

from kubernetes.client.exceptions import ApiException

from kubeschool.api import message
from kubeschool.checks import look
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import Verdict, done, not_started, not_yet

MANIFESTS = "manifests/06-troubleshooting"


def _apply(name: str) -> str:
    return f"%kubectl apply -f {MANIFESTS}/{name}.yaml"


def _broken(name: str) -> Verdict:
    return not_started(f"there is no Deployment {name} to repair", next=_apply(name))


def _available(deployment: dict) -> bool:
    return 0 < deployment["spec"]["replicas"] <= look.ready_replicas(deployment)


def _why(cluster, deployment: dict) -> str:
    """What the first trouble is, as explain() finds it."""
    found = cluster.explain(f"deploy/{deployment['metadata']['name']}").findings
    return next((f"{each.headline}: {each.said}" for each in found if each.state != "good"), "")


def _probe(fields: str) -> str:
    """A cell that changes the radio's liveness probe."""
    template = f'{{"spec":{{"containers":[{{"name":"web","livenessProbe":{{{fields}}}}}]}}}}'
    return f"%kubectl patch deployment radio -p '{{\"spec\":{{\"template\":{template}}}}}'"


def _target(port: str) -> str:
    """A cell that changes where the museum's Service sends."""
    return f"""%kubectl patch service museum --type=json -p '[{{"op": "replace", "path": "/spec/ports/0/targetPort", "value": {port}}}]'"""


GROUND = """%kubectl patch service museum -p '{"spec": {"selector": {"floor": "ground"}}}'"""


@checkpoint(
    "6.1",
    objective="trouble-start",
    before=_apply("bakery"),
    solution="""
%kubectl set image deploy/bakery web=nginx:1.27
%kubectl create configmap recipes --from-literal=BREAD=flour
cluster.wait("deploy/bakery", "Available")
""",
    wrong={
        "%kubectl create configmap recipes --from-literal=BREAD=flour": "nginxx:1.27",
        "%kubectl set image deploy/bakery web=nginx:1.27": 'configmap "recipes" not found',
        "%kubectl set image deploy/bakery web=nginx:1.27\n%kubectl create configmap recipes --from-literal=bread=flour": "its keys: bread",
        "%kubectl delete pods -l app=bakery --now": "nginxx:1.27",
    },
)
def bakery(cluster) -> Verdict:
    deployment = look.deployment(cluster, "bakery")
    if not deployment:
        return _broken("bakery")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    if {"configMapRef": {"name": "recipes"}} not in container.get("envFrom", ()):
        return not_yet("the bakery no longer takes its recipes from the ConfigMap recipes", next=_apply("bakery"))
    if _available(deployment):
        keys = (cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/configmaps/recipes") or {}).get("data", {})
        if "BREAD" not in keys:
            seen = ", ".join(keys) or "none"
            return not_yet(f"the bakery is open, but there is no recipe for BREAD; its keys: {seen}", next="%kubectl edit --help")
        return done("the bakery is open, and has a recipe for bread")
    text = f"the bakery is not Available; its image is {look.image(deployment)}"
    return not_yet(text, why=_why(cluster, deployment), next="%kubectl describe pods -l app=bakery")


@checkpoint(
    "6.2",
    objective="trouble-run",
    before=_apply("radio"),
    solution=f"""
{_probe('"tcpSocket":{"port":80}')}
%kubectl rollout status deploy/radio
""",
    wrong={
        "%kubectl rollout restart deploy/radio": "asks at port 8000",
        """%kubectl patch deployment radio --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/livenessProbe"}]'""": (
            "no liveness probe any more"
        ),
        _probe('"failureThreshold":100'): "asks at port 8000",
    },
)
def radio(cluster) -> Verdict:
    deployment = look.deployment(cluster, "radio")
    if not deployment:
        return _broken("radio")
    probe = deployment["spec"]["template"]["spec"]["containers"][0].get("livenessProbe")
    if not probe:
        text = "the radio stays on, but it has no liveness probe any more: if nginx hangs one day, nobody notices"
        return not_yet(text, next="%kubectl rollout undo deploy/radio")
    port = (probe.get("tcpSocket") or probe.get("httpGet") or {}).get("port")
    if port not in (80, None):
        return not_yet(
            f"the liveness probe asks at port {port}, and nginx listens on port 80: it is killed again and again",
            why=_why(cluster, deployment),
            next="%kubectl edit --help",
        )
    if not _available(deployment):
        return not_yet("the radio is not Available", why=_why(cluster, deployment), next='kubeschool.explain("deploy/radio")')
    return done("the radio stays on, and its liveness probe asks where nginx listens")


@checkpoint(
    "6.3",
    objective="trouble-service",
    before=_apply("museum"),
    solution=f"""
{GROUND}
{_target('"http"')}
cluster.wait("deploy/museum", "Available")
cluster.wait("endpoints/museum", lambda found: "addresses" in (found.get("subsets") or [{{}}])[0])
""",
    wrong={
        GROUND: "a port called web",
        _target("80"): "floor=first",
        f"{GROUND}\n{_target('8080')}": "8080",
        "%kubectl label pods -l app=museum floor=first --overwrite": "leave it as it is",
    },
)
def museum(cluster) -> Verdict:
    deployment = look.deployment(cluster, "museum")
    service = cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/services/museum")
    if not deployment or not service:
        return not_started("there is no museum to repair", next=_apply("museum"))
    labels, picks = deployment["spec"]["template"]["metadata"]["labels"], service["spec"].get("selector") or {}
    if not picks.items() <= labels.items():
        return not_yet(
            f"the Service picks Pods with {look.written(picks)}, "
            f"and the Deployment makes Pods with {look.written(labels)} (leave it as it is)",
            next="%kubectl describe service museum",
        )
    port = service["spec"]["ports"][0]["targetPort"]
    if isinstance(port, str) and port != "http":
        text = f"the Service picks the right Pods, and sends to a port called {port}; the container's port is called http"
        return not_yet(text, next="%kubectl edit --help")
    try:
        cluster.api.get(f"/api/v1/namespaces/{cluster.namespace}/services/museum/proxy/")
    except ApiException as error:
        text = f"the Service finds its Pods, and nobody answers at port {port}"
        return not_yet(text, why=message(error), next="%kubectl describe service museum")
    return done("http://museum answers")


@checkpoint(
    "6.4",
    objective="trouble-cluster",
    before=_apply("album"),
    solution=f"""
%kubectl delete pvc photos
import yaml
album = list(yaml.safe_load_all(open("{MANIFESTS}/album.yaml")))
del album[0]["spec"]["storageClassName"]
cluster.api.request("POST", f"/api/v1/namespaces/{{cluster.namespace}}/persistentvolumeclaims", album[0])
cluster.wait("deploy/album", "Available", timeout=120)
""",
    wrong={
        "%kubectl delete pvc photos": "no claim photos",
        "%kubectl delete pods -l app=album --now": "golden",
        """%kubectl patch deployment album -p '{"spec":{"template":{"spec":{"volumes":[{"name":"photos","persistentVolumeClaim":null,"""
        """"emptyDir":{}}]}}}}'""": "no longer uses",
    },
)
def album(cluster) -> Verdict:
    deployment = look.deployment(cluster, "album")
    if not deployment:
        return _broken("album")
    volumes = deployment["spec"]["template"]["spec"].get("volumes", ())
    if not any(volume.get("persistentVolumeClaim", {}).get("claimName") == "photos" for volume in volumes):
        return not_yet("the album no longer uses the claim photos: its photos would be lost with each Pod", next=_apply("album"))
    claim = cluster.api.find(f"/api/v1/namespaces/{cluster.namespace}/persistentvolumeclaims/photos")
    if not claim:
        return not_yet("there is no claim photos; make one of a class that is there", next="%kubectl get storageclasses")
    kind = claim["spec"].get("storageClassName")
    if not _available(deployment):
        text = f"the album is not Available; its claim photos is {claim['status'].get('phase')} and asks for the class {kind}"
        return not_yet(text, why=_why(cluster, deployment), next='kubeschool.explain("pvc/photos")')
    return done(f"the album is there, and its photos are in a claim of the class {kind}")

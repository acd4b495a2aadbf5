"""Checkpoints of 10 · FAQ and exam: the three applications of lab L23, one each."""

from kubeschool.checks import lab
from kubeschool.checks.checkpoint import checkpoint
from kubeschool.checks.verdict import DONE, Verdict, done, not_started

EXAM = 'exam = cluster.lab("L23")'
BEFORE = f"{EXAM}\nexam.reset()"


def patch(target: str, spec: str) -> str:
    """A cell that merges `spec` (JSON) into the template of a Deployment."""
    return f"""%kubectl patch {target} -p '{{"spec":{{"template":{{"spec":{spec}}}}}}}'\n"""


def container(target: str, change: str) -> str:
    """The same for its container, which is called as the Deployment is."""
    return patch(f"deploy/{target}", f'{{"containers":[{{"name":"{target}",{change}}}]}}')


def ready(target: str) -> str:
    return f"%kubectl rollout status deploy/{target}\n"


PAGE = patch("deploy/menu", '{"volumes":[{"name":"page","configMap":{"name":"menu-pages"}}]}')
OTHER_PAGE = """%kubectl create configmap menu-page --from-literal=index.html='Soup of the day: pumpkin'
%kubectl rollout restart deploy/menu
"""
PORT = """%kubectl patch service menu -p '{"spec":{"ports":[{"port":80,"targetPort":80}]}}'\n"""
IMAGE = "%kubectl set image deploy/till till=nginx:1.27\n"
PATH = container("till", '"readinessProbe":{"httpGet":{"path":"/","port":80}}')
KEY = container("oven", '"env":[{"name":"PIN","valueFrom":{"secretKeyRef":{"name":"oven","key":"pin"}}}]')
OTHER_KEY = """%kubectl patch secret oven -p '{"stringData":{"PIN":"4711"}}'\n"""
PATIENCE = container("oven", '"livenessProbe":{"failureThreshold":15}')
STARTUP = container("oven", '"startupProbe":{"exec":{"command":["cat","/tmp/warm"]},"periodSeconds":2,"failureThreshold":30}')


def application(cluster, name: str) -> Verdict:
    """The first goal of the lab about the application `name` that is not reached."""
    repair = lab.find("L23")
    if cluster.namespace != repair.namespace:
        return not_started("the exam has not begun", next=EXAM)
    verdicts = [goal.look(cluster) for goal in repair.goals if name in goal.text.replace("'", " ").split()]
    return next((verdict for verdict in verdicts if verdict.state != DONE), None) or done(f"the {name} works again")


@checkpoint(
    "10.1",
    objective="exam-repair",
    before=BEFORE,
    solution=PAGE + PORT + ready("menu"),
    wrong={PAGE + ready("menu"): "the Service menu answers", PORT: "the Service menu answers"},
)
def menu(cluster) -> Verdict:
    return application(cluster, "menu")


@checkpoint(
    "10.2",
    objective="exam-repair",
    before=BEFORE,
    solution=IMAGE + PATH + ready("till"),
    wrong={
        IMAGE: "statuscode: 404",
        IMAGE + container("till", '"readinessProbe":null') + ready("till"): "nobody asks",
        "%kubectl scale deploy/till --replicas=4": "nginx:1.72",
    },
)
def till(cluster) -> Verdict:
    return application(cluster, "till")


@checkpoint(
    "10.3",
    objective="exam-repair",
    before=BEFORE,
    solution=KEY + PATIENCE + ready("oven"),
    wrong={
        KEY: "Liveness probe failed",
        PATIENCE: "PIN",
        KEY + container("oven", '"livenessProbe":null') + ready("oven"): "nobody notices",
    },
)
def oven(cluster) -> Verdict:
    return application(cluster, "oven")

"""Before a program starts: what its container refers to is not there, or cannot be used. pkg/kubelet/{kuberuntime,volumemanager}."""

from kubeschool.diagnosis.signs import after_event, ended, event, waiting
from kubeschool.diagnosis.situation import Situation

CONFIG = "CreateContainerConfigError"
START = "RunContainerError|CreateContainerError"
STARTED = "StartError|ContainerCannotRun"
CREATING = waiting("ContainerCreating|PodInitializing")


def mount(message: str):
    return event("FailedMount|FailedAttachVolume", message, while_=CREATING)


CONFIGURATION = (
    Situation(
        "no-such-key",
        waiting(CONFIG, r"couldn't find key (?P<key>\S+) in (?P<what>ConfigMap|Secret) \S+/(?P<source>\S+)"),
        wrong="its container {container} wants the key {key}, which the {what} {source} does not have",
        means="A variable is filled from one key of a ConfigMap or Secret, and the name must be exactly the same.",
        see="kubectl describe {what} {source}{n}",
        fix="add the key: kubectl edit {what} {source}{n}; the kubelet tries again by itself",
    ),
    Situation(
        "no-such-source",
        waiting(CONFIG, r'(?P<what>configmap|secret) "(?P<source>[^"]+)" not found'),
        wrong="its container {container} needs the {what} {source}, and there is none",
        means="Variables are set when a container starts, so it cannot start before the {what} is there, in this namespace.",
        see="kubectl get {what}s{n}",
        fix="create the {what} {source}; the kubelet tries again by itself",
    ),
    Situation(
        "runs-as-root",
        waiting(CONFIG, "runAsNonRoot"),
        wrong="its container {container} must not run as root, and its image does",
        means="runAsNonRoot: true is a promise that the image must keep: it needs a user of its own.",
        fix="set securityContext.runAsUser, or take an image that has a user ({change})",
    ),
    Situation(
        "configuration",
        waiting(CONFIG),
        wrong="its container {container} cannot be made from its configuration",
        means="Something the manifest refers to is missing or does not fit.",
        fix="make what the message names; the kubelet tries again by itself",
    ),
    Situation(
        "no-command",
        waiting(START, "no command specified"),
        wrong="its container {container} has nothing to run",
        means="Neither the image nor the manifest names a command.",
        fix="set command: in the manifest ({change})",
    ),
    Situation(
        "post-start-failed",
        after_event("FailedPostStartHook"),
        wrong="the postStart hook of its container {container} failed",
        means="A container counts as started when its postStart hook has ended well; otherwise it is killed.",
        fix="run the hook's command by hand: kubectl exec {name}{n} -c {container} -- COMMAND",
    ),
    Situation(
        "command-not-found",
        ended(STARTED, message="executable file not found|no such file or directory"),
        wrong="its container {container} cannot start: the program is not in the image",
        means=(
            "The first word of command: is looked for in the image, and is not there: {command}. A shell's words need a shell: sh -c '…'."
        ),
        fix="correct command: ({change})",
    ),
    Situation(
        "command-not-allowed",
        ended(STARTED, message="permission denied"),
        wrong="its container {container} cannot start: the file may not be run",
        means="The file is there and is not executable for the container's user: {command}.",
        fix="make it executable in the image, or run it with its interpreter, as in sh FILE ({change})",
    ),
    Situation(
        "cannot-start",
        ended(STARTED),
        wrong="its container {container} cannot start",
        means="The container runtime could not begin the program: {command}.",
        fix="correct what the message names ({change})",
    ),
    Situation(
        "not-created",
        waiting(START),
        wrong="its container {container} cannot be created",
        means="The container runtime refuses what the manifest asks for.",
        fix="correct what the message names ({change})",
    ),
    Situation(
        "no-such-volume-source",
        mount(r'(?P<what>configmap|secret) "(?P<source>[^"]+)" not found'),
        wrong="it mounts the {what} {source}, and there is none",
        means="Containers start when all volumes are there. STATUS says ContainerCreating all the while, so only the events tell.",
        see="kubectl get {what}s{n}",
        fix="create the {what} {source}; the kubelet tries again by itself",
    ),
    Situation(
        "no-such-volume-key",
        mount(r"references non-existent (config|secret) key: (?P<key>\S+)"),
        wrong="it mounts the key {key}, which is not there",
        means="items: under a volume picks keys of a ConfigMap or Secret, and each must exist.",
        fix="add the key {key}, or correct items: ({change})",
    ),
    Situation(
        "not-mounted",
        mount(""),
        wrong="a volume cannot be mounted",
        means="Containers start when all volumes are there. STATUS says ContainerCreating all the while, so only the events tell.",
        fix="make what the message names; the kubelet tries again by itself",
    ),
    Situation(
        "no-memory-to-start",
        event("FailedCreatePodSandBox", "OOM-killed", while_=CREATING),
        wrong="its memory limit is too low for any process to start",
        means="Before the first container, a small process prepares the Pod; it needs about 3Mi and counts against the Pod's limit.",
        see="kubectl get pod {name}{n} -o jsonpath='{{.spec.containers[*].resources.limits}}'",
        fix="raise limits.memory: {change}",
    ),
    Situation(
        "no-sandbox",
        event("FailedCreatePodSandBox", while_=CREATING),
        wrong="the node cannot set up its network",
        means="Before any container, a Pod gets an address; the network plugin of the node did not give it one.",
        see="kubectl get pods -n kube-system -o wide",
        fix="look at the network plugin's Pod on the node {node}",
    ),
)

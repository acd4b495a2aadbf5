"""L05: a memory limit that is too low."""

from kubernetes.utils.quantity import parse_quantity

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

LAB = Lab(
    title="The cache that never gets warm",
    level=2,
    minutes=10,
    story="""
The cache reads a stock list of forty megabytes into memory when it starts, and then serves a page that says how much it has read. Since
somebody "saved a little memory" it never gets that far.

Let it serve the whole list again. It must keep a memory limit, and no more than 128Mi: the node is shared.
""",
    broken="OOMKilled",
    hints=(
        "The container ends, and it is not nginx that ends it. `kubectl describe pods -l app=cache` has a Last State with a Reason.",
        "Exit code 137 is 128 + 9: killed. Which limit did it pass?",
        "It reads 40 MB and may have 24Mi. `kubectl set resources deploy/cache --limits=memory=96Mi`",
    ),
    wrong={
        "%kubectl set resources deploy/cache --limits=memory=32Mi": "OOMKilled",
        """
%kubectl patch deploy/cache --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/resources/limits"}]'
""": "there is no memory limit",
        "%kubectl set resources deploy/cache --limits=memory=2Gi": "2Gi is more than 128Mi",
        """
%kubectl patch deploy/cache --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/command"}]'
""": 'does not say "40000000 bytes"',
    },
    repairs={
        "give it what it needs": "%kubectl set resources deploy/cache --limits=memory=96Mi",
        "read it piece by piece": """
%kubectl patch deploy/cache --type=json -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/command/2", \\
  "value": "echo $(head -c 40000000 /dev/zero | wc -c) bytes > /usr/share/nginx/html/index.html; exec nginx -g \\"daemon off;\\""}]'
""",
    },
    explanation="""
A memory limit is enforced by the kernel: a container that passes it is killed at once, with signal 9 (exit code 137, `OOMKilled`). Find out
what the program needs, and set the limit above it. Without any limit, one greedy container can take the memory of all others on the node.
""",
)


@LAB.goal("The cache serves its page, and has read the whole list")
def page(cluster) -> Verdict:
    return look.answers(cluster, "cache:80", contains="40000000 bytes")


@LAB.goal("It stays Ready")
def steady(cluster) -> Verdict:
    return look.steady(cluster, "deploy/cache", 1)


@LAB.goal("It has a memory limit of 128Mi at most")
def limited(cluster) -> Verdict:
    cache = look.find(cluster, "deploy/cache")
    limit = cache and look.container(cache["spec"]["template"]).get("resources", {}).get("limits", {}).get("memory")
    if not limit:
        return not_yet("there is no memory limit", next="%kubectl set resources --help")
    if parse_quantity(limit) > parse_quantity("128Mi"):
        return not_yet(f"{limit} is more than 128Mi", next="%kubectl top pod --containers")
    return done(f"it may use {limit}")

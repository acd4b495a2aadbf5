"""L16: a RoleBinding for somebody else."""

import re

from kubeschool.checks import look
from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
LAB = Lab(
    title="The clerk who may not look",
    level=3,
    minutes=12,
    story="""
A small program counts the Pods of this namespace every minute. It uses the ServiceAccount clerk, and since today it hears
"forbidden".

Let the clerk list and watch Pods here. It may do nothing else: not delete them, not read Secrets, not look into other namespaces.
""",
    broken="may not list Pods",
    hints=(
        "Ask as the clerk: `kubectl auth can-i list pods --as=system:serviceaccount:lab-l16:clerk`.",
        "A Role says what is allowed, a RoleBinding to whom. `kubectl describe role,rolebinding`: read both to the last letter.",
        "The binding names `clark`. `kubectl set subject rolebinding clerk-reads-pods --serviceaccount=lab-l16:clerk` adds the clerk.",
    ),
    wrong={
        "%kubectl create rolebinding clerk-edits --clusterrole=edit --serviceaccount=lab-l16:clerk": "may delete Pods",
        "%kubectl create rolebinding clerk-admin --clusterrole=cluster-admin --serviceaccount=lab-l16:clerk": "may delete Pods",
        "%kubectl create rolebinding clerk-views --clusterrole=view --serviceaccount=lab-l16:clerk": "the clerk may get",
        "%kubectl create serviceaccount clark": "may not list Pods",
    },
    repairs={
        "bind the Role to the clerk too": "%kubectl set subject rolebinding clerk-reads-pods --serviceaccount=lab-l16:clerk",
        "a binding of its own": "%kubectl create rolebinding clerk-looks --role=pod-reader --serviceaccount=lab-l16:clerk",
    },
    explanation="""
The Role was right, and bound to a ServiceAccount that does not exist: `clark`. RBAC does not check whether a subject exists, so
nobody noticed. Give the least that is needed: a Role in this namespace and a binding for this account. A binding to `edit` or
`cluster-admin` ends the complaints too, and lets a program that counts Pods delete them.
""",
)


@LAB.goal("The clerk may list and watch Pods here")
def may(cluster) -> Verdict:
    for verb in ("list", "watch"):
        if not _may(cluster, verb, "pods"):
            return not_yet(f"the clerk may not {verb} Pods", next="%kubectl auth can-i --list --as=system:serviceaccount:lab-l16:clerk")
    return done("it may")


@LAB.goal("It may do nothing else")
def may_not(cluster) -> Verdict:
    for verb, resource, namespace in (("delete", "pods", None), ("get", "secrets", None), ("list", "pods", "kube-system")):
        if _may(cluster, verb, resource, namespace):
            where = f" in {namespace}" if namespace else ""
            return not_yet(f"the clerk may {verb} {resource.capitalize()}{where}", next="%kubectl get rolebindings -o wide")
    if more := _more(cluster):
        return not_yet(f"the clerk may {more[0]}", next="%kubectl get rolebindings -o wide")
    return done("no more than that")


def _more(cluster) -> list[str]:
    """What it may do here beside reading Pods and asking about itself: ["get configmaps", …]."""
    _, listed = look.kubectl(cluster, "auth", "can-i", "--list", "--no-headers", f"--as={_user(cluster)}")
    rules = re.findall(r"^(\S+) .*\[([^]]*)\]$", listed, re.MULTILINE)
    allowed = [(verb, resource) for resource, verbs in rules if not resource.startswith("self") for verb in verbs.split()]
    return [f"{verb} {resource}" for verb, resource in allowed if resource != "pods" or verb not in ("get", "list", "watch")]


def _user(cluster) -> str:
    return f"system:serviceaccount:{cluster.namespace}:clerk"


def _may(cluster, verb: str, resource: str, namespace: str | None = None) -> bool:
    """`pkg/apis/authorization` SubjectAccessReview, as `kubectl auth can-i --as` asks it."""
    asked = {"namespace": namespace or cluster.namespace, "verb": verb, "resource": resource}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{cluster.namespace}", "system:authenticated"]
    review = {"spec": {"user": _user(cluster), "groups": groups, "resourceAttributes": asked}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", **review}
    return cluster.api.request("POST", REVIEWS, body)["status"].get("allowed", False)

"""L21: a finalizer that keeps a namespace from going."""

from kubeschool.checks.lab import Lab
from kubeschool.checks.verdict import Verdict, done, not_yet

ARCHIVE = "/api/v1/namespaces/lab-l21-archive"
LAB = Lab(
    title="The archive that will not go",
    level=3,
    minutes=12,
    story="""
The old archive, namespace lab-l21-archive, was deleted yesterday. Today it is still there: Terminating. The backup program that
looked after it was switched off last month, and every ledger has been copied.

Let the namespace go.
""",
    broken="Terminating",
    hints=(
        "`kubectl describe namespace lab-l21-archive`: its conditions say what is left.",
        "Something in it waits for somebody: look at metadata in `kubectl get configmaps -n lab-l21-archive -o yaml`.",
        "The finalizer example.com/backup waits for a program that is gone: `kubectl edit` the ConfigMap ledger and remove it.",
    ),
    wrong={
        "%kubectl delete namespace lab-l21-archive --wait=false": "Terminating",
        "%kubectl delete configmap ledger -n lab-l21-archive --force --wait=false": "Terminating",
    },
    repairs={
        "take the finalizer off": """
%kubectl patch configmap ledger -n lab-l21-archive -p '{"metadata": {"finalizers": null}}'
""",
        "the same, as a JSON patch": """
%kubectl patch configmap ledger -n lab-l21-archive --type=json -p '[{"op": "remove", "path": "/metadata/finalizers"}]'
""",
    },
    explanation="""
A finalizer is a promise: somebody wants to do something before this object goes, and will then take its name off the list. The one
who promised was switched off, so the ConfigMap stayed, and a namespace goes when everything in it has gone. Deleting again, by
force or not, changes nothing. Take a finalizer off only when you know that what it stood for is done, or does not matter.
""",
    set_up=lambda cluster: cluster.api.request("DELETE", ARCHIVE),
    tear_down=lambda cluster: release(cluster),
)


def release(cluster) -> None:
    if cluster.api.find(f"{ARCHIVE}/configmaps/ledger"):
        cluster.api.request("PATCH", f"{ARCHIVE}/configmaps/ledger", {"metadata": {"finalizers": None}})


@LAB.goal("The namespace lab-l21-archive is gone")
def gone(cluster) -> Verdict:
    archive = cluster.api.find(ARCHIVE)
    if not archive:
        return done("it is")
    conditions = {each["type"]: each["message"] for each in archive["status"].get("conditions", ()) if each["status"] == "True"}
    why = conditions.get("NamespaceFinalizersRemaining") or conditions.get("NamespaceContentRemaining", "")
    return not_yet(f"it is {archive['status']['phase']}", why=why, next="%kubectl describe namespace lab-l21-archive")


@LAB.goal("Nothing of it is left behind")
def nothing_left(cluster) -> Verdict:
    left = cluster.api.get(f"{ARCHIVE}/configmaps")["items"]
    if names := ", ".join(each["metadata"]["name"] for each in left):
        return not_yet(f"ConfigMap {names} is still there", next="%kubectl get configmaps -n lab-l21-archive -o yaml")
    return done("nothing")

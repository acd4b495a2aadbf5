"""A namespace that does not go away. Conditions: pkg/controller/namespace/deletion."""

from kubeschool.diagnosis.signs import condition, when
from kubeschool.diagnosis.situation import Situation

LEFT = "kubectl api-resources --verbs=list --namespaced -o name | xargs -n 1 kubectl get --ignore-not-found -n {name}"

NAMESPACE = (
    Situation(
        "content-has-finalizers",
        condition("NamespaceFinalizersRemaining", "True"),
        wrong="it is being removed, and an object in it has a finalizer",
        means=(
            "A namespace goes when it is empty. A finalizer is a note of a program that wants to tidy up first; that program "
            "is gone or stuck."
        ),
        see=LEFT,
        fix="mend that program; only when it will never come back, take the finalizer off the object: kubectl edit",
        state="waiting",
    ),
    Situation(
        "api-missing",
        condition("NamespaceDeletionDiscoveryFailure", "True"),
        wrong="it is being removed, and a part of the API does not answer",
        means="Before a namespace goes, every type is searched in it; an aggregated API server (APIService) is down.",
        see="kubectl get apiservices",
        fix="start that server, or delete its APIService",
    ),
    Situation(
        "content-remains",
        condition("NamespaceContentRemaining", "True"),
        wrong="it is being removed, and not empty yet",
        means="Pods get their grace period also here.",
        see=LEFT,
        fix="wait",
        state="waiting",
        last_resort=True,
    ),
    Situation(
        "namespace-ending",
        when(lambda namespace: namespace.terminating),
        wrong="it is being removed",
        means="First all objects in it go, then the namespace itself.",
        see="kubectl get namespace {name}",
        fix="wait",
        state="waiting",
        last_resort=True,
    ),
)

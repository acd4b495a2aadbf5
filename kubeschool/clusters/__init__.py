"""Which cluster the cells talk to: one file a kind of cluster.

A provider has
    name            what the learner calls it: `practice`, `kind`, `minikube`, `context:NAME`
    about           what is special about it, for the line connect() prints; may be empty
    abilities       {feature: how}; what only some clusters can do, see `lacks`
    speed           seconds of cluster time a second: time-lapse
    launch()        begin to start it if it does not run; returns at once
    kubeconfig()    wait until the API answers; the kubeconfig (dict) with one cluster, user and context
    kubeconfig_file where the same stands afterwards, for terminals: course.py lab points KUBECONFIG there
    trouble()       None, or the sentence that says why it cannot answer any more
    revive()        bring it back after `trouble`; raises CourseError where that is not ours to do
and, where the cluster is the course's own (OWN), what `course.py cluster` does:
    status()        (whether it runs, a sentence about it)
    stop(), delete()  whether there was something to stop or delete; stopping keeps every object
All raise CourseError with the sentence a learner should read.
"""

from kubeschool.errors import CourseError

OWN = ("practice", "kind", "minikube")
"""The clusters that the course makes, stops and deletes itself."""
LACKS = {
    "time-lapse": "a real cluster's clock cannot be sped up: back-offs, probes and grace periods take as long as they say",
    "node-port": "the port opens on the nodes, and this machine may have no way there (kind: only to nodePort 30080 and 30443)",
    "ingress": "an ingress controller must be installed first, and its port be opened on this machine (kind: extraPortMappings)",
    "components": "on a real cluster an administrator stops a component on its node, by moving its file out of /etc/kubernetes/manifests",
    "nodes": "a real node is switched off where it runs: `docker stop kubeschool-worker` for kind, the power button for a machine",
    "network-policy": "NetworkPolicies hold where the network plugin enforces them; whether this cluster's does, it cannot be asked",
    "control-planes": "how many control planes a cluster has is settled when it is made (kind: more nodes of the role control-plane)",
    "scheduling": "a real scheduler tells of its scores only in its log, when it is started with --v=10",
    "history": "a real API server keeps five minutes of the past for watches, and shows none of it; etcd's older revisions are compacted",
    "lasting-volumes": "its volumes are folders of a node and not tied to it (hostPath without nodeAffinity): a Pod made anew on another "
    "node finds an empty one",
    "trace": "a real API server tells who wrote what only in its audit log, if it was started with --audit-policy-file",
}
"""Features a chapter may ask for with `cluster.can()`, and what to know about a cluster without them."""
SINCE = {
    "in-place-resize": (1, 33),
    "native-sidecars": (1, 29),
    "ephemeral-containers": (1, 25),
    "indexed-jobs": (1, 22),
    "shorter-grace-period": (1, 22),  # of a pod that is ending already: kubelet/pod_workers.go
}
"""Features that every cluster has from a version of Kubernetes on, for `cluster.can()` as well."""


def provider(name: str, allow: str | None = None):
    """The provider for `practice`, `kind`, `minikube` or `context:NAME`. `allow` is the context's name typed again, see guard.py."""
    from kubeschool.clusters import context, kind, minikube, practice

    if name in OWN:
        return {"practice": practice.Practice, "kind": kind.Kind, "minikube": minikube.Minikube}[name]()
    if name.startswith("context:"):
        return context.Context(name.removeprefix("context:"), allow)
    raise CourseError(f'there is no cluster "{name}": choose practice, kind, minikube or context:NAME (a context of your own kubeconfig)')

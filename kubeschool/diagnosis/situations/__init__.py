"""The tables: for each kind, its situations. A pod passes through them in the order of its life."""

from kubeschool.diagnosis.situation import Situation
from kubeschool.diagnosis.situations import (
    configuration,
    crashes,
    ending,
    images,
    namespaces,
    nodes,
    probes,
    scheduling,
    services,
    starting,
    storage,
    workloads,
)

POD = (
    *ending.ENDING,
    *scheduling.SCHEDULING,
    *images.IMAGES,
    *configuration.CONFIGURATION,
    *probes.PROBES,
    *crashes.CRASHES,
    *starting.STARTING,
)
TABLES: dict[str, tuple[Situation, ...]] = {
    "Pod": POD,
    "Deployment": (*workloads.ASLEEP, *workloads.DEPLOYMENT, *workloads.WORKLOAD),
    "ReplicaSet": (*workloads.ASLEEP, *workloads.WORKLOAD),
    "ReplicationController": (*workloads.ASLEEP, *workloads.WORKLOAD),
    "StatefulSet": (*workloads.ASLEEP, *workloads.WORKLOAD),
    "DaemonSet": (*workloads.ASLEEP, *workloads.DAEMONSET, *workloads.WORKLOAD),
    "Job": (*workloads.JOB, *workloads.WORKLOAD),
    "Service": services.SERVICE,
    "PersistentVolumeClaim": storage.CLAIM,
    "Node": nodes.NODE,
    "Namespace": namespaces.NAMESPACE,
}

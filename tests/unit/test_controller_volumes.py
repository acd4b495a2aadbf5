"""Claims find volumes, the provisioner makes them, nothing goes while it is used."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.controllers.local_path_provisioner import LocalPathProvisioner
from kubeschool.practice.controllers.persistentvolume import PersistentVolumeController
from kubeschool.practice.controllers.pv_protection import PVProtectionController
from kubeschool.practice.controllers.pvc_protection import PVCProtectionController
from kubeschool.practice.scheduler import Scheduler

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"


@pytest.fixture
async def cluster():
    plane = ControlPlane(speed=10)
    plane.node("n1")
    storage_class = {"metadata": {"name": "standard"}, "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer"}
    plane.client.create("storageclasses.storage.k8s.io", storage_class)
    await plane.start(
        Scheduler, Nodes, PersistentVolumeController, LocalPathProvisioner, PVProtectionController, PVCProtectionController
    )
    yield plane
    await plane.stop()


def claim(cluster, name="data", **spec):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "standard", **spec}
    metadata = {"name": name, "namespace": "default", "finalizers": ["kubernetes.io/pvc-protection"]}
    return cluster.client.create(CLAIMS, {"metadata": metadata, "spec": spec})


def volume(cluster, name, size="1Gi", storage_class="", **spec):
    spec = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": "Retain", **spec}
    cluster.client.create(VOLUMES, {"metadata": {"name": name, "finalizers": ["kubernetes.io/pv-protection"]}, "spec": spec})


def pod(cluster, name="web", claim="data"):
    return cluster.pod(name, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": claim}}])


async def test_a_claim_waits_for_its_first_pod_and_gets_a_volume(cluster):
    uid = claim(cluster)["metadata"]["uid"]
    await cluster.settled()
    assert cluster.get(CLAIMS, "data")["status"]["phase"] == "Pending"
    assert ("WaitForFirstConsumer", "waiting for first consumer to be created before binding") in cluster.events("data")
    pod(cluster)
    await cluster.settled()
    assert cluster.get("pods", "web")["spec"]["nodeName"] == "n1"
    found = cluster.get(CLAIMS, "data")
    assert found["status"]["phase"] == "Bound" and found["spec"]["volumeName"] == f"pvc-{uid}"
    made = cluster.get(VOLUMES, f"pvc-{uid}", "")
    assert made["status"]["phase"] == "Bound" and made["spec"]["hostPath"]["path"].startswith("/var/local-path-provisioner/pvc-")
    reasons = [r for r, _ in cluster.events("data")]
    assert {"ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"} <= set(reasons)
    cluster.client.delete(CLAIMS, "default", "data")
    await cluster.settled()
    assert "deletionTimestamp" in cluster.get(CLAIMS, "data")["metadata"]
    cluster.client.delete("pods", "default", "web")
    await cluster.settled()
    assert cluster.get(CLAIMS, "data") is None and not cluster.objects(VOLUMES)


async def test_a_claim_takes_the_smallest_volume_that_fits(cluster):
    for name, size in (("small", "500Mi"), ("big", "10Gi"), ("right", "2Gi")):
        volume(cluster, name, size)
    await cluster.settled()
    claim(cluster, storageClassName="")
    await cluster.settled()
    assert cluster.get(CLAIMS, "data")["spec"]["volumeName"] == "right"
    assert cluster.get(CLAIMS, "data")["status"]["capacity"] == {"storage": "2Gi"}
    assert [v["status"]["phase"] for v in cluster.objects(VOLUMES)] == ["Available", "Bound", "Available"]
    cluster.client.delete(VOLUMES, "", "right")
    await cluster.settled()
    assert cluster.get(VOLUMES, "right", "")
    cluster.client.delete(CLAIMS, "default", "data")
    await cluster.settled()
    assert cluster.get(VOLUMES, "right", "") is None


async def test_a_retained_volume_is_released_and_not_given_again(cluster):
    volume(cluster, "one")
    claim(cluster, storageClassName="")
    await cluster.settled()
    cluster.client.delete(CLAIMS, "default", "data")
    await cluster.settled()
    assert cluster.get(VOLUMES, "one", "")["status"]["phase"] == "Released"
    claim(cluster, "again", storageClassName="")
    await cluster.settled()
    assert cluster.get(CLAIMS, "again")["status"]["phase"] == "Pending"
    message = "no persistent volumes available for this claim and no storage class is set"
    assert ("FailedBinding", message) in cluster.events("again")


async def test_what_cannot_be_provisioned(cluster):
    claim(cluster, storageClassName="fast")
    claim(cluster, "shared", accessModes=["ReadWriteMany"])
    pod(cluster, "web", "shared")
    await cluster.settled()
    assert ("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found') in cluster.events("data")
    why = "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
    assert ("ProvisioningFailed", f'failed to provision volume with StorageClass "standard": {why}') in cluster.events("shared")


async def test_a_claim_that_lost_its_volume(cluster):
    volume(cluster, "one")
    claim(cluster, storageClassName="")
    await cluster.settled()
    cluster.client.patch(VOLUMES, "", "one", {"metadata": {"finalizers": None}})
    cluster.client.delete(VOLUMES, "", "one")
    await cluster.settled()
    assert cluster.get(CLAIMS, "data")["status"]["phase"] == "Lost"
    assert ("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!") in cluster.events("data")


async def test_static_volumes_for_waiting_claims(cluster):
    affinity = {
        "required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]}
    }
    storage_class = {
        "metadata": {"name": "local"},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    cluster.client.create("storageclasses.storage.k8s.io", storage_class)
    volume(cluster, "disk", storage_class="local", nodeAffinity=affinity)
    claim(cluster, storageClassName="local")
    pod(cluster)
    await cluster.settled()
    assert "1 node(s) didn't find available persistent volumes to bind." in cluster.events("web")[0][1]
    cluster.node("n2")
    await cluster.settled()
    assert cluster.get("pods", "web")["spec"]["nodeName"] == "n2"
    assert cluster.get(CLAIMS, "data")["spec"]["volumeName"] == "disk"

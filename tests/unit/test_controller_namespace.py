"""What every namespace gets, and how one goes."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.controllers.namespace import NamespaceController
from kubeschool.practice.controllers.root_ca_cert_publisher import RootCACertPublisher
from kubeschool.practice.controllers.serviceaccount import ServiceAccountsController
from kubeschool.practice.scheduler import Scheduler


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    RootCACertPublisher.ca_certificate = "PEM"
    await plane.start(NamespaceController, RootCACertPublisher, ServiceAccountsController)
    yield plane
    await plane.stop()


async def test_a_namespace_has_an_account_and_the_ca(cluster):
    cluster.namespace("team")
    await cluster.settled()
    assert cluster.get("serviceaccounts", "default", "team")
    assert cluster.get("configmaps", "kube-root-ca.crt", "team")["data"] == {"ca.crt": "PEM"}
    cluster.client.delete("serviceaccounts", "team", "default")
    cluster.client.patch("configmaps", "team", "kube-root-ca.crt", {"data": {"ca.crt": "other"}})
    await cluster.settled()
    assert cluster.get("serviceaccounts", "default", "team")
    assert cluster.get("configmaps", "kube-root-ca.crt", "team")["data"] == {"ca.crt": "PEM"}


async def test_a_namespace_goes_with_its_content(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler, Nodes)
    cluster.namespace("team")
    for i in range(3):
        cluster.pod(f"p{i}", namespace="team")
    cluster.client.create("configmaps", {"metadata": {"name": "c", "namespace": "team"}})
    await cluster.settled()
    cluster.client.delete("namespaces", "", "team")
    assert cluster.get("namespaces", "team", "")["status"]["phase"] == "Terminating"
    await cluster.until(lambda: cluster.get("namespaces", "team", "") is None)
    assert not [o for r in ("pods", "configmaps", "serviceaccounts", "secrets") for o in cluster.client.list(r, "team")]


async def test_a_stuck_namespace_says_why(cluster):
    cluster.namespace("team")
    cluster.client.create("configmaps", {"metadata": {"name": "c", "namespace": "team", "finalizers": ["example.com/keep"]}})
    await cluster.settled()
    cluster.client.delete("namespaces", "", "team")
    await cluster.settled()
    conditions = {
        c["type"]: (c["status"], c["reason"], c["message"]) for c in cluster.get("namespaces", "team", "")["status"]["conditions"]
    }
    assert conditions["NamespaceContentRemaining"] == (
        "True", "SomeResourcesRemain", "Some resources are remaining: configmaps. has 1 resource instances",
    )
    assert conditions["NamespaceFinalizersRemaining"] == (
        "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances",
    )
    assert conditions["NamespaceDeletionContentFailure"][:2] == ("False", "ContentDeleted")
    cluster.client.patch("configmaps", "team", "c", {"metadata": {"finalizers": None}})
    await cluster.until(lambda: cluster.get("namespaces", "team", "") is None)
    with pytest.raises(ApiError, match="not found"):
        cluster.client.get("namespaces", "", "team")

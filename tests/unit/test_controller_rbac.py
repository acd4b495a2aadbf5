"""ClusterRoles that are put together from others, and the default ones."""

import pytest
from api import ADMIN
from control_plane import ControlPlane

from kubeschool.practice.apiserver.authorization import Authorizer
from kubeschool.practice.apiserver.bootstrap import bootstrap
from kubeschool.practice.client import Client
from kubeschool.practice.controllers.clusterrole_aggregation import CLUSTER_ROLES, ClusterRoleAggregationController


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    plane.registry.authorizer = Authorizer(plane.store)
    bootstrap(Client(plane.registry, ADMIN, "kube-apiserver"), "172.18.0.2", 6443)
    await plane.start(ClusterRoleAggregationController)
    yield plane
    await plane.stop()


def rules(cluster, name: str) -> list[dict]:
    return cluster.get(CLUSTER_ROLES, name, "")["rules"]


async def test_the_default_roles_are_what_the_controller_makes_of_them(cluster):
    before = {name: rules(cluster, name) for name in ("admin", "edit", "view")}
    await cluster.settled()
    assert {name: rules(cluster, name) for name in before} == before
    for name in before:
        cluster.client.patch(CLUSTER_ROLES, "", name, {"rules": []})
    await cluster.until(lambda: {name: rules(cluster, name) for name in before} == before)


async def test_a_labelled_role_becomes_a_part_and_leaves_again(cluster):
    rule = {"apiGroups": ["example.com"], "resources": ["crontabs"], "verbs": ["get"]}
    metadata = {"name": "crontab-viewer", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}
    cluster.client.create(CLUSTER_ROLES, {"metadata": metadata, "rules": [rule]})
    await cluster.until(lambda: all(rule in rules(cluster, name) for name in ("admin", "edit", "view")))
    cluster.client.delete(CLUSTER_ROLES, "", "crontab-viewer")
    await cluster.until(lambda: not any(rule in rules(cluster, name) for name in ("admin", "edit", "view")))

"""A notebook's cluster object: what it can, and how it tidies up."""

from types import SimpleNamespace

import pytest

from kubeschool.cluster import Cluster
from kubeschool.errors import CourseError


def cluster(version="v1.37.1", abilities=(), served=()):
    major, minor = version.removeprefix("v").split(".")[:2]
    resources = {"resources": [{"name": name} for name in served]}
    api = SimpleNamespace(
        get=lambda path: {"major": major, "minor": f"{minor}+", "gitVersion": version}, find=lambda path: resources if served else None
    )
    made = Cluster.__new__(Cluster)
    made.api, made._provider = api, SimpleNamespace(abilities=dict.fromkeys(abilities, "so"))
    return made


@pytest.mark.parametrize(("version", "able"), [("v1.37.1", True), ("v1.29.0", True), ("v1.28.9", False), ("v1.20.2", False)])
def test_some_features_come_with_a_version(version, able):
    answer = cluster(version).can("native-sidecars")
    assert bool(answer) == able and version in answer.reason and ("1.29" in answer.reason or able)


def test_a_resource_is_asked_of_the_api():
    assert cluster(served=["cronjobs"]).can("cronjobs.batch/v1")
    assert not cluster().can("cronjobs.batch/v1")


def test_the_rest_is_the_providers():
    assert cluster(abilities=["nodes"]).can("nodes").reason == "so"
    assert "docker stop" in cluster().can("nodes").reason
    with pytest.raises(CourseError, match="native-sidecars"):
        cluster().can("fly")


@pytest.mark.parametrize(
    ("volume", "nodes", "able"),
    [
        ({"hostPath": {}}, 3, False),
        ({"hostPath": {}}, 1, True),
        ({"hostPath": {}, "nodeAffinity": {}}, 3, True),
        ({"csi": {}}, 3, True),
    ],
)
def test_volumes_last_where_they_are_tied_to_their_node(volume, nodes, able):
    found = {"/api/v1/persistentvolumes": [{"spec": volume}], "/api/v1/nodes": [{}] * nodes}
    made = cluster()
    made.api.get = lambda path: {"items": found[path]}
    assert bool(made.can("lasting-volumes")) == able


def test_a_lessons_finalizer_does_not_keep_a_namespace_and_others_are_left_alone():
    def configmap(name, *finalizers):
        return {"metadata": {"name": name, "finalizers": list(finalizers)}}

    patched = []
    made = Cluster.__new__(Cluster)
    made.api = SimpleNamespace(
        get=lambda path: {"items": [configmap("a", "example.com/tidy"), configmap("b", "other.io/x"), {"metadata": {"name": "c"}}]},
        request=lambda method, path, body: patched.append((method, path, body)),
    )
    made._release("trouble")
    assert patched == [("PATCH", "/api/v1/namespaces/trouble/configmaps/a", {"metadata": {"finalizers": None}})]

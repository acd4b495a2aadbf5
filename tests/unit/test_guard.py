"""Which clusters the course talks to. The real kubectl reads the kubeconfigs."""

import os
import re

import pytest
import yaml

from kubeschool import clusters, paths
from kubeschool.clusters import guard
from kubeschool.clusters.context import USERS_KUBECONFIG, Context
from kubeschool.errors import CourseError


def kubeconfig(name="prod", server="https://203.0.113.7:6443", **more):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, **more}}],
        "users": [{"name": name, "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


SITUATIONS = {
    "a server on loopback": ("https://127.0.0.1:6443", {}, True),
    "another loopback address": ("https://127.9.9.9", {}, True),
    "loopback in IPv6": ("https://[::1]:6443", {}, True),
    "localhost": ("https://localhost:8443", {}, True),
    "a server elsewhere": ("https://203.0.113.7:6443", {}, False),
    "a private network": ("https://10.0.0.1", {}, False),
    "minikube's usual address, said by a kubeconfig alone": ("https://192.168.49.2:8443", {}, False),
    "inside a cluster": ("https://kubernetes.default.svc", {}, False),
    "every address of this machine": ("https://0.0.0.0:6443", {}, False),
    "a name that begins like localhost": ("https://localhost.example.org:6443", {}, False),
    "a name that begins like loopback": ("https://127.0.0.1.example.org", {}, False),
    "loopback as the user's name in a URL": ("https://127.0.0.1@203.0.113.7", {}, False),
    "somebody else in a URL": ("https://user@203.0.113.7", {}, False),
    "loopback through a proxy": ("https://127.0.0.1:6443", {"proxy-url": "http://proxy.example.org:3128"}, False),
    "no server": ("", {}, False),
    "no URL": ("nonsense", {}, False),
    "half an address": ("https://[::1", {}, False),
}
"""docs/which-cluster.md has the same table."""


@pytest.mark.parametrize("name", ["prod", "production-eu", "kind-prod", "kind-kubeschool", "docker-desktop"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_server_decides_and_never_the_name(situation, name):
    server, more, allowed = SITUATIONS[situation]
    if allowed:
        guard.check(kubeconfig(name, server), name, None)
    else:
        with pytest.raises(guard.Refused, match=rf'again: connect\("context:{name}", allow="{name}"\)'):
            guard.check(kubeconfig(name, server, **more), name, None)


def test_the_page_about_it_has_the_same_table():
    page = (paths.ROOT / "docs" / "which-cluster.md").read_text(encoding="utf-8")
    table = {situation: verdict for situation, verdict in re.findall(r"^\| (.+?) \| `.*?` \| (allowed|refused) \|$", page, re.MULTILINE)}
    assert table == {situation: "allowed" if allowed else "refused" for situation, (_, _, allowed) in SITUATIONS.items()}


def test_allowed_when_its_name_is_typed_again():
    guard.check(kubeconfig("prod"), "prod", "prod")


@pytest.mark.parametrize("allow", ["Prod", "pro", "*", "true", ""])
def test_anything_but_the_name_is_refused(allow):
    with pytest.raises(guard.Refused):
        guard.check(kubeconfig("prod"), "prod", allow)


@pytest.fixture
def users_kubeconfig(tmp_path, monkeypatch):
    """The learner's file, whose current context is a production cluster."""
    file = tmp_path / "config"
    both = kubeconfig("prod")
    local = kubeconfig("local", "https://127.0.0.1:6443")
    for part in ("clusters", "users", "contexts"):
        both[part] += local[part]
    file.write_text(yaml.safe_dump(both))
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(USERS_KUBECONFIG, str(file))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "the kernel's own"))
    return file


def test_the_named_context_alone_is_read(users_kubeconfig):
    context = Context("local")
    context.launch()
    found = context.kubeconfig()
    assert [each["name"] for each in found["contexts"]] == ["local"] and found["current-context"] == "local"
    assert len(found["clusters"]) == len(found["users"]) == 1


def test_the_current_context_is_never_followed(users_kubeconfig):
    with pytest.raises(guard.Refused, match=r"203\.0\.113\.7"):
        Context("prod").launch()
    with pytest.raises(CourseError, match="name the context"):
        Context("").launch()


def test_an_unknown_context_names_the_known_ones(users_kubeconfig):
    with pytest.raises(CourseError, match=r'"staging" \(it has: local, prod\)'):
        Context("staging").launch()


def test_the_first_of_two_files_with_the_same_name_is_meant(users_kubeconfig, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.write_text(yaml.safe_dump(kubeconfig("local", "https://203.0.113.9")))
    monkeypatch.setenv(USERS_KUBECONFIG, os.pathsep.join([str(other), str(users_kubeconfig)]))
    with pytest.raises(guard.Refused, match=r"203\.0\.113\.9"):
        Context("local").launch()


def test_the_users_file_is_left_alone(users_kubeconfig):
    before = users_kubeconfig.read_bytes()
    Context("local").launch()
    assert users_kubeconfig.read_bytes() == before


def test_a_context_of_any_file_of_a_list_is_found(users_kubeconfig, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.write_text(yaml.safe_dump(kubeconfig("lab", "https://127.0.0.1:7443")))
    monkeypatch.setenv(USERS_KUBECONFIG, os.pathsep.join([str(users_kubeconfig), str(other), str(tmp_path / "missing")]))
    context = Context("lab")
    context.launch()
    assert context.kubeconfig()["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7443"


def test_two_files_with_a_context_and_a_cluster_of_the_same_name_meet_the_cluster_kubectl_would(users_kubeconfig, tmp_path, monkeypatch):
    """The first file's context names a cluster that the second file has under the same name, elsewhere: the first file's counts."""
    other = tmp_path / "other"
    other.write_text(yaml.safe_dump(kubeconfig("local", "https://203.0.113.9")))
    monkeypatch.setenv(USERS_KUBECONFIG, os.pathsep.join([str(users_kubeconfig), str(other)]))
    context = Context("local")
    context.launch()
    assert context.kubeconfig()["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"


def exec_credentials(tmp_path, server) -> None:
    """The context "cloud", whose user is a program that leaves a trace when it is run."""
    file = tmp_path / "cloud"
    contents = kubeconfig("cloud", server)
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(tmp_path / "ran")]}
    contents["users"][0]["user"] = {"exec": {**program, "interactiveMode": "Never"}}
    file.write_text(yaml.safe_dump(contents))
    os.environ[USERS_KUBECONFIG] = str(file)


def test_a_program_for_credentials_is_not_run_for_a_refused_cluster(users_kubeconfig, tmp_path):
    exec_credentials(tmp_path, "https://203.0.113.7")
    with pytest.raises(guard.Refused):
        Context("cloud").launch()
    assert not (tmp_path / "ran").exists()


def test_a_program_for_credentials_is_kept_for_an_allowed_one(users_kubeconfig, tmp_path):
    exec_credentials(tmp_path, "https://127.0.0.1:6443")
    context = Context("cloud")
    context.launch()
    assert context.kubeconfig()["users"][0]["user"]["exec"]["command"] == "touch"


def test_inside_a_cluster_its_own_account_is_never_used(tmp_path, monkeypatch):
    """In a pod (a JupyterHub on Kubernetes) clients fall back to the pod's service account; the course does not."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("KUBESCHOOL_HOME", str(tmp_path))
    monkeypatch.setenv(USERS_KUBECONFIG, str(tmp_path / "none"))
    with pytest.raises(CourseError, match=r"it has: none"):
        Context("default").launch()
    assert clusters.provider("practice").directory == tmp_path / "practice"


def test_a_terminal_gets_a_context_only_when_the_guard_lets_it_pass(users_kubeconfig):
    refused, allowed = Context("prod"), Context("local")
    with pytest.raises(guard.Refused):
        refused.launch()
    assert not refused.kubeconfig_file.exists()
    allowed.launch()
    assert [each["name"] for each in yaml.safe_load(allowed.kubeconfig_file.read_text())["contexts"]] == ["local"]

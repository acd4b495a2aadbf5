"""The official Python client lists, watches, execs and port-forwards."""
import threading

import pytest
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.stream import portforward, stream


@pytest.fixture
def web(kubectl, core):
    """A running nginx pod."""
    container = client.V1Container(name="nginx", image="nginx:1.25", ports=[client.V1ContainerPort(container_port=80)])
    pod = client.V1Pod(metadata=client.V1ObjectMeta(name="web", labels={"app": "web"}), spec=client.V1PodSpec(containers=[container]))
    created = core.create_namespaced_pod(kubectl.namespace, pod)
    assert (created.status.phase, created.spec.restart_policy) == ("Pending", "Always")
    kubectl("wait pod/web --for=condition=Ready --timeout=60s")
    return kubectl.namespace


def test_list_get_and_delete(core, web):
    pods = core.list_namespaced_pod(web, label_selector="app=web")
    assert [p.metadata.name for p in pods.items] == ["web"]
    assert pods.items[0].status.pod_ip
    assert len(core.list_node().items) >= 1
    core.delete_namespaced_pod("web", web, grace_period_seconds=0)
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_pod("nosuch", web)
    assert (missing.value.status, missing.value.reason) == (404, "Not Found")


def test_every_kind_lists(core, current):
    """Every response passes the client's own validation."""
    api = core.api_client
    for group in (client.CoreV1Api, client.AppsV1Api, client.BatchV1Api, client.RbacAuthorizationV1Api, client.StorageV1Api):
        variants = ("_with_http_info", "_without_preload_content")
        for name in dir(group):
            if name.startswith("list_") and "namespaced" not in name and not name.endswith(variants):
                getattr(group(api), name)()


def test_watch_sees_changes(core, web):
    seen = []
    watching = watch.Watch()

    def label():
        core.patch_namespaced_pod("web", web, {"metadata": {"labels": {"step": "two"}}})
        core.delete_namespaced_pod("web", web)

    version = core.list_namespaced_pod(web).metadata.resource_version
    worker = threading.Thread(target=label)
    worker.start()
    for event in watching.stream(core.list_namespaced_pod, web, resource_version=version, timeout_seconds=60):
        seen.append(event["type"])
        if event["type"] == "DELETED":
            watching.stop()
    worker.join()
    assert seen[0] == "MODIFIED" and seen[-1] == "DELETED"


def test_exec(core, web):
    command = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    call = core.connect_get_namespaced_pod_exec
    session = stream(call, "web", web, command=command, stdout=True, stderr=True, _preload_content=False)
    session.run_forever(timeout=20)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 3)
    assert stream(call, "web", web, command=["hostname"], stdout=True) == "web\n"


def test_port_forward(core, web):
    forward = portforward(core.connect_get_namespaced_pod_portforward, "web", web, ports="80")
    connection = forward.socket(80)
    connection.setblocking(True)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    page = b"".join(iter(lambda: connection.recv(65536), b""))
    assert page.startswith(b"HTTP/1.1 200 OK\r\n") and b"Welcome to nginx!" in page
    assert forward.error(80) is None


def test_logs_follow(core, web):
    lines = core.read_namespaced_pod_log("web", web, follow=True, _preload_content=False)
    assert any(b"start worker process" in line for line in lines)
    lines.close()


def test_errors(core, kubectl):
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_config_map(kubectl.namespace, {"metadata": {"name": "Not Valid"}})
    assert refused.value.status == 422
    core.create_namespaced_config_map(kubectl.namespace, {"metadata": {"name": "c"}})
    with pytest.raises(ApiException) as taken:
        core.create_namespaced_config_map(kubectl.namespace, {"metadata": {"name": "c"}})
    assert (taken.value.status, taken.value.reason) == (409, "Conflict")


def test_dynamic_client(core, kubectl):
    dynamic = DynamicClient(core.api_client)
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.25"}]}},
        },
    }
    assert deployments.create(body, namespace=kubectl.namespace).spec.replicas == 1
    assert deployments.get(name="web", namespace=kubectl.namespace).spec.template.spec.containers[0].name == "nginx"
    deployments.delete(name="web", namespace=kubectl.namespace)

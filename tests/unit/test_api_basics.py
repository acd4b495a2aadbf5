"""Names, selectors, ages and URLs as the API server understands them."""
from datetime import timedelta

import pytest
from api import Api

from kubeschool.practice.apiserver import selectors
from kubeschool.practice.apiserver.errors import ApiError, invalid, invalid_value, not_supported, required
from kubeschool.practice.apiserver.names import generate_name, validate_dns_label, validate_dns_subdomain, validate_label_key
from kubeschool.practice.apiserver.request_info import RequestInfo
from kubeschool.practice.apiserver.tables import human_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (599, "9m59s"), (600, "10m"), (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"), (8 * 3600, "8h"), (47 * 3600, "47h"), (48 * 3600, "2d"), (49 * 3600, "2d1h"),
        (8 * 86400, "8d"), (729 * 86400, "729d"), (731 * 86400, "2y1d"), (9 * 365 * 86400, "9y"), (-10, "<invalid>"),
    ],
)
def test_human_duration(seconds, text):
    assert human_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("selector", "labels", "matched"),
    [
        ("app=web", {"app": "web"}, True),
        ("app==web,tier!=db", {"app": "web"}, True),
        ("app!=web", {}, True),
        ("app in (web, api)", {"app": "api"}, True),
        ("app notin (web)", {"app": "web"}, False),
        ("app", {"app": ""}, True),
        ("!app", {"app": "web"}, False),
        ("gpu>2", {"gpu": "3"}, True),
        ("gpu>2", {"gpu": "two"}, False),
        ("app=", {"app": ""}, True),
    ],
)
def test_label_selectors(selector, labels, matched):
    assert selectors.matches(selectors.parse_labels(selector), labels) is matched


@pytest.mark.parametrize("selector", ["app in web", "=web", "app=(", "a b"])
def test_a_selector_that_cannot_be_parsed_is_a_bad_request(selector):
    with pytest.raises(ApiError) as error:
        selectors.parse_labels(selector)
    assert error.value.code == 400


def test_field_selectors():
    supported = {"status.phase"}
    assert selectors.parse_fields("status.phase!=Running", supported) == [("status.phase", False, "Running")]
    with pytest.raises(ApiError, match=r"field label not supported: spec\.image"):
        selectors.parse_fields("spec.image=x", supported)


@pytest.mark.parametrize("name", ["Web", "web_1", "-web", "web-", "", "a..b", "ü"])
def test_names_kubernetes_refuses(name):
    assert validate_dns_subdomain(name)


def test_names_kubernetes_accepts():
    assert not validate_dns_subdomain("web-1.example")
    assert validate_dns_label("web.example")
    assert not validate_label_key("kubernetes.io/name")
    assert validate_label_key("/name") and validate_label_key("a/")
    assert len(generate_name("x" * 100)) == 63


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/pods", {}, ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods", {"watch": "true"}, ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/namespaces/default/pods/web/log/", {}, ("get", "", "v1", "default", "pods", "log", "web")),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments", {}, ("deletecollection", "apps", "v1", "a", "deployments", "", "")),
        ("PUT", "/api/v1/namespaces/a/finalize", {}, ("update", "", "v1", "", "namespaces", "finalize", "a")),
        ("GET", "/api/v1/namespaces", {}, ("list", "", "v1", "", "namespaces", "", "")),
        ("POST", "/api/v1/namespaces/a/pods/web/exec", {}, ("create", "", "v1", "a", "pods", "exec", "web")),
    ],
)
def test_request_info(method, path, query, expected):
    info = RequestInfo.of(method, path, query)
    assert (info.verb, info.group, info.version, info.namespace, info.resource, info.subresource, info.name) == expected


def test_paths_that_are_not_resources():
    assert not RequestInfo.of("GET", "/version/", {}).is_resource
    assert not RequestInfo.of("GET", "/apis/apps/v1", {}).is_resource


def test_invalid_says_what_upstream_says():
    one = invalid("Deployment.apps", "d", [invalid_value("spec.replicas", -1, "must be greater than or equal to 0")])
    assert one.message == 'Deployment.apps "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    two = invalid("Pod", "p", [required("spec.containers"), not_supported("spec.restartPolicy", "Maybe", ["Always", "Never"])])
    assert two.message == (
        'Pod "p" is invalid: [spec.containers: Required value, '
        'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never"]'
    )
    assert two.status["details"]["causes"][1]["reason"] == "FieldValueNotSupported"


@pytest.mark.parametrize("resource, obj, needed", [
    ("leases.coordination.k8s.io", {"spec": {}}, True),
    ("runtimeclasses.node.k8s.io", {"handler": "h"}, True),
    ("csidrivers.storage.k8s.io", {"spec": {}}, True),
    ("storageclasses.storage.k8s.io", {"provisioner": "a.b"}, False),
    ("configmaps", {}, False),
])
def test_some_kinds_are_updated_at_a_known_version_only(resource, obj, needed):
    api = Api()
    obj = {"metadata": {"name": "x"}, **obj}
    api.create(resource, obj)
    if needed:
        refused = f'{resource} "x" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update'
        assert api.refused(api.update, resource, obj) == refused
    else:
        assert api.update(resource, obj)

import ipaddress

import pytest
from api import Api


@pytest.fixture
def api():
    return Api()


def service(name: str = "web", **spec) -> dict:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec}}


def test_a_service_gets_an_address_and_its_defaults(api):
    made = api.create("services", service())["spec"]
    assert ipaddress.ip_address(made["clusterIP"]) in ipaddress.ip_network("10.96.0.0/16")
    assert made["clusterIPs"] == [made["clusterIP"]]
    assert made["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert (made["type"], made["sessionAffinity"], made["internalTrafficPolicy"]) == ("ClusterIP", "None", "Cluster")
    assert (made["ipFamilies"], made["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


def test_an_address_is_taken_until_its_service_is_deleted(api):
    api.create("services", service(clusterIP="10.96.0.10"))
    message = api.refused(api.create, "services", service("other", clusterIP="10.96.0.10"))
    assert message == (
        'Service "other" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: '
        "failed to allocate IP 10.96.0.10: provided IP is already allocated"
    )
    api.delete("services", "web")
    assert api.create("services", service("other", clusterIP="10.96.0.10"))["spec"]["clusterIP"] == "10.96.0.10"


def test_an_address_out_of_range_is_refused(api):
    message = api.refused(api.create, "services", service(clusterIP="1.2.3.4"))
    assert message.endswith("the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/16")


def test_node_ports_are_allocated_kept_and_unique(api):
    port = api.create("services", service(type="NodePort"))["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    assert api.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}})["spec"]["ports"][0]["nodePort"] == port
    taken = service("other", type="NodePort", ports=[{"port": 80, "nodePort": port}])
    message = f'Service "other" is invalid: spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated'
    assert api.refused(api.create, "services", taken) == message
    low = service("other", type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    assert api.refused(api.create, "services", low).endswith(
        "Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"
    )


def test_changing_the_type_back_drops_the_node_port(api):
    api.create("services", service(type="NodePort"))
    changed = api.patch("services", "web", {"spec": {"type": "ClusterIP"}})["spec"]
    assert "nodePort" not in changed["ports"][0]
    assert "externalTrafficPolicy" not in changed


def test_a_cluster_ip_does_not_change(api):
    made = api.create("services", service(clusterIP="10.96.0.10"))
    message = api.refused(api.patch, "services", "web", {"spec": {"clusterIP": "10.96.0.11"}})
    assert message == 'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set'
    assert api.patch("services", "web", {"metadata": {"labels": {"a": "b"}}})["spec"] == made["spec"]


def test_a_headless_service_has_no_address(api):
    made = api.create("services", service(clusterIP="None"))["spec"]
    assert (made["clusterIP"], made["clusterIPs"]) == ("None", ["None"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"ports": []}, "spec.ports: Required value"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]"),
        ({"type": "x"}, 'spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'),
        ({"type": "ExternalName", "ports": None}, "spec.externalName: Required value"),
        (
            {"ports": [{"port": 80, "nodePort": 30000}]},
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        ({"ports": [{"port": 0}]}, None),
    ],
)
def test_invalid_services_are_refused_in_upstreams_words(api, spec, message):
    refusal = api.refused(api.create, "services", service(**spec))
    if message:
        assert refusal == f'Service "web" is invalid: {message}'
    else:
        assert "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" in refusal


@pytest.mark.parametrize(
    ("spec", "external", "ports"),
    [
        ({}, "<none>", "80/TCP"),
        ({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}, "<none>", "80:30080/TCP"),
        ({"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]}, "<pending>", "80:30080/TCP"),
        ({"type": "ExternalName", "externalName": "example.com", "ports": None}, "example.com", "<none>"),
        ({"externalIPs": ["1.2.3.4"]}, "1.2.3.4", "80/TCP"),
    ],
)
def test_columns(api, spec, external, ports):
    api.create("services", service(**spec))
    row = api.row("services", "web")
    assert (row["External-IP"], row["Port(s)"], row["Selector"]) == (external, ports, "app=web")

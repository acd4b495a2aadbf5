"""FlowSchemas and PriorityLevelConfigurations: kept and shown as Kubernetes does."""

import pytest
from api import Api

SCHEMAS, LEVELS = "flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"


@pytest.fixture
def api():
    return Api()


def test_a_flow_schema(api):
    made = api.create(SCHEMAS, {"metadata": {"name": "f"}, "spec": {"priorityLevelConfiguration": {"name": "p"}}})
    assert made["spec"]["matchingPrecedence"] == 1000
    row = api.row(SCHEMAS, "f")
    assert list(row.values())[1:4] == ["p", 1000, "<none>"] and row["MissingPL"] == "?"
    refused = api.refused(api.create, SCHEMAS, {"metadata": {"name": "g"}, "spec": {"matchingPrecedence": 10001}})
    assert "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000" in refused
    assert "spec.priorityLevelConfiguration.name: Required value: must reference a priority level" in refused


def test_a_priority_level(api):
    spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {"queues": 16}}}}
    limited = api.create(LEVELS, {"metadata": {"name": "p"}, "spec": spec})["spec"]["limited"]
    assert (limited["nominalConcurrencyShares"], limited["lendablePercent"]) == (30, 0)
    assert list(api.row(LEVELS, "p").values())[:6] == ["p", "Limited", 30, 16, 8, 50]
    api.create(LEVELS, {"metadata": {"name": "all"}, "spec": {"type": "Exempt"}})
    assert list(api.row(LEVELS, "all").values())[:6] == ["all", "Exempt", "<none>", "<none>", "<none>", "<none>"]
    assert 'spec.type: Unsupported value: "X"' in api.refused(api.create, LEVELS, {"metadata": {"name": "x"}, "spec": {"type": "X"}})

"""Rules in CEL: of CustomResourceDefinitions and of ValidatingAdmissionPolicies."""

import pytest
from api import Api, workload

from kubeschool.practice.apiserver import expressions, structural
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.expressions import ExpressionError

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
BINDINGS = "validatingadmissionpolicybindings.admissionregistration.k8s.io"
CRDS = "customresourcedefinitions.apiextensions.k8s.io"


# -- the language ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression, value", [
    ("self.names.all(n, n.size() < 3) && 'a' in self.names", True),
    ("has(self.nope)", False),
    ("self.text.matches('^h.*o$') && self.text.lowerAscii().startsWith('he')", True),
    ("self.names.join('-')", "a-b"),
    ("self.text.find('l+')", "ll"),
    ("self.names.isSorted()", True),
    ("duration('1h') > duration('5m')", True),
])
def test_what_expressions_say(expression, value):
    assert expressions.evaluate(expression, {"self": {"names": ["a", "b"], "text": "hello"}}) == value


@pytest.mark.parametrize("expression, message", [
    ("self.nope > 1", "no such key: nope"),
    ("self.one / 0 == 1", "division by zero"),
    ("self.one > 'x'", "no such overload"),
    ("self.one >", "compilation failed: ERROR: <input>:1:11: Syntax error: mismatched input '<EOF>'"),
])
def test_what_is_wrong_with_them(expression, message):
    with pytest.raises(ExpressionError) as error:
        expressions.evaluate(expression, {"self": {"one": 1}})
    assert str(error.value).startswith(message)


# -- CustomResourceDefinitions -----------------------------------------------------------------------------------

SCALE = {
    "type": "object",
    "properties": {
        "min": {"type": "integer"},
        "replicas": {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "never shrinks"}]},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
                "x-kubernetes-validations": [{"rule": "self.size >= oldSelf.size", "fieldPath": ".size", "reason": "FieldValueForbidden"}],
            },
        },
    },
    "x-kubernetes-validations": [
        {"rule": "self.min <= self.replicas", "messageExpression": "'replicas ' + string(self.replicas) + ' < ' + string(self.min)"},
    ],
}


def found(value: dict, *old: dict) -> list[str]:
    return [str(error) for error in structural.validate(SCALE, value, "spec", *old)]


def test_rules_of_a_schema():
    assert found({"min": 1, "replicas": 2}) == []
    assert found({"min": 3, "replicas": 2}) == ['spec: Invalid value: "object": replicas 2 < 3']
    assert found({"min": 3}) == [
        'spec: Invalid value: "object": no such key: replicas evaluating rule: failed rule: self.min <= self.replicas']
    assert found({"min": "x"}) == ['spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"']


def test_rules_about_what_was():
    old = {"min": 1, "replicas": 4, "parts": [{"name": "a", "size": 2}, {"name": "b", "size": 1}]}
    assert found({**old, "replicas": 3}, old) == ['spec.replicas: Invalid value: "integer": never shrinks']
    moved = {**old, "parts": [{"name": "b", "size": 1}, {"name": "a", "size": 1}]}
    assert found(moved, old) == ["spec.parts[1].size: Forbidden: failed rule: self.size >= oldSelf.size"]


def test_a_rule_may_ask_whether_there_was_an_old_value():
    schema = {"type": "string", "x-kubernetes-validations": [
        {"rule": "!oldSelf.hasValue() || oldSelf.value() == self", "optionalOldSelf": True, "message": "immutable"}]}
    assert structural.validate(schema, "a", "spec") == []
    assert [str(e) for e in structural.validate(schema, "b", "spec", "a")] == ['spec: Invalid value: "string": immutable']


def definition(rule: str) -> dict:
    spec = {"type": "object", "properties": {"x": {"type": "integer"}}, "x-kubernetes-validations": [{"rule": rule}]}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": "foos.example.com"}, "spec": spec}


@pytest.mark.parametrize("rule, message", [
    ("self.z > 1", "compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z > 1\n | ....^"),
    ("self.x >", "compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>'"),
])
def test_a_definitions_rules_are_looked_at_when_it_is_made(rule, message):
    api = Api()
    refused = api.refused(api.create, CRDS, definition(rule))
    path = "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
    assert f"{path}: Invalid value: apiextensions.ValidationRule{{Rule:" in refused and message in refused
    api.create(CRDS, definition("self.x > 1 && self.x.size() > 0 || 'self.z' == ''"))


# -- ValidatingAdmissionPolicies ----------------------------------------------------------------------------------


@pytest.fixture
def api():
    return Api()


def policy(api, validations=({"expression": "object.spec.replicas <= 5"},), actions=("Deny",), binding=None, **spec):
    rules = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}]
    spec = {"matchConstraints": {"resourceRules": rules}, "validations": list(validations), **spec}
    api.create(POLICIES, {"metadata": {"name": "few"}, "spec": spec})
    bound = {"policyName": "few", "validationActions": list(actions), **(binding or {})}
    api.create(BINDINGS, {"metadata": {"name": "everywhere"}, "spec": bound})


DENIED = "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'few' with binding 'everywhere' denied request: "


def test_a_write_is_denied(api):
    policy(api)
    with pytest.raises(ApiError) as refusal:
        api.create("deployments.apps", workload(replicas=6))
    assert (refusal.value.code, refusal.value.reason) == (422, "Invalid")
    assert refusal.value.message == DENIED + "failed expression: object.spec.replicas <= 5"
    api.create("deployments.apps", workload(replicas=5))
    assert api.refused(api.patch, "deployments.apps", "web", {"spec": {"replicas": 9}}).startswith(DENIED)
    api.create("replicasets.apps", workload(replicas=9))


@pytest.mark.parametrize("validation, message", [
    ({"expression": "false", "message": "no"}, "no"),
    ({"expression": "false", "messageExpression": "'not ' + object.metadata.name", "message": "no"}, "not web"),
    ({"expression": "object.spec.nope == 1"}, "expression 'object.spec.nope == 1' resulted in error: no such key: nope"),
])
def test_what_it_says(api, validation, message):
    policy(api, [validation])
    assert api.refused(api.create, "deployments.apps", workload()) == DENIED + message


def test_a_reason_of_its_own_and_a_policy_that_forgives_errors(api):
    policy(api, [{"expression": "object.spec.nope == 1"}, {"expression": "false", "reason": "Forbidden"}], failurePolicy="Ignore")
    with pytest.raises(ApiError) as refusal:
        api.create("deployments.apps", workload())
    assert (refusal.value.code, refusal.value.reason, refusal.value.message) == (403, "Forbidden", DENIED + "failed expression: false")


def test_variables_conditions_and_the_request(api):
    policy(
        api,
        [{"expression": "variables.most >= object.spec.replicas && request.operation == 'CREATE' && oldObject == null"}],
        variables=[{"name": "most", "expression": "namespaceObject.metadata.name == 'default' ? 2 : 9"}],
        matchConditions=[{"name": "not-system", "expression": "!object.metadata.name.startsWith('system-')"}],
    )
    api.create("deployments.apps", workload(replicas=2))
    api.create("deployments.apps", workload("system-x", replicas=7))
    assert "denied request" in api.refused(api.create, "deployments.apps", workload("other", replicas=3))


def test_parameters(api):
    binding = {"paramRef": {"name": "limit", "namespace": "default", "parameterNotFoundAction": "Deny"}}
    expression = "object.spec.replicas <= int(params.data.most)"
    policy(api, [{"expression": expression}], binding=binding, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    missing = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    assert api.refused(api.create, "deployments.apps", workload()) == DENIED + missing
    api.create("configmaps", {"metadata": {"name": "limit"}, "data": {"most": "3"}})
    api.create("deployments.apps", workload(replicas=3))
    assert "denied request" in api.refused(api.create, "deployments.apps", workload("other", replicas=4))


def test_a_warning_lets_it_pass(api):
    policy(api, actions=["Warn"])
    request = api.request("create", "deployments.apps", obj := workload(replicas=6))
    api.registry.create(request, obj)
    assert request.warnings == [
        "Validation failed for ValidatingAdmissionPolicy 'few' with binding 'everywhere': failed expression: object.spec.replicas <= 5"]


def test_namespaces_are_selected_by_label(api):
    policy(api, binding={"matchResources": {"namespaceSelector": {"matchLabels": {"strict": "yes"}}}})
    api.create("deployments.apps", workload(replicas=6))
    api.patch("namespaces", "default", {"metadata": {"labels": {"strict": "yes"}}})
    assert "denied request" in api.refused(api.create, "deployments.apps", workload("other", replicas=6))


def test_a_policy_that_cannot_be_compiled_is_refused(api):
    refused = api.refused(policy, api, [{"expression": "object.spec.replicas <"}])
    assert 'spec.validations[0].expression: Invalid value: "object.spec.replicas <": compilation failed: ERROR: <input>:1:' in refused

"""Rules in CEL: what kubectl says of an object that breaks those of its definition, or of a ValidatingAdmissionPolicy."""

import pytest

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scalers.wire.example.com}
spec:
  group: wire.example.com
  scope: Namespaced
  names: {plural: scalers, singular: scaler, kind: Scaler, listKind: ScalerList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {min: {type: integer}, max: {type: integer}}
            x-kubernetes-validations:
            - rule: self.min <= self.max
              message: min must not exceed max
"""
SCALER = """\
apiVersion: wire.example.com/v1
kind: Scaler
metadata: {{name: s}}
spec: {{min: {min}, max: 3}}
"""
POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: wire-few}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  validations: [{expression: object.spec.replicas <= 5, message: five at most}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: wire-few}
spec:
  policyName: wire-few
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {wire: few}}}
"""


@pytest.fixture
def applied(kubectl, current):
    kubectl.file("rules.yaml", DEFINITION + "---\n" + POLICY)
    kubectl("apply -f rules.yaml")
    kubectl("wait crd/scalers.wire.example.com --for=condition=Established --timeout=30s")
    yield kubectl
    kubectl("delete -f rules.yaml --ignore-not-found")


def test_rules(applied):
    applied.file("scaler.yaml", SCALER.format(min=4))
    assert applied.fails("create -f scaler.yaml") == 'The Scaler "s" is invalid: spec: Invalid value: "object": min must not exceed max'
    applied.file("scaler.yaml", SCALER.format(min=2))
    assert applied("create -f scaler.yaml") == "scaler.wire.example.com/s created\n"
    applied(f"label namespace {applied.namespace} wire=few")
    applied("create deployment web --image=nginx:1.25 --replicas=0")
    assert applied.fails("""patch deployment web -p '{"spec":{"replicas":6}}'""") == (
        'The deployments "web" is invalid: : ValidatingAdmissionPolicy \'wire-few\' with binding \'wire-few\' denied request: five at most'
    )
    assert applied("scale deployment web --replicas=1") == "deployment.apps/web scaled\n"


def test_a_rule_that_names_no_field(kubectl, current):
    kubectl.file("wrong.yaml", DEFINITION.replace("self.min <=", "self.least <=").replace("scaler", "bad").replace("Scaler", "Bad"))
    refused = kubectl.fails("create -f wrong.yaml")
    assert "compilation failed: ERROR: <input>:1:5: undefined field 'least'\n | self.least <= self.max\n | ....^" in refused

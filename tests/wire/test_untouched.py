"""What the real lane compares before and after the lessons does see what is written outside of their namespaces."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from untouched import differences, everything_else


def test_only_what_is_outside_of_the_courses_namespaces_counts(kubectl):
    before = everything_else(str(kubectl.kubeconfig))
    assert any(name.startswith("Node /") for name in before) and any(name.startswith("ConfigMap kube-system/") for name in before)
    kubectl("label namespace " + kubectl.namespace + " kubeschool.dev/learner=true")
    mine = {name for name in before if f" {kubectl.namespace}/" in name or name == f"Namespace /{kubectl.namespace}"}
    kubectl("create configmap inside")
    told = differences(before, everything_else(str(kubectl.kubeconfig)))
    assert set(told) == {f"removed: {name}" for name in mine}
    kubectl("create configmap outside -n default")
    kubectl("label node --all lesson=yes")
    try:
        told = set(differences(before, everything_else(str(kubectl.kubeconfig)))) - set(told)
        assert "made: ConfigMap default/outside" in told and len(told) == 4
        assert sum(line.startswith("changed: Node /") for line in told) == 3
    finally:
        kubectl("delete configmap outside -n default")
        kubectl("label node --all lesson-")

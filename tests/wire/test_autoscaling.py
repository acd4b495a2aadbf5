"""An autoscaler on what containers really use."""
import pytest
from conftest import REAL

pytestmark = pytest.mark.skipif(bool(REAL), reason="a fresh kind cluster has no metrics server")


def test_busy_and_quiet(kubectl, until):
    kubectl("create deployment web --image=busybox -- sh -c 'while [ -e /tmp/quiet ] || :; do [ -e /tmp/quiet ] && sleep 1; done'")
    kubectl("set resources deployment web --requests=cpu=400m")
    kubectl("autoscale deployment web --min=1 --max=3 --cpu=50%")
    until(lambda: kubectl("get deployment web -o jsonpath={.status.readyReplicas}") == "3")
    described = kubectl("describe hpa web")
    assert "SuccessfulRescale" in described and "reason: cpu resource utilization (percentage of request) above target" in described

    def quiet() -> bool:
        for pod in kubectl("get pods -l app=web -o name").split():
            kubectl.run(f"exec {pod} -- touch /tmp/quiet")
        return kubectl("get deployment web -o jsonpath={.spec.replicas}") == "1"

    until(quiet)
    assert "reason: All metrics below target" in kubectl("describe hpa web")

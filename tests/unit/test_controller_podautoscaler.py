"""HorizontalPodAutoscaler, on metrics that the tests make up."""

import asyncio
import random

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.clock import timestamp
from kubeschool.practice.component_helpers import condition
from kubeschool.practice.controllers.deployment import DeploymentController
from kubeschool.practice.controllers.podautoscaler import AUTOSCALERS, HorizontalPodAutoscalerController
from kubeschool.practice.controllers.replicaset import ReplicaSetController
from kubeschool.practice.scheduler import Scheduler

NO_METRICS = "no metrics returned from resource metrics API"
NO_CUSTOM = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"


class Lab(ControlPlane):
    """`load` is what all pods together use, in thousandths of a core and in MiB; None while nobody measures."""

    load: int | None = None

    def metrics(self, resource):
        pods = [p for p in self.client.list("pods") if (p.get("status") or {}).get("phase") == "Running"]
        if self.load is None:
            return []
        share = self.load / max(len(pods), 1)
        usage = {"cpu": f"{share * 1e6:.0f}n", "memory": f"{share * 1024:.0f}Ki"}
        return [
            {"metadata": {k: p["metadata"].get(k, {}) for k in ("name", "namespace", "labels")}, "timestamp": timestamp(),
             "window": "15.000s", "containers": [{"name": c["name"], "usage": usage} for c in p["spec"]["containers"]]}
            for p in pods
        ]

    def deployment(self, replicas=1, requests=None, containers=("c",)):
        resources = {"requests": {"cpu": "100m", "memory": "100Mi"} if requests is None else requests}
        pods = {"containers": [{"name": name, "image": "nginx", "resources": resources} for name in containers]}
        template = {"metadata": {"labels": {"app": "web"}}, "spec": pods}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
        self.client.create("deployments.apps", {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})

    def autoscaler(self, *metrics, most=10, kind="Deployment", target="web", name="web", **spec):
        spec |= {"maxReplicas": most, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": target}}
        spec["metrics"] = list(metrics) or [memory(50)]
        self.client.create(AUTOSCALERS, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})

    @property
    def hpa(self):
        return self.get(AUTOSCALERS, "web")

    @property
    def replicas(self):
        return self.get("deployments.apps", "web")["spec"]["replicas"]

    def condition(self, type_):
        """(status, reason)"""
        found = condition(self.hpa, type_)
        return found and (found["status"], found["reason"])

    async def scaled(self, replicas):
        await self.until(lambda: self.replicas == replicas == (self.hpa.get("status") or {}).get("currentReplicas"))


def memory(percent):
    return {"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": percent}}}


def cpu(percent):
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}


@pytest.fixture
async def lab():
    lab = Lab()
    lab.registry.metrics = lab.metrics
    lab.node("n1", pods="1000", cpu="1000", memory="1000Gi")
    await lab.start(Scheduler, Nodes, DeploymentController, ReplicaSetController, HorizontalPodAutoscalerController)
    yield lab
    await lab.stop()


async def test_cpu_use_above_the_target_brings_more_pods_and_below_it_fewer(lab):
    lab.load = 200
    lab.deployment()
    lab.autoscaler(cpu(50))
    await lab.scaled(4)
    status = lab.hpa["status"]
    assert status["currentMetrics"][0]["resource"]["current"]["averageValue"] and status["lastScaleTime"]
    assert lab.condition("ScalingActive") == ("True", "ValidMetricFound")
    words = "New size: 4; reason: cpu resource utilization (percentage of request) above target"
    assert ("SuccessfulRescale", words) in lab.events("web")
    lab.load = 40
    await lab.scaled(1)
    assert ("SuccessfulRescale", "New size: 1; reason: All metrics below target") in lab.events("web")
    await lab.until(lambda: lab.condition("AbleToScale") == ("True", "ReadyForNewScale"))
    assert lab.condition("ScalingLimited") == ("False", "DesiredWithinRange")


async def test_a_quiet_time_must_last_before_pods_go(lab):
    lab.clock.speed = 100
    lab.load = 200
    lab.deployment()
    lab.autoscaler()
    await lab.scaled(4)
    lab.load = 10
    await lab.until(lambda: lab.condition("AbleToScale") == ("True", "ScaleDownStabilized"))
    assert lab.replicas == 4
    lab.clock.speed = 1000
    await lab.scaled(1)


async def test_a_use_near_the_target_changes_nothing(lab):
    lab.load = 108
    lab.deployment(replicas=2)
    await lab.until(lambda: len(lab.metrics(None)) == 2)
    lab.autoscaler()
    await lab.until(lambda: lab.condition("AbleToScale") == ("True", "ReadyForNewScale"))
    assert lab.replicas == 2 and lab.hpa["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 54


@pytest.mark.parametrize(("replicas", "load", "limits", "end", "reason"), [
    (1, 1000, {"most": 3}, 3, ("True", "TooManyReplicas")),
    (3, 1, {"minReplicas": 2}, 2, ("True", "TooFewReplicas")),
])
async def test_limits(lab, replicas, load, limits, end, reason):
    lab.load = load
    lab.deployment(replicas=replicas)
    lab.autoscaler(**limits)
    await lab.scaled(end)
    await lab.until(lambda: lab.condition("ScalingLimited") == reason)


async def test_pods_at_most_double_at_a_time(lab):
    lab.load = 10000
    lab.deployment()
    lab.autoscaler(most=100)
    await lab.scaled(100)
    sizes = [message.split(";")[0] for reason, message in lab.events("web") if reason == "SuccessfulRescale"]
    assert sizes == [f"New size: {n}" for n in (4, 8, 16, 32, 64, 100)]


@pytest.mark.parametrize(("replicas", "end", "words"), [
    (5, 3, "New size: 3; reason: Current number of replicas above Spec.MaxReplicas"),
    (1, 2, "New size: 2; reason: Current number of replicas below Spec.MinReplicas"),
])
async def test_outside_the_range_no_metric_is_asked(lab, replicas, end, words):
    lab.deployment(replicas=replicas)
    lab.autoscaler(most=3, minReplicas=2)
    await lab.scaled(end)
    assert ("SuccessfulRescale", words) in lab.events("web")


async def test_policies_slow_it_down(lab):
    lab.clock.speed = 200
    lab.load = 1000
    lab.deployment()
    up = {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}
    lab.autoscaler(behavior={"scaleUp": up, "scaleDown": {"selectPolicy": "Disabled"}})
    await lab.scaled(3)
    await lab.until(lambda: lab.condition("ScalingLimited") == ("True", "ScaleUpLimit"))
    lab.clock.speed = 1000
    await lab.scaled(10)
    sizes = [message.split(";")[0] for reason, message in lab.events("web") if reason == "SuccessfulRescale"]
    assert sizes == [f"New size: {n}" for n in (3, 5, 7, 9, 10)]
    lab.load = 1
    await lab.until(lambda: lab.condition("ScalingLimited") == ("True", "ScaleDownLimit"))
    assert lab.replicas == 10


async def test_a_rise_must_last_where_the_behavior_says_so(lab):
    lab.clock.speed = 100
    lab.load = 40
    lab.deployment()
    lab.autoscaler(behavior={"scaleUp": {"stabilizationWindowSeconds": 300}})
    await lab.until(lambda: lab.condition("AbleToScale") == ("True", "ReadyForNewScale"))
    lab.load = 200
    await lab.until(lambda: lab.condition("AbleToScale") == ("True", "ScaleUpStabilized"))
    assert lab.replicas == 1
    lab.clock.speed = 1000
    await lab.scaled(4)


async def test_a_containers_use_and_an_average_value(lab):
    lab.load = 200
    lab.deployment(containers=("c", "log"))
    target = {"type": "AverageValue", "averageValue": "50Mi"}
    lab.autoscaler({"type": "ContainerResource", "containerResource": {"name": "memory", "container": "c", "target": target}})
    await lab.scaled(4)
    current = lab.hpa["status"]["currentMetrics"][0]["containerResource"]
    assert (current["container"], current["name"]) == ("c", "memory") and "averageUtilization" not in current["current"]


async def test_pods_nobody_has_measured_do_not_tip_the_scale(lab):
    lab.load = 120
    lab.deployment(replicas=2)
    await lab.until(lambda: len(lab.metrics(None)) == 2)
    lab.registry.metrics = lambda resource: lab.metrics(resource)[:1]
    lab.autoscaler()
    await lab.until(lambda: lab.condition("ScalingActive") == ("True", "ValidMetricFound"))
    assert lab.replicas == 2  # 60 % of one pod is 30 % of two
    lab.registry.metrics = lab.metrics
    await lab.scaled(3)


@pytest.mark.parametrize(("metric", "requests", "load", "reason", "words", "before"), [
    (cpu(50), {}, 100, "FailedGetResourceMetric", "failed to get cpu utilization: missing request for cpu in container c of Pod {pod}",
     "failed to get cpu resource metric value: "),
    (cpu(50), None, None, "FailedGetResourceMetric", f"failed to get cpu utilization: unable to get metrics for resource cpu: {NO_METRICS}",
     "failed to get cpu resource metric value: "),
    ({"type": "ContainerResource", "containerResource": {
        "name": "cpu", "container": "x", "target": {"type": "Utilization", "averageUtilization": 1}}}, None, 100,
     "FailedGetContainerResourceMetric", "failed to get cpu utilization: unable to get metrics for resource cpu: container x not "
     "present in metrics for pod default/{pod}", "failed to get x container metric value: "),
    ({"type": "Pods", "pods": {"metric": {"name": "pps"}, "target": {"type": "AverageValue", "averageValue": "1"}}}, None, 100,
     "FailedGetPodsMetric", f"unable to get metric pps: {NO_CUSTOM}", "failed to get pods metric value: "),
    ({"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "1"}}}, None, 100,
     "FailedGetExternalMetric", "unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: the "
     "server could not find the requested resource (get queue.external.metrics.k8s.io)", "failed to get queue external metric value: "),
])
async def test_what_cannot_be_measured(lab, metric, requests, load, reason, words, before):
    lab.load = load
    lab.deployment(requests=requests)
    pods = await lab.until(lambda: lab.objects("pods"))
    lab.autoscaler(metric)
    words = words.replace("{pod}", pods[0]["metadata"]["name"])
    await lab.until(lambda: (reason, words) in lab.events("web"))
    assert lab.condition("ScalingActive") == ("False", reason)
    assert condition(lab.hpa, "ScalingActive")["message"] == f"the HPA was unable to compute the replica count: {words}"
    summary = f"invalid metrics (1 invalid out of 1), first error is: {before}{words}"
    await lab.until(lambda: ("FailedComputeMetricsReplicas", summary) in lab.events("web"))


@pytest.mark.parametrize(("kind", "words"), [
    ("Deployment", 'deployments/scale.apps "gone" not found'),
    ("Deploymen", 'no matches for kind "Deploymen" in group "apps"'),
    ("DaemonSet", "the server could not find the requested resource"),
])
async def test_a_target_that_cannot_be_scaled(lab, kind, words):
    lab.autoscaler(kind=kind, target="gone")
    await lab.until(lambda: ("FailedGetScale", words) in lab.events("web"))
    assert condition(lab.hpa, "AbleToScale")["message"] == f"the HPA controller was unable to get the target's current scale: {words}"
    assert lab.condition("AbleToScale") == ("False", "FailedGetScale")


async def test_zero_replicas_switch_it_off(lab):
    lab.load = 100
    lab.deployment(replicas=0)
    lab.autoscaler()
    await lab.until(lambda: lab.condition("ScalingActive") == ("False", "ScalingDisabled"))
    assert lab.replicas == 0


async def test_two_autoscalers_of_the_same_pods_leave_them_alone(lab):
    lab.load = 200
    lab.deployment(replicas=2)
    await lab.until(lambda: len(lab.metrics(None)) == 2)
    lab.autoscaler(name="first", most=2)
    lab.autoscaler(minReplicas=2)
    words = "pods by selector app=web are controlled by multiple HPAs: [default/first default/web]"
    await lab.until(lambda: ("AmbiguousSelector", words) in lab.events("web"))
    assert lab.condition("ScalingActive") == ("False", "AmbiguousSelector")


async def test_started_again_at_any_moment_it_comes_to_the_same_end(lab):
    autoscaler = lab.components[-1]
    lab.deployment()
    lab.autoscaler()
    for load, end in ((300, 6), (20, 1)):
        lab.load = load
        for _ in range(5):
            await asyncio.sleep(random.uniform(0, 0.05))
            await autoscaler.stop()
            await autoscaler.start()
        await lab.scaled(end)

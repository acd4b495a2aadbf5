"""The scheduler: where pods go, what is said when they cannot, and what makes it try again."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.scheduler import Scheduler


@pytest.fixture
async def cluster():
    plane = ControlPlane()
    yield plane
    await plane.stop()


def node_of(cluster, pod):
    return cluster.get("pods", pod)["spec"].get("nodeName")


def sentence(cluster, pod):
    return next(m for r, m in reversed(cluster.events(pod)) if r == "FailedScheduling")


NOT_HELPFUL = "no new claims to deallocate, preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."


def affinity(kind, term, required=True):
    name = "requiredDuringSchedulingIgnoredDuringExecution" if required else "preferredDuringSchedulingIgnoredDuringExecution"
    return {"affinity": {kind: {name: term}}}


async def test_a_pod_is_bound_and_told_so(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler)
    cluster.pod("web")
    await cluster.settled()
    pod = cluster.get("pods", "web")
    assert pod["spec"]["nodeName"] == "n1"
    assert [(c["type"], c["status"]) for c in pod["status"]["conditions"]] == [("PodScheduled", "True")]
    (event,) = cluster.objects("events")
    assert (event["reason"], event["message"]) == ("Scheduled", "Successfully assigned default/web to n1")
    assert (event["action"], event["reportingComponent"]) == ("Binding", "default-scheduler")
    assert "eventTime" in event and "count" not in event


async def test_no_nodes(cluster):
    await cluster.start(Scheduler)
    cluster.pod("web")
    await cluster.settled()
    assert sentence(cluster, "web") == "no nodes available to schedule pods"
    cluster.node("n1")
    await cluster.settled()
    assert node_of(cluster, "web") == "n1"


async def test_a_pod_of_another_scheduler_is_left_alone(cluster, caplog):
    cluster.node("n1")
    await cluster.start(Scheduler)
    cluster.pod("theirs", schedulerName="nobody")
    await cluster.settled()
    cluster.pod("web")
    await cluster.settled()
    assert (node_of(cluster, "theirs"), node_of(cluster, "web")) == (None, "n1")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


TERM = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("node", "pod", "reason", "after"),
    [
        ({}, {"cpu": "9"}, "1 Insufficient cpu", None),
        ({"pods": "0"}, {}, "1 Too many pods", "No preemption victims found for incoming pod"),
        ({"taints": [TAINT]}, {}, "1 node(s) had untolerated taint(s)", None),
        ({"unschedulable": True}, {}, "1 node(s) were unschedulable", None),
        ({}, {"nodeSelector": {"disk": "ssd"}}, "1 node(s) didn't match Pod's node affinity/selector", None),
        ({}, affinity("podAffinity", [TERM]), "1 node(s) didn't match pod affinity rules", None),
        (
            {},
            {
                "labels": {"app": "x"},
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "zone",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": {"matchLabels": {"app": "x"}},
                    }
                ],
            },
            "1 node(s) didn't match pod topology spread constraints (missing required label)",
            None,
        ),
    ],
)
async def test_why_a_node_is_refused(cluster, node, pod, reason, after):
    cluster.node("n1", **node)
    await cluster.start(Scheduler)
    cluster.pod("web", **pod)
    await cluster.settled()
    after = f"no new claims to deallocate, preemption: 0/1 nodes are available: 1 {after}." if after else NOT_HELPFUL.format(n=1)
    assert sentence(cluster, "web") == f"0/1 nodes are available: {reason}. {after}"
    condition = cluster.get("pods", "web")["status"]["conditions"][0]
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", sentence(cluster, "web"))


async def test_reasons_are_counted_and_sorted(cluster):
    cluster.node("n1", taints=[TAINT])
    cluster.node("n2", cpu="1")
    cluster.node("n3", cpu="2")
    await cluster.start(Scheduler)
    cluster.pod("first", cpu="1500m")
    await cluster.settled()
    assert node_of(cluster, "first") == "n3"
    cluster.pod("web", cpu="1")
    cluster.pod("more", cpu="1")
    await cluster.settled()
    assert node_of(cluster, "web") == "n2"
    assert sentence(cluster, "more") == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 "
        "nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
    )
    cluster.client.delete("pods", "default", "web", grace=0)
    await cluster.settled()
    assert node_of(cluster, "more") == "n2"


async def test_host_ports_and_anti_affinity(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler, Nodes)
    port = {"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}
    cluster.pod("a", labels={"app": "db"}, **port)
    cluster.pod("b", **port)
    cluster.pod("c", **affinity("podAntiAffinity", [TERM]))
    cluster.pod(
        "guard", labels={"app": "guard"}, **affinity("podAntiAffinity", [TERM | {"labelSelector": {"matchLabels": {"app": "web"}}}])
    )
    await cluster.settled()
    cluster.pod("d", labels={"app": "web"})
    await cluster.settled()
    assert "1 node(s) didn't have free ports for the requested pod ports." in sentence(cluster, "b")
    assert "1 node(s) didn't match pod anti-affinity rules." in sentence(cluster, "c")
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules." in sentence(cluster, "d")
    cluster.client.delete("pods", "default", "a")
    await cluster.settled()
    assert node_of(cluster, "b") == node_of(cluster, "c") == "n1"


async def test_pods_of_one_service_spread_over_nodes(cluster):
    for name in ("n1", "n2", "n3"):
        cluster.node(name)
    await cluster.start(Scheduler)
    selector = {"app": "web"}
    cluster.client.create(
        "services", {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": selector, "ports": [{"port": 80}]}}
    )
    await cluster.settled()
    for i in range(6):
        cluster.pod(f"web-{i}", labels=selector)
        await cluster.settled(3)
    placed = [p["spec"]["nodeName"] for p in cluster.objects("pods")]
    assert {placed.count(n) for n in ("n1", "n2", "n3")} == {2}


async def test_hard_spread_constraint(cluster):
    for name, zone in (("n1", "a"), ("n2", "a"), ("n3", "b")):
        cluster.node(name, labels={"zone": zone})
    await cluster.start(Scheduler)
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "x"}}}
    for i in range(4):
        cluster.pod(f"x-{i}", labels={"app": "x"}, topologySpreadConstraints=[constraint])
    await cluster.settled()
    zones = [cluster.get("nodes", p["spec"]["nodeName"], "")["metadata"]["labels"]["zone"] for p in cluster.objects("pods")]
    assert (zones.count("a"), zones.count("b")) == (2, 2)
    cluster.client.patch("nodes", "", "n3", {"spec": {"unschedulable": True}})
    await cluster.settled()
    cluster.pod("x-4", labels={"app": "x"}, topologySpreadConstraints=[constraint])
    await cluster.settled()
    cluster.pod("x-5", labels={"app": "x"}, topologySpreadConstraints=[constraint])
    await cluster.settled()
    assert "1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints." in sentence(cluster, "x-5")


async def test_preferences(cluster):
    cluster.node("n1", labels={"disk": "hdd"})
    cluster.node("n2", labels={"disk": "ssd"}, taints=[{"key": "slow", "effect": "PreferNoSchedule"}])
    await cluster.start(Scheduler)
    preference = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    term = [{"weight": 100, "preference": preference}]
    cluster.pod("any")
    cluster.pod("fast", tolerations=[{"operator": "Exists"}], **affinity("nodeAffinity", term, required=False))
    await cluster.settled()
    assert (node_of(cluster, "any"), node_of(cluster, "fast")) == ("n1", "n2")


async def test_gated_pods_wait(cluster):
    cluster.node("n1")
    await cluster.start(Scheduler)
    cluster.pod("web", schedulingGates=[{"name": "example.com/quota"}])
    await cluster.settled()
    assert node_of(cluster, "web") is None and not cluster.events("web")
    assert cluster.get("pods", "web")["status"]["conditions"][0]["reason"] == "SchedulingGated"
    pod = cluster.get("pods", "web")
    cluster.client.update("pods", {**pod, "spec": {**pod["spec"], "schedulingGates": []}})
    await cluster.settled()
    assert node_of(cluster, "web") == "n1"


async def test_a_more_important_pod_takes_the_room(cluster):
    cluster.node("n1", cpu="1")
    await cluster.start(Scheduler, Nodes)
    cluster.pod("low", cpu="600m", priority=0)
    cluster.pod("lower", cpu="300m", priority=-5)
    await cluster.settled()
    cluster.pod("high", cpu="700m", priority=100)
    await cluster.settled()
    assert cluster.get("pods", "low") is None
    assert cluster.get("pods", "lower") is not None
    high = cluster.get("pods", "high")
    assert high["spec"]["nodeName"] == "n1"
    assert ("Preempted", f"Preempted by pod {high['metadata']['uid']} on node n1") in cluster.events("low")
    assert sentence(cluster, "high") == "0/1 nodes are available: 1 Insufficient cpu."


async def test_preemption_policy_never(cluster):
    cluster.node("n1", cpu="1")
    await cluster.start(Scheduler)
    cluster.pod("low", cpu="600m", priority=0)
    await cluster.settled()
    cluster.pod("polite", cpu="600m", priority=100, preemptionPolicy="Never")
    await cluster.settled()
    assert sentence(cluster, "polite").endswith("no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.")
    assert cluster.get("pods", "low")


@pytest.mark.parametrize(
    ("claim", "reason"),
    [(None, 'persistentvolumeclaim "data" not found'), ({}, "pod has unbound immediate PersistentVolumeClaims")],
)
async def test_claims_that_cannot_be_used(cluster, claim, reason):
    cluster.node("n1")
    await cluster.start(Scheduler)
    if claim is not None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        cluster.client.create("persistentvolumeclaims", {"metadata": {"name": "data", "namespace": "default"}, "spec": spec})
    cluster.pod("web", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    await cluster.settled()
    assert sentence(cluster, "web") == f"0/1 nodes are available: {reason}. {NOT_HELPFUL.format(n=1)}"


async def test_daemon_pods_name_their_node(cluster):
    cluster.node("n1", cpu="1")
    cluster.node("n2")
    await cluster.start(Scheduler)
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]
    cluster.pod("agent", cpu="2", **affinity("nodeAffinity", {"nodeSelectorTerms": terms}))
    await cluster.settled()
    assert sentence(cluster, "agent").startswith(
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )


async def test_a_restarted_scheduler_knows_what_runs(cluster):
    cluster.node("n1", cpu="1")
    (scheduler,) = await cluster.start(Scheduler)
    cluster.pod("a", cpu="600m")
    await cluster.settled()
    await scheduler.stop()
    cluster.pod("b", cpu="600m")
    await cluster.settled()
    assert not cluster.events("b")
    await scheduler.start()
    await cluster.settled()
    assert node_of(cluster, "b") is None and "1 Insufficient cpu" in sentence(cluster, "b")


async def test_an_explanation_has_every_answer_and_score(cluster):
    cluster.node("n1")
    cluster.node("n2", unschedulable=True)
    (scheduler,) = await cluster.start(Scheduler)
    cluster.pod("web", schedulingGates=[{"name": "example.com/wait"}])
    await cluster.settled()
    decision = scheduler.explain("default", "web")
    assert (decision.node, decision.message) == ("", "Scheduling is blocked due to non-empty scheduling gates")
    assert (decision.rejections["n2"].plugin, decision.rejections["n2"].reasons) == ("NodeUnschedulable", ("node(s) were unschedulable",))
    assert decision.scores["n1"]["TaintToleration"] == 300


async def test_a_pod_that_has_a_node_is_explained_as_if_it_had_none(cluster):
    cluster.node("n1", cpu="1")
    cluster.node("n2", cpu="2", unschedulable=True)
    (scheduler,) = await cluster.start(Scheduler)
    cluster.pod("web", cpu="800m")
    await cluster.settled()
    cluster.pod("more", cpu="1500m")
    cluster.client.patch("nodes", "", "n2", {"spec": {"unschedulable": None}})
    await cluster.until(lambda: node_of(cluster, "more") == "n2")
    for _ in range(2):
        report = scheduler.explain("default", "web").report()
        assert (report["node"], report["message"], [n["name"] for n in report["nodes"]]) == ("n1", "", ["n1", "n2"])
        first, second = report["nodes"]
        assert first["score"] == sum(first["scores"].values()) and first["scores"]["NodeResourcesFit"] < 100
        assert second == {"name": "n2", "filter": "NodeResourcesFit", "reasons": ["Insufficient cpu"]}
    assert scheduler.explain("default", "more").report()["nodes"][0]["name"] == "n2"
    assert "1 Insufficient cpu" not in str(cluster.events("web"))

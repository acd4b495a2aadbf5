"""Jobs and CronJobs: completions, failures, deadlines, schedules."""

import pytest
from control_plane import ControlPlane, Nodes

from kubeschool.practice.clock import timestamp
from kubeschool.practice.controllers.cronjob import CronJobController
from kubeschool.practice.controllers.garbagecollector import GarbageCollector
from kubeschool.practice.controllers.job import JobController
from kubeschool.practice.controllers.ttl_after_finished import TTLAfterFinishedController
from kubeschool.practice.scheduler import Scheduler


@pytest.fixture
async def cluster():
    plane = ControlPlane(speed=1000)
    plane.node("n1", pods="500")
    await plane.start(Scheduler, Nodes, JobController, GarbageCollector, TTLAfterFinishedController)
    yield plane
    await plane.stop()


TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}


def job(cluster, name="work", **spec):
    return cluster.client.create("jobs.batch", {"metadata": {"name": name, "namespace": "default"}, "spec": {"template": TEMPLATE, **spec}})


def status(cluster, name="work"):
    return cluster.get("jobs.batch", name)["status"]


def conditions(cluster, name="work"):
    return [(c["type"], c["status"], c["reason"]) for c in status(cluster, name).get("conditions") or ()]


def running(cluster):
    return [p for p in cluster.objects("pods") if p["status"]["phase"] == "Running" and "deletionTimestamp" not in p["metadata"]]


def finish(cluster, pod, phase="Succeeded", code=0):
    meta = pod["metadata"]
    ended = {"name": "c", "image": "busybox", "imageID": "", "ready": False, "restartCount": 0,
             "state": {"terminated": {"exitCode": code, "finishedAt": timestamp()}}}
    patch = {"status": {"phase": phase, "containerStatuses": [ended], "conditions": [{"type": "Ready", "status": "False"}]}}
    cluster.client.patch("pods", meta["namespace"], meta["name"], patch, "strategic", "status")


async def test_a_job_completes(cluster):
    job(cluster, completions=3, parallelism=2)
    await cluster.settled()
    assert len(running(cluster)) == 2 and status(cluster)["active"] == 2 and status(cluster)["ready"] == 2
    assert all("batch.kubernetes.io/job-tracking" in p["metadata"]["finalizers"] for p in running(cluster))
    for _ in range(3):
        finish(cluster, running(cluster)[0])
        await cluster.settled()
    assert conditions(cluster) == [("SuccessCriteriaMet", "True", "CompletionsReached"), ("Complete", "True", "CompletionsReached")]
    assert status(cluster)["succeeded"] == 3 and status(cluster)["completionTime"]
    assert len(cluster.objects("pods")) == 3 and not any(p["metadata"].get("finalizers") for p in cluster.objects("pods"))
    assert cluster.events("work")[-1] == ("Completed", "Job completed")
    assert sum(r == "SuccessfulCreate" for r, _ in cluster.events("work")) == 3


async def test_too_many_failures(cluster):
    job(cluster, backoffLimit=1, parallelism=1, completions=1)
    await cluster.settled()
    for _ in range(2):
        (pod,) = await cluster.until(lambda: running(cluster))
        finish(cluster, pod, "Failed", 1)
        await cluster.settled()
    assert conditions(cluster) == [("FailureTarget", "True", "BackoffLimitExceeded"), ("Failed", "True", "BackoffLimitExceeded")]
    assert status(cluster)["failed"] == 2
    assert cluster.events("work")[-1] == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


async def test_a_deadline_ends_a_job_and_its_pods(cluster):
    job(cluster, activeDeadlineSeconds=500)
    await cluster.settled()
    await cluster.until(lambda: any(c[0] == "Failed" for c in conditions(cluster)))
    assert conditions(cluster)[-1] == ("Failed", "True", "DeadlineExceeded")
    await cluster.settled()
    assert not running(cluster)


async def test_indexes(cluster):
    job(cluster, completions=4, parallelism=4, completionMode="Indexed")
    await cluster.settled()
    by_index = {p["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]: p for p in running(cluster)}
    assert sorted(by_index) == ["0", "1", "2", "3"] and by_index["2"]["spec"]["hostname"] == "work-2"
    for index in ("0", "1", "2"):
        finish(cluster, by_index[index])
    await cluster.settled()
    assert status(cluster)["completedIndexes"] == "0-2" and status(cluster)["succeeded"] == 3
    finish(cluster, by_index["3"])
    await cluster.settled()
    assert conditions(cluster)[-1][0] == "Complete"


async def test_suspend_and_resume(cluster):
    job(cluster, parallelism=2, completions=2)
    await cluster.settled()
    cluster.client.patch("jobs.batch", "default", "work", {"spec": {"suspend": True}})
    await cluster.settled()
    assert not running(cluster) and conditions(cluster) == [("Suspended", "True", "JobSuspended")]
    cluster.client.patch("jobs.batch", "default", "work", {"spec": {"suspend": False}})
    await cluster.settled()
    assert len(running(cluster)) == 2 and conditions(cluster) == [("Suspended", "False", "JobResumed")]


async def test_a_failure_policy_can_fail_the_job_at_once(cluster):
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    job(cluster, podFailurePolicy={"rules": [rule]})
    await cluster.settled()
    (pod,) = running(cluster)
    finish(cluster, pod, "Failed", 42)
    await cluster.settled()
    (failed,) = [c for c in status(cluster)["conditions"] if c["type"] == "Failed"]
    name = pod["metadata"]["name"]
    assert failed["message"] == f"Container c for pod default/{name} failed with exit code 42 matching FailJob rule at index 0"


async def test_a_finished_job_goes_after_its_time(cluster):
    job(cluster, ttlSecondsAfterFinished=300)
    await cluster.settled()
    finish(cluster, running(cluster)[0])
    await cluster.until(lambda: cluster.get("jobs.batch", "work") is None)
    await cluster.settled()
    assert not cluster.objects("pods")


async def test_a_deleted_job_frees_its_pods(cluster):
    job(cluster)
    await cluster.settled()
    cluster.client.delete("jobs.batch", "default", "work", propagation="Background")
    await cluster.settled()
    assert not cluster.objects("pods")


async def test_counts_survive_a_restart(cluster):
    job(cluster, completions=4, parallelism=2)
    controller = cluster.components[2]
    for _ in range(4):
        await cluster.settled()
        finish(cluster, running(cluster)[0])
        await controller.stop()
        await controller.start()
    await cluster.settled()
    assert status(cluster)["succeeded"] == 4 and conditions(cluster)[-1][0] == "Complete" and len(cluster.objects("pods")) == 4


def cronjob(cluster, **spec):
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}, **spec}
    return cluster.client.create("cronjobs.batch", {"metadata": {"name": "tick", "namespace": "default"}, "spec": spec})


async def test_a_cronjob_makes_jobs_and_keeps_few(cluster):
    cluster.clock.speed = 200
    await cluster.start(CronJobController)
    cronjob(cluster, successfulJobsHistoryLimit=1)
    names = set()
    while len(names) < 3:
        await cluster.until(lambda: running(cluster))
        for pod in running(cluster):
            finish(cluster, pod)
        names |= {j["metadata"]["name"] for j in cluster.objects("jobs.batch")}
    minutes = sorted(int(n.removeprefix("tick-")) for n in names)
    assert minutes[1] - minutes[0] == minutes[2] - minutes[1] == 1
    cluster.client.patch("cronjobs.batch", "default", "tick", {"spec": {"suspend": True}})
    await cluster.settled()
    reasons = [r for r, _ in cluster.events("tick")]
    assert {"SuccessfulCreate", "SawCompletedJob", "SuccessfulDelete"} <= set(reasons)
    assert len(cluster.objects("jobs.batch")) <= 2


@pytest.mark.parametrize(("policy", "reason"), [("Forbid", "JobAlreadyActive"), ("Replace", "SuccessfulDelete")])
async def test_concurrency(cluster, policy, reason):
    cluster.clock.speed = 400
    await cluster.start(CronJobController)
    cronjob(cluster, concurrencyPolicy=policy)
    await cluster.until(lambda: any(r == reason for r, _ in cluster.events("tick")))
    await cluster.settled(3)
    assert len(cluster.objects("jobs.batch")) == 1

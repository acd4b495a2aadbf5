import copy

import pytest
from api import CONTAINER, Api, workload


@pytest.fixture
def api():
    return Api()


def job(**spec) -> dict:
    return {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}, **spec}}


def test_a_deployment_gets_upstreams_defaults(api):
    spec = api.create("deployments.apps", workload())["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    assert (spec["replicas"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (1, 10, 600)
    assert "enableServiceLinks" not in spec["template"]["spec"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        (
            {"minReadySeconds": 10, "progressDeadlineSeconds": 5},
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
        ),
        (
            {
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [CONTAINER], "restartPolicy": "Never"},
                }
            },
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        ),
    ],
)
def test_invalid_deployments_are_refused_in_upstreams_words(api, spec, message):
    assert api.refused(api.create, "deployments.apps", workload(**spec)) == f'Deployment.apps "web" is invalid: {message}'


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps", "daemonsets.apps"])
def test_a_selector_does_not_change(api, resource):
    api.create(resource, workload())
    labels = {"matchLabels": {"app": "web", "tier": "front"}}
    patch = {"spec": {"selector": labels, "template": {"metadata": {"labels": {"tier": "front"}}}}}
    message = api.refused(api.patch, resource, "web", patch)
    assert message.endswith('spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable')


def test_generation_counts_changes_of_the_spec_only(api):
    api.create("deployments.apps", workload())
    assert api.patch("deployments.apps", "web", {"metadata": {"labels": {"a": "b"}}})["metadata"]["generation"] == 1
    assert api.patch("deployments.apps", "web", {"spec": {"replicas": 2}})["metadata"]["generation"] == 2
    assert api.patch("deployments.apps", "web", {"status": {"replicas": 2}}, "status")["metadata"]["generation"] == 2


def test_a_status_is_written_through_its_subresource_only(api):
    api.create("deployments.apps", workload())
    assert api.patch("deployments.apps", "web", {"status": {"replicas": 2}})["status"] == {}
    changed = api.patch("deployments.apps", "web", {"status": {"replicas": 2}, "spec": {"replicas": 9}}, "status")
    assert (changed["status"], changed["spec"]["replicas"]) == ({"replicas": 2}, 1)


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps", "statefulsets.apps"])
def test_scale(api, resource):
    api.create(resource, workload())
    scale = api.patch(resource, "web", {"spec": {"replicas": 3}}, "scale")
    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 3}, {"replicas": 0, "selector": "app=web"})
    assert api.get(resource, "web")["spec"]["replicas"] == 3
    message = api.refused(api.patch, resource, "web", {"spec": {"replicas": -1}}, "scale")
    assert message == 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'


def test_a_replication_controller_takes_its_selector_from_the_template(api):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
    made = api.create("replicationcontrollers", {"metadata": {"name": "web"}, "spec": {"template": template}})
    assert (made["spec"]["selector"], made["metadata"]["labels"]) == ({"app": "web"}, {"app": "web"})


def test_a_stateful_set_lets_only_some_fields_change(api):
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [CONTAINER | {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}]},
    }
    made = api.create("statefulsets.apps", workload(serviceName="web", template=template, volumeClaimTemplates=[claim]))
    assert made["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    message = api.refused(api.patch, "statefulsets.apps", "web", {"spec": {"serviceName": "other"}})
    assert message == (
        "StatefulSet.apps \"web\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
        "'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    )


def test_a_daemon_set_counts_its_templates(api):
    made = copy.deepcopy(api.create("daemonsets.apps", workload()))
    assert made["metadata"]["annotations"]["deprecated.daemonset.template.generation"] == "1"
    made["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.26"
    assert api.update("daemonsets.apps", made)["metadata"]["annotations"]["deprecated.daemonset.template.generation"] == "2"


def test_a_job_makes_its_selector_from_its_uid(api):
    made = api.create("jobs.batch", job())
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "job-name": "j",
        "controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "batch.kubernetes.io/controller-uid": uid,
    }
    assert {k: made["spec"][k] for k in ("completions", "parallelism", "backoffLimit", "completionMode", "suspend")} == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
    }


def test_a_job_needs_a_restart_policy(api):
    message = api.refused(api.create, "jobs.batch", job(template={"spec": {"containers": [CONTAINER]}}))
    assert message == 'Job.batch "j" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'


def test_a_job_template_is_immutable(api):
    api.create("jobs.batch", job())
    message = api.refused(api.patch, "jobs.batch", "j", {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}})
    assert message.startswith('Job.batch "j" is invalid: spec.template: Invalid value: {')
    assert message.endswith("field is immutable")


@pytest.mark.parametrize(
    ("status", "completions", "shown"),
    [
        ({}, "0/1", "Running"),
        ({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}, "1/1", "Complete"),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, "0/1", "Failed"),
        ({"conditions": [{"type": "Suspended", "status": "True"}]}, "0/1", "Suspended"),
    ],
)
def test_job_columns(api, status, completions, shown):
    api.create("jobs.batch", job())
    api.patch("jobs.batch", "j", {"status": status}, "status")
    row = api.row("jobs.batch", "j")
    assert (row["Completions"], row["Status"]) == (completions, shown)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("TZ=UTC * * * * *", "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
    ],
)
def test_bad_schedules_are_refused(api, schedule, why):
    cron = {"metadata": {"name": "c"}, "spec": {"schedule": schedule, "jobTemplate": {"spec": job()["spec"]}}}
    message = api.refused(api.create, "cronjobs.batch", cron)
    assert message == f'CronJob.batch "c" is invalid: spec.schedule: Invalid value: "{schedule}": {why}'


def test_an_autoscaler_is_one_object_in_both_versions(api):
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5, "targetCPUUtilizationPercentage": 50}
    name = "horizontalpodautoscalers.autoscaling"
    api.create(name, {"metadata": {"name": "web"}, "spec": spec}, version="v1")
    v2 = api.get(name, "web", version="v2")
    assert {"uid", "creationTimestamp", "resourceVersion"} <= set(v2["metadata"])
    assert v2["apiVersion"] == "autoscaling/v2"
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    assert v2["spec"]["metrics"] == [{"type": "Resource", "resource": metric}]
    v1 = api.get(name, "web", version="v1")
    assert (v1["spec"]["targetCPUUtilizationPercentage"], v1["spec"]["minReplicas"]) == (50, 1)
    assert api.row(name, "web")["Targets"] == "cpu: <unknown>/50%"
    api.patch(name, "web", {"spec": {"targetCPUUtilizationPercentage": 60}}, version="v1")
    assert api.get(name, "web")["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    api.delete(name, "web")
    assert "not found" in api.refused(api.get, name, "web")


def test_what_autoscaling_v1_cannot_say_travels_in_annotations(api):
    name = "horizontalpodautoscalers.autoscaling"
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}}}
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5, "metrics": [memory]}
    api.create(name, {"metadata": {"name": "web"}, "spec": spec})
    v1 = api.get(name, "web", version="v1")
    assert "autoscaling.alpha.kubernetes.io/metrics" in v1["metadata"]["annotations"]
    api.update(name, copy.deepcopy(v1), version="v1")
    assert api.get(name, "web")["spec"]["metrics"] == [memory]

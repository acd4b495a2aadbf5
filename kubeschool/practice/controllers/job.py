"""Job: pods that run until enough of them have succeeded (`pkg/controller/job/{job_controller,indexed_job_utils,backoff_utils}.go`,
`pod_failure_policy.go`).

Finished pods are held by a finalizer until they are counted, so that none is counted twice or lost: status.uncountedTerminatedPods holds
those whose finalizer is about to be removed.
"""

from dataclasses import dataclass, field

from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..clock import timestamp
from ..component import Controller
from ..component_helpers import is_pod_active, is_pod_ready, is_pod_terminal, is_true
from ..deep_copy import deep_copy
from ..informer import controller_of, key_of
from .utils import (
    Family,
    PodControl,
    claim,
    elapsed,
    ignore_gone,
    is_namespace_terminating,
    pod_from_template,
    pods_to_delete,
    settle,
    slow_start,
)

RESOURCE = "jobs.batch"
TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
BACKOFF, MAX_BACKOFF = 10.0, 600.0
"""Seconds between a failed pod and its successor: 10, 20, 40 … 600."""
MAX_CREATED = 500


@dataclass
class Sync:
    """One look at a job and its pods."""

    job: dict
    pods: list[dict]
    status: dict
    succeeded: list[dict] = field(default_factory=list)
    """Finished and not counted yet."""
    failed: list[dict] = field(default_factory=list)
    ignored: list[dict] = field(default_factory=list)
    verdict: tuple[str, str, str] | None = None
    """(condition type, reason, message) when the job is over."""

    @property
    def spec(self) -> dict:
        return self.job["spec"]

    @property
    def indexed(self) -> bool:
        return self.spec.get("completionMode") == "Indexed"

    @property
    def active(self) -> list[dict]:
        return [p for p in self.pods if is_pod_active(p)]

    @property
    def terminating(self) -> list[dict]:
        return [p for p in self.pods if "deletionTimestamp" in p["metadata"] and not is_pod_terminal(p)]

    def total(self, what: str) -> int:
        """Pods that have `succeeded` or `failed`, counted or about to be."""
        uncounted = (self.status.get("uncountedTerminatedPods") or {}).get(what) or ()
        return self.status.get(what, 0) + len(uncounted) + len(getattr(self, what))


class JobController(Controller):
    name = "job-controller"

    def setup(self) -> None:
        self.jobs = self.informers[RESOURCE]
        self.pods = Family(self.informers["pods"])
        self.control = PodControl(self.client, self.events)
        self.jobs.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers["pods"].on_change(self._on_pod)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        for pod in (old, new):
            owner = pod and controller_of(pod)
            if owner and owner["kind"] == "Job":
                self.queue.add_after((pod["metadata"]["namespace"], owner["name"]), settle(self.clock, self.pods.count(owner["uid"])))
                if pod is new and not self.jobs.get(pod["metadata"]["namespace"], owner["name"]):
                    self.queue.add(("", key_of(pod)))

    async def reconcile(self, key: tuple) -> None:
        if key[0] == "":
            return self._free_orphan(key[1])
        job = self.jobs.get(*key)
        if job is None or "deletionTimestamp" in job["metadata"]:
            for pod in self.pods.of(job["metadata"]["uid"]) if job else ():
                self._free(pod)
            return
        selector = selectors.from_label_selector(job["spec"]["selector"])
        sync = Sync(job, claim(self.client, "pods", job, selector, self.pods), deep_copy(job.get("status") or {}))
        if _finished(job):
            for pod in sync.pods:
                self._free(pod)
            return
        self._settle_counted(sync)
        self._sort_pods(sync)
        suspended = bool(sync.spec.get("suspend"))
        if not sync.status.get("startTime") and not suspended:
            sync.status["startTime"] = timestamp()
        self._judge(sync)
        error = None
        if sync.verdict or suspended:
            self._delete(sync, sync.active)
        else:
            error = await self._manage(sync)
        self._suspend_condition(sync, suspended)
        self._count(sync)
        if error:
            raise error

    # -- counting ------------------------------------------------------------------------------------------

    def _settle_counted(self, sync: Sync) -> None:
        """Uncounted pods whose finalizer is gone join the totals."""
        uncounted = sync.status.get("uncountedTerminatedPods") or {}
        held = {p["metadata"]["uid"] for p in sync.pods if TRACKING in (p["metadata"].get("finalizers") or ())}
        for what in ("succeeded", "failed"):
            waiting = uncounted.get(what) or []
            done = [uid for uid in waiting if uid not in held]
            if done:
                if not (what == "succeeded" and sync.indexed):
                    sync.status[what] = sync.status.get(what, 0) + len(done)
                uncounted[what] = [uid for uid in waiting if uid in held]
        sync.status["uncountedTerminatedPods"] = {k: v for k, v in uncounted.items() if v}

    def _sort_pods(self, sync: Sync) -> None:
        uncounted = sync.status["uncountedTerminatedPods"]
        known = {uid for uids in uncounted.values() for uid in uids}
        for pod in sync.pods:
            if TRACKING not in (pod["metadata"].get("finalizers") or ()) or pod["metadata"]["uid"] in known:
                continue
            phase = pod["status"].get("phase")
            if phase == "Succeeded":
                sync.succeeded.append(pod)
            elif phase == "Failed":
                action = _policy(sync.spec, pod)
                if action == "FailJob":
                    sync.verdict = ("FailureTarget", "PodFailurePolicy", _policy_message(sync.spec, pod))
                (sync.ignored if action == "Ignore" else sync.failed).append(pod)
        if sync.indexed:
            done = _indexes(sync.status.get("completedIndexes", "")) | {_index(p) for p in sync.succeeded}
            done = {i for i in done if 0 <= i < (sync.spec.get("completions") or 0)}
            sync.status["completedIndexes"] = _ranges(done)
            sync.status["succeeded"] = len(done)

    def _count(self, sync: Sync) -> None:
        """Write the status; then let go of the pods that it now accounts for, which brings the next sync."""
        status, spec = sync.status, sync.spec
        uncounted = status["uncountedTerminatedPods"]
        for what, pods in (("succeeded", sync.succeeded), ("failed", sync.failed)):
            if pods:
                uncounted[what] = [*uncounted.get(what, ()), *(p["metadata"]["uid"] for p in pods)]
        active = sync.active
        status["active"], status["ready"] = len(active), sum(map(is_pod_ready, active))
        status["terminating"] = len(sync.terminating)
        self._conclude(sync)
        wire = {k: v for k, v in status.items() if v or k in ("ready", "terminating", "uncountedTerminatedPods")}
        if wire != sync.job.get("status"):
            changed = deep_copy(sync.job)
            changed["status"] = wire
            if ignore_gone(self.client.update, RESOURCE, changed, "status") is None:
                return
            self._tell(sync)
        for pod in [*sync.succeeded, *sync.failed, *sync.ignored, *(p for p in sync.pods if _is_listed(p, uncounted))]:
            self._free(pod)
        deadline = spec.get("activeDeadlineSeconds")
        if deadline and status.get("startTime") and not spec.get("suspend") and not sync.verdict:
            self.queue.add_after(key_of(sync.job), max(deadline - elapsed(self.clock, status["startTime"]), 0.1))

    def _conclude(self, sync: Sync) -> None:
        """First what the end will be (FailureTarget, SuccessCriteriaMet), then, when no pod is left, the end."""
        conditions = sync.status.setdefault("conditions", [])
        if not sync.verdict:
            return
        target, reason, message = sync.verdict
        final = {"FailureTarget": "Failed", "SuccessCriteriaMet": "Complete"}[target]
        for type_ in (target, final):
            if type_ == final and (sync.active or sync.terminating or any(sync.status["uncountedTerminatedPods"].values())):
                break
            if not any(c["type"] == type_ for c in conditions):
                at = timestamp()
                conditions.append(
                    {
                        "type": type_,
                        "status": "True",
                        "lastProbeTime": at,
                        "lastTransitionTime": at,
                        "reason": reason,
                        "message": message,
                    }
                )
                if type_ == "Complete":
                    sync.status["completionTime"] = at

    def _tell(self, sync: Sync) -> None:
        before = {c["type"] for c in (sync.job.get("status") or {}).get("conditions") or () if c["status"] == "True"}
        for found in sync.status["conditions"]:
            if found["status"] == "True" and found["type"] not in before:
                if found["type"] == "Complete":
                    self.events.event(sync.job, "Normal", "Completed", "Job completed")
                elif found["type"] == "Failed":
                    self.events.event(sync.job, "Warning", found["reason"], found["message"])

    def _suspend_condition(self, sync: Sync, suspended: bool) -> None:
        if sync.verdict:
            return
        conditions = sync.status.setdefault("conditions", [])
        found = next((c for c in conditions if c["type"] == "Suspended"), None)
        if suspended == bool(found and found["status"] == "True"):
            return
        state, reason, message = ("True", "JobSuspended", "Job suspended") if suspended else ("False", "JobResumed", "Job resumed")
        if found:
            conditions.remove(found)
        at = timestamp()
        conditions.append(
            {"type": "Suspended", "status": state, "lastProbeTime": at, "lastTransitionTime": at, "reason": reason, "message": message}
        )
        if suspended:
            sync.status.pop("startTime", None)
        else:
            sync.status["startTime"] = at
        self.events.event(sync.job, "Normal", "Suspended" if suspended else "Resumed", message)

    # -- deciding ------------------------------------------------------------------------------------------

    def _judge(self, sync: Sync) -> None:
        spec, status = sync.spec, sync.status
        for earlier in status.get("conditions") or ():
            if earlier["type"] in ("FailureTarget", "SuccessCriteriaMet") and earlier["status"] == "True":
                sync.verdict = (earlier["type"], earlier["reason"], earlier["message"])
        if sync.verdict:
            return
        failures = sync.total("failed") + (_restarts(sync.pods) if spec["template"]["spec"].get("restartPolicy") == "OnFailure" else 0)
        deadline = spec.get("activeDeadlineSeconds")
        if spec.get("backoffLimitPerIndex") is not None:
            self._judge_indexes(sync)
        if sync.verdict:
            return
        if failures > spec.get("backoffLimit", 6):
            sync.verdict = ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif (
            deadline is not None
            and status.get("startTime")
            and not spec.get("suspend")
            and elapsed(self.clock, status["startTime"]) >= deadline
        ):
            sync.verdict = ("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
        elif self._complete(sync):
            sync.verdict = ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")

    def _complete(self, sync: Sync) -> bool:
        succeeded = sync.status["succeeded"] if sync.indexed else sync.total("succeeded")
        completions = sync.spec.get("completions")
        if completions is None:
            return succeeded > 0 and not sync.active
        return succeeded >= completions and not (completions == 0 and sync.active)

    def _judge_indexes(self, sync: Sync) -> None:
        """backoffLimitPerIndex: an index fails on its own; the job when all are done or too many have failed."""
        limit, completions = sync.spec["backoffLimitPerIndex"], sync.spec.get("completions") or 0
        failed = _indexes(sync.status.get("failedIndexes", ""))
        for pod in sync.failed:
            if _failures_of_index(pod) >= limit or _policy(sync.spec, pod) == "FailIndex":
                failed.add(_index(pod))
        sync.status["failedIndexes"] = _ranges(failed)
        most = sync.spec.get("maxFailedIndexes")
        if most is not None and len(failed) > most:
            sync.verdict = ("FailureTarget", "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
        elif failed and len(failed) + sync.status["succeeded"] >= completions:
            sync.verdict = ("FailureTarget", "FailedIndexes", "Job has failed indexes")

    async def _manage(self, sync: Sync) -> ApiError | None:
        """As many active pods as parallelism and the remaining completions ask for."""
        spec, active = sync.spec, sync.active
        succeeded = sync.status["succeeded"] if sync.indexed else sync.total("succeeded")
        parallelism, completions = spec.get("parallelism", 1), spec.get("completions")
        if completions is None:
            wanted = len(active) if succeeded else parallelism
        else:
            wanted = max(min(parallelism, completions - succeeded), 0)
        if len(active) > wanted:
            self._delete(sync, pods_to_delete(active, len(active) - wanted, active))
            return None
        replacing = len(sync.terminating) if spec.get("podReplacementPolicy") == "Failed" else 0
        missing = min(wanted - len(active) - replacing, MAX_CREATED)
        if missing <= 0:
            return None
        wait = self._backoff(sync)
        if wait > 0:
            self.queue.add_after(key_of(sync.job), wait)
            return None
        indexes = self._free_indexes(sync)[:missing] if sync.indexed else [None] * missing

        def create(i: int) -> None:
            sync.pods.append(self.control.create(sync.job, self._pod(sync, indexes[i])))

        _, error = await slow_start(len(indexes), create)
        return None if error and is_namespace_terminating(error) else error

    def _backoff(self, sync: Sync) -> float:
        """Cluster seconds until the next pod after failures since the last success."""
        finished = sorted((p for p in sync.pods if is_pod_terminal(p)), key=_finished_at)
        failures, last = 0, ""
        for pod in reversed(finished):
            if pod["status"]["phase"] == "Succeeded":
                break
            failures, last = failures + 1, last or _finished_at(pod)
        if not failures:
            return 0.0
        return min(BACKOFF * 2 ** (failures - 1), MAX_BACKOFF) - elapsed(self.clock, last)

    def _free_indexes(self, sync: Sync) -> list[int]:
        taken = {_index(p) for p in sync.active} | _indexes(sync.status.get("completedIndexes", ""))
        taken |= _indexes(sync.status.get("failedIndexes", ""))
        if sync.spec.get("podReplacementPolicy") == "Failed":
            taken |= {_index(p) for p in sync.terminating}
        return [i for i in range(sync.spec.get("completions") or 0) if i not in taken]

    def _pod(self, sync: Sync, index: int | None) -> dict:
        job = sync.job
        pod = pod_from_template(sync.spec["template"], job)
        pod["metadata"]["finalizers"] = [*(pod["metadata"].get("finalizers") or ()), TRACKING]
        if index is None:
            return pod
        name = job["metadata"]["name"]
        pod["metadata"]["generateName"] = f"{name}-{index}-"
        pod["metadata"].setdefault("annotations", {})[INDEX] = str(index)
        pod["metadata"].setdefault("labels", {})[INDEX] = str(index)
        if sync.spec.get("backoffLimitPerIndex") is not None:
            failures = sum(_index(p) == index for p in sync.pods if (p.get("status") or {}).get("phase") == "Failed")
            pod["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] = str(failures)
        pod["spec"].setdefault("hostname", f"{name}-{index}")
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
        for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
            env = container.get("env") or []
            if not any(e["name"] == "JOB_COMPLETION_INDEX" for e in env):
                container["env"] = [*env, {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}]
        return pod

    # -- pods ----------------------------------------------------------------------------------------------

    def _delete(self, sync: Sync, pods: list[dict]) -> None:
        for pod in pods:
            self.control.delete(sync.job, pod)
        gone = {p["metadata"]["uid"] for p in pods}
        sync.pods = [p for p in sync.pods if p["metadata"]["uid"] not in gone or _has_node(p)]
        for pod in sync.pods:
            if pod["metadata"]["uid"] in gone:
                index = sync.pods.index(pod)
                sync.pods[index] = {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": timestamp()}}

    def _free_orphan(self, key: tuple[str, str]) -> None:
        pod = self.informers["pods"].get(*key)
        owner = pod and controller_of(pod)
        if owner and not self.jobs.get(key[0], owner["name"]):
            self._free(pod)

    def _free(self, pod: dict) -> None:
        """Take the tracking finalizer off."""
        left = pod["metadata"].get("finalizers") or []
        if TRACKING in left:
            patch = {"metadata": {"uid": pod["metadata"]["uid"], "finalizers": [f for f in left if f != TRACKING] or None}}
            ignore_gone(self.client.patch, "pods", *key_of(pod), patch)


def _finished(job: dict) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def _has_node(pod: dict) -> bool:
    return bool(pod["spec"].get("nodeName"))


def _is_listed(pod: dict, uncounted: dict) -> bool:
    return any(pod["metadata"]["uid"] in uids for uids in uncounted.values())


def _finished_at(pod: dict) -> str:
    ends = [
        s["state"]["terminated"].get("finishedAt") or ""
        for s in pod["status"].get("containerStatuses") or ()
        if "terminated" in (s.get("state") or {})
    ]
    return max(ends, default="") or pod["metadata"].get("deletionTimestamp") or pod["metadata"]["creationTimestamp"]


def _restarts(pods: list[dict]) -> int:
    return sum(
        s.get("restartCount", 0)
        for p in pods
        if p["status"].get("phase") in ("Running", "Pending")
        for kind in ("initContainerStatuses", "containerStatuses")
        for s in p["status"].get(kind) or ()
    )


def _index(pod: dict) -> int:
    return int((pod["metadata"].get("annotations") or {}).get(INDEX, "-1"))


def _failures_of_index(pod: dict) -> int:
    return int((pod["metadata"].get("annotations") or {}).get("batch.kubernetes.io/job-index-failure-count", "0"))


def _indexes(text: str) -> set[int]:
    """`1,3-5` as a set."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _ranges(indexes: set[int]) -> str:
    """A set as `1,3-5`."""
    parts: list[list[int]] = []
    for i in sorted(indexes):
        if parts and parts[-1][1] == i - 1:
            parts[-1][1] = i
        else:
            parts.append([i, i])
    return ",".join(str(a) if a == b else f"{a}-{b}" if b > a + 1 else f"{a},{b}" for a, b in parts)


def _policy(spec: dict, pod: dict) -> str:
    """The action of the first rule of podFailurePolicy the pod meets, Count without one."""
    rule = _matching_rule(spec, pod)
    return rule[1]["action"] if rule else "Count"


def _matching_rule(spec: dict, pod: dict) -> tuple[int, dict, str] | None:
    """(number, rule, what it met)."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for number, rule in enumerate((spec.get("podFailurePolicy") or {}).get("rules") or ()):
        if codes := rule.get("onExitCodes"):
            for status in (*(pod["status"].get("containerStatuses") or ()), *(pod["status"].get("initContainerStatuses") or ())):
                code = ((status.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
                named = codes.get("containerName") in (None, status["name"])
                if code and named and (code in codes["values"]) == (codes["operator"] == "In"):
                    return number, rule, f"Container {status['name']} for pod {name} failed with exit code {code}"
        for pattern in rule.get("onPodConditions") or ():
            for found in pod["status"].get("conditions") or ():
                if (found["type"], found["status"]) == (pattern["type"], pattern.get("status", "True")):
                    return number, rule, f"Pod {name} has condition {found['type']}"
    return None


def _policy_message(spec: dict, pod: dict) -> str:
    number, rule, met = _matching_rule(spec, pod)
    return f"{met} matching {rule['action']} rule at index {number}"


def finished_since(job: dict) -> str | None:
    """When the job ended; None while it runs."""
    for found in (job.get("status") or {}).get("conditions") or ():
        if found["type"] in ("Complete", "Failed") and found["status"] == "True":
            return found["lastTransitionTime"]
    return None

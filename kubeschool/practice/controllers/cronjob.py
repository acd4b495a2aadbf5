"""CronJob: makes Jobs by the clock (`pkg/controller/cronjob/{cronjob_controllerv2,utils}.go`).

Schedules follow time-lapse: a CronJob's own time starts with its creation and runs `speed` times as fast; at speed 1 it is the real time.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ..apiserver.errors import ApiError
from ..clock import now, parse, timestamp
from ..component import Controller
from ..cron import ScheduleError, parse_schedule
from ..deep_copy import deep_copy
from ..informer import controller_of, key_of
from .job import finished_since
from .utils import Family, controller_ref, ignore_gone, is_namespace_terminating

RESOURCE, JOBS = "cronjobs.batch", "jobs.batch"
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
TOO_MANY_MISSED = 100


class CronJobController(Controller):
    name = "cronjob-controller"

    def setup(self) -> None:
        self.cronjobs = self.informers[RESOURCE]
        self.jobs = Family(self.informers[JOBS])
        self.last: dict[str, datetime] = {}
        self.cronjobs.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers[JOBS].on_change(self._on_job)

    def _on_job(self, old: dict | None, new: dict | None) -> None:
        owner = controller_of(new or old)
        if owner and owner["kind"] == "CronJob":
            self.queue.add((key_of(new or old)[0], owner["name"]))

    async def reconcile(self, key: tuple[str, str]) -> None:
        cronjob = self.cronjobs.get(*key)
        if cronjob is None:
            return
        cronjob = deep_copy(cronjob)
        before = deep_copy(cronjob.get("status") or {})
        jobs = self.jobs.of(cronjob["metadata"]["uid"])
        self._follow(cronjob, jobs)
        self._clean_up(cronjob, jobs)
        if "deletionTimestamp" not in cronjob["metadata"] and not cronjob["spec"].get("suspend"):
            self._start(cronjob, jobs)
        status = {k: v for k, v in (cronjob.get("status") or {}).items() if v}
        if status != before:
            cronjob["status"] = status
            ignore_gone(self.client.update, RESOURCE, cronjob, "status")

    def _follow(self, cronjob: dict, jobs: list[dict]) -> None:
        """Keep status.active, and say which jobs have ended."""
        status = cronjob.setdefault("status", {})
        by_uid = {j["metadata"]["uid"]: j for j in jobs}
        active = []
        for reference in status.get("active") or ():
            job = by_uid.pop(reference["uid"], None)
            if job is None:
                self.events.event(cronjob, "Normal", "MissingJob", f"Active job went missing: {reference['name']}")
            elif ended := finished_since(job):
                kind = next(c["type"] for c in job["status"]["conditions"] if c["type"] in ("Complete", "Failed") and c["status"] == "True")
                self.events.event(cronjob, "Normal", "SawCompletedJob", f"Saw completed job: {reference['name']}, condition: {kind}")
                if kind == "Complete":
                    status["lastSuccessfulTime"] = max(status.get("lastSuccessfulTime") or "", job["status"].get("completionTime") or ended)
            else:
                active.append(reference)
        active += [_reference(j) for j in by_uid.values() if not finished_since(j)]
        status["active"] = active

    def _clean_up(self, cronjob: dict, jobs: list[dict]) -> None:
        for type_, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            ended = [
                j
                for j in jobs
                if any(c["type"] == type_ and c["status"] == "True" for c in (j.get("status") or {}).get("conditions") or ())
            ]
            ended.sort(key=lambda j: j["status"].get("startTime") or "")
            for job in ended[: max(len(ended) - cronjob["spec"].get(limit, 1), 0)]:
                self._delete(cronjob, job)

    def _start(self, cronjob: dict, jobs: list[dict]) -> None:
        meta, spec, status = cronjob["metadata"], cronjob["spec"], cronjob["status"]
        try:
            schedule = parse_schedule(spec["schedule"])
            zone = ZoneInfo(spec["timeZone"]) if spec.get("timeZone") else UTC
        except (ScheduleError, ValueError, KeyError, OSError) as error:
            self.events.event(cronjob, "Warning", "UnparseableSchedule", f'unparseable schedule: "{spec["schedule"]}" : {error}')
            return
        here = self._time(cronjob, now())
        last, missed = self._last(cronjob, jobs), 0
        due, at = None, schedule.next(last.astimezone(zone))
        while at and at <= here:
            due, at, missed = at, schedule.next(at), missed + 1
        if at:
            self.queue.add_after(key_of(cronjob), (at - here).total_seconds())
        if due is None:
            return
        if missed > TOO_MANY_MISSED:
            message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self.events.event(cronjob, "Warning", "TooManyMissedTimes", f"too many missed start times: {missed}. {message}")
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and due + timedelta(seconds=deadline) < here:
            text = due.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
            self.events.event(cronjob, "Warning", "MissSchedule", f"Missed scheduled time to start a job: {text}")
            self.last[meta["uid"]] = due
            return
        if spec["concurrencyPolicy"] == "Forbid" and status["active"]:
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.events.event(cronjob, "Normal", "JobAlreadyActive", message)
            return
        if spec["concurrencyPolicy"] == "Replace":
            by_uid = {j["metadata"]["uid"]: j for j in jobs}
            for reference in status["active"]:
                self._delete(cronjob, by_uid[reference["uid"]])
            status["active"] = []
        self._create(cronjob, due)

    def _create(self, cronjob: dict, due: datetime) -> None:
        meta, template = cronjob["metadata"], cronjob["spec"]["jobTemplate"]
        source = template.get("metadata") or {}
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": f"{meta['name']}-{int(due.timestamp()) // 60}",
                "namespace": meta["namespace"],
                "labels": dict(source.get("labels") or {}),
                "annotations": {
                    **(source.get("annotations") or {}),
                    SCHEDULED_AT: due.strftime("%Y-%m-%dT%H:%M:%S%z").replace("+0000", "Z"),
                },
                "ownerReferences": [controller_ref(cronjob)],
            },
            "spec": deep_copy(template["spec"]),
        }
        self.last[meta["uid"]] = due
        try:
            created = self.client.create(JOBS, job)
            self.events.event(cronjob, "Normal", "SuccessfulCreate", f"Created job {created['metadata']['name']}")
            cronjob["status"]["active"] = [*cronjob["status"]["active"], _reference(created)]
        except ApiError as error:
            if error.reason != "AlreadyExists":
                if not is_namespace_terminating(error):
                    self.events.event(cronjob, "Warning", "FailedCreate", f"Error creating job: {error.message}")
                self.last.pop(meta["uid"])
                raise
        cronjob["status"]["lastScheduleTime"] = timestamp(self._real(cronjob, due))

    def _delete(self, cronjob: dict, job: dict) -> None:
        ignore_gone(self.client.delete, JOBS, *key_of(job), propagation="Background")
        self.events.event(cronjob, "Normal", "SuccessfulDelete", f"Deleted job {job['metadata']['name']}")

    # -- time ----------------------------------------------------------------------------------------------

    def _time(self, cronjob: dict, at: datetime) -> datetime:
        created = parse(cronjob["metadata"]["creationTimestamp"])
        return created + (at - created) * self.clock.speed

    def _real(self, cronjob: dict, at: datetime) -> datetime:
        created = parse(cronjob["metadata"]["creationTimestamp"])
        return created + (at - created) / self.clock.speed

    def _last(self, cronjob: dict, jobs: list[dict]) -> datetime:
        """The latest time a job was started for, in the CronJob's own time."""
        meta, spec = cronjob["metadata"], cronjob["spec"]
        times = [parse(meta["creationTimestamp"])]
        if started := (cronjob.get("status") or {}).get("lastScheduleTime"):
            times.append(self._time(cronjob, parse(started)))
        times += [parse(t) for j in jobs if (t := (j["metadata"].get("annotations") or {}).get(SCHEDULED_AT))]
        if known := self.last.get(meta["uid"]):
            times.append(known)
        if spec.get("startingDeadlineSeconds") is not None:
            times.append(self._time(cronjob, now()) - timedelta(seconds=spec["startingDeadlineSeconds"]))
        return max(times)


def _reference(job: dict) -> dict:
    meta = job["metadata"]
    return {
        "kind": "Job",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": "batch/v1",
        "resourceVersion": meta["resourceVersion"],
    }

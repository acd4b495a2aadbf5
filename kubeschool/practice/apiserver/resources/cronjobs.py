"""CronJob (`pkg/apis/batch/v1/defaults.go`, `pkg/apis/batch/validation/validation.go` ValidateCronJob)."""

import zoneinfo

from ...cron import ScheduleError, parse_schedule
from ..errors import FieldError, invalid_value, required
from ..names import validate_dns_subdomain
from ..podspec import default_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_bool, format_label_selector, integer, since
from ..resource import STATUS, Column, Resource
from ..validation import validate_enum, validate_non_negative
from .jobs import default_job_spec, validate_job_spec
from .pods import pod_warnings


class CronJob(Resource):
    group, kind, plural = "batch", "CronJob", "cronjobs"
    short_names, categories = ("cj",), ("all",)
    has_generation = True
    subresources = STATUS
    columns = (
        NAME,
        Column("Schedule"),
        Column("Timezone"),
        Column("Suspend", type="boolean"),
        integer("Active"),
        Column("Last Schedule"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        job = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
        default_template(job.setdefault("template", {}))

    def validate_name(self, name: str) -> list[str]:
        errors = validate_dns_subdomain(name)
        return errors + (["must be no more than 52 characters"] if len(name) > 52 else [])

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj["spec"], []
        if not spec.get("schedule"):
            found.append(required("spec.schedule"))
        else:
            found += _validate_schedule(spec["schedule"])
        if spec.get("timeZone") is not None:
            found += _validate_time_zone(spec["timeZone"])
        found += validate_non_negative(spec, "startingDeadlineSeconds", "spec")
        found += validate_enum(spec["concurrencyPolicy"], "spec.concurrencyPolicy", ["Allow", "Forbid", "Replace"])
        for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
            found += validate_non_negative(spec, field, "spec")
        job: dict = {**spec["jobTemplate"]["spec"]}
        if job.get("manualSelector") or job.get("selector"):
            found.append(invalid_value("spec.jobTemplate.spec.selector", job.get("selector"), "`selector` will be auto-generated"))
        default_job_spec(job)
        return found + validate_job_spec(job, "spec.jobTemplate.spec")

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["jobTemplate"]["spec"]["template"]["spec"], path="spec.jobTemplate.spec.template.spec")

    def row(self, obj: dict) -> list:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
        job = spec["jobTemplate"]["spec"]
        return [
            meta["name"],
            spec["schedule"],
            spec.get("timeZone") or "<none>",
            format_bool(spec.get("suspend")),
            len(status.get("active") or []),
            since(status.get("lastScheduleTime"), "<none>"),
            since(meta.get("creationTimestamp")),
            *container_cells(job["template"]),
            format_label_selector(job.get("selector")),
        ]


def _validate_schedule(schedule: str) -> list[FieldError]:
    """Standard cron or a descriptor (`github.com/robfig/cron/v3` ParseStandard)."""
    if "TZ" in schedule:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [invalid_value("spec.schedule", schedule, detail)]
    try:
        parse_schedule(schedule)
    except ScheduleError as error:
        return [invalid_value("spec.schedule", schedule, str(error))]
    return []


def _validate_time_zone(zone: str) -> list[FieldError]:
    if not zone:
        return [invalid_value("spec.timeZone", zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [invalid_value("spec.timeZone", zone, detail)]
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return [invalid_value("spec.timeZone", zone, f"unknown time zone {zone}")]
    return []

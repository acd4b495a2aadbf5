"""Job (`pkg/apis/batch/v1/defaults.go`, `pkg/apis/batch/validation/validation.go`, `pkg/registry/batch/job/strategy.go`)."""

from datetime import timedelta

from ...clock import now, parse
from ..errors import FieldError, invalid_value, not_supported, required
from ..podspec import default_template, validate_template
from ..printers import AGE, CONTAINERS, IMAGES, NAME, SELECTOR, container_cells, format_label_selector, since
from ..resource import STATUS, Column, Resource
from ..tables import human_duration
from ..validation import validate_immutable, validate_label_selector, validate_non_negative
from .pods import pod_warnings


class Job(Resource):
    group, kind, plural = "batch", "Job", "jobs"
    categories = ("all",)
    has_generation = True
    default_propagation = "Orphan"
    subresources = STATUS
    columns = (NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, CONTAINERS, IMAGES, SELECTOR)

    def default(self, obj: dict) -> None:
        default_job_spec(obj.setdefault("spec", {}))
        labels = (obj["spec"]["template"].get("metadata") or {}).get("labels")
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)

    def begin_create(self, registry, request, obj: dict) -> None:
        """The selector and the labels it needs come from the job's uid (generateSelector)."""
        spec, meta = obj["spec"], obj["metadata"]
        if spec.get("manualSelector"):
            return
        labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
        for prefix in ("", "batch.kubernetes.io/"):
            labels.setdefault(f"{prefix}job-name", meta.get("name", ""))
            labels.setdefault(f"{prefix}controller-uid", meta["uid"])
        if not meta.get("labels"):
            meta["labels"] = dict(labels)
        selector = spec["selector"] = spec.get("selector") or {}
        selector.setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = meta["uid"]

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        selector = spec.get("selector")
        found = [] if selector else [required("spec.selector")]
        found += validate_label_selector(selector, "spec.selector")
        return found + validate_job_spec(spec, "spec")

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found, new, was = self.validate(obj), obj["spec"], old["spec"]
        for field in ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
            found += validate_immutable(new.get(field), was.get(field), f"spec.{field}")
        if new.get("completions") != was.get("completions") and not _elastic(new, was):
            found += validate_immutable(new.get("completions"), was.get("completions"), "spec.completions")
        if not (was.get("suspend") and not old.get("status", {}).get("startTime")):
            found += validate_immutable(new.get("template"), was.get("template"), "spec.template")
        return found

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"]["template"]["spec"], path="spec.template.spec")

    def fields(self, obj: dict) -> dict[str, str]:
        return {"status.successful": str(obj.get("status", {}).get("succeeded", 0))}

    def row(self, obj: dict) -> list:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
        succeeded = status.get("succeeded", 0)
        if spec.get("completions") is not None:
            completions = f"{succeeded}/{spec['completions']}"
        elif (spec.get("parallelism") or 0) > 1:
            completions = f"{succeeded}/1 of {spec['parallelism']}"
        else:
            completions = f"{succeeded}/1"
        return [
            meta["name"],
            _state(obj),
            completions,
            _duration(status),
            since(meta.get("creationTimestamp")),
            *container_cells(spec["template"]),
            format_label_selector(spec.get("selector")),
        ]


def _elastic(new: dict, was: dict) -> bool:
    """Indexed jobs may change completions together with parallelism."""
    return (
        new.get("completionMode") == "Indexed" and new.get("completions") == new.get("parallelism") and was.get("completions") is not None
    )


def _state(obj: dict) -> str:
    true = {c["type"] for c in obj.get("status", {}).get("conditions") or [] if c["status"] == "True"}
    for condition in ("Complete", "Failed"):
        if condition in true:
            return condition
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return next((c for c in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if c in true), "Running")


def _duration(status: dict) -> str:
    if not status.get("startTime"):
        return ""
    end = parse(status["completionTime"]) if status.get("completionTime") else now()
    return human_duration(max(end - parse(status["startTime"]), timedelta()))


def default_job_spec(spec: dict) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6
    spec["completionMode"] = spec.get("completionMode") or "NonIndexed"
    spec.setdefault("suspend", False)
    spec["podReplacementPolicy"] = spec.get("podReplacementPolicy") or ("Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or []:
        for pattern in rule.get("onPodConditions") or []:
            pattern["status"] = pattern.get("status") or "True"
    default_template(spec.setdefault("template", {}))


def validate_job_spec(spec: dict, path: str) -> list[FieldError]:
    found = []
    for field in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex"):
        found += validate_non_negative(spec, field, path)
    mode = spec.get("completionMode")
    if mode not in ("NonIndexed", "Indexed"):
        found.append(not_supported(f"{path}.completionMode", mode, ["Indexed", "NonIndexed"]))
    if mode == "Indexed" and spec.get("completions") is None:
        found.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if mode == "Indexed" and (spec.get("parallelism") or 0) > 100_000:
        detail = "must be less than or equal to 100000 when completion mode is Indexed"
        found.append(invalid_value(f"{path}.parallelism", spec["parallelism"], detail))
    if mode != "Indexed" and spec.get("backoffLimitPerIndex") is not None:
        found.append(invalid_value(f"{path}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], "requires indexed completion mode"))
    if spec.get("podReplacementPolicy") not in ("TerminatingOrFailed", "Failed"):
        found.append(not_supported(f"{path}.podReplacementPolicy", spec.get("podReplacementPolicy"), ["Failed", "TerminatingOrFailed"]))
    for i, rule in enumerate((spec.get("podFailurePolicy") or {}).get("rules") or []):
        at, actions = f"{path}.podFailurePolicy.rules[{i}]", ["Count", "FailIndex", "FailJob", "Ignore"]
        if rule.get("action") not in actions:
            found.append(not_supported(f"{at}.action", rule.get("action", ""), actions))
        if bool(rule.get("onExitCodes")) == bool(rule.get("onPodConditions")):
            words = (
                "specifying both OnExitCodes and OnPodConditions is not supported"
                if rule.get("onExitCodes")
                else ("specifying one of OnExitCodes and OnPodConditions is required")
            )
            found.append(invalid_value(at, rule, words))
    found += validate_template(spec["template"], f"{path}.template")
    policy = (spec["template"].get("spec") or {}).get("restartPolicy", "")
    if policy == "Always":
        found.append(required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        found.append(not_supported(f"{path}.template.spec.restartPolicy", policy, ["OnFailure", "Never"]))
    elif spec.get("podFailurePolicy") and policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(invalid_value(f"{path}.template.spec.restartPolicy", policy, detail))
    return found

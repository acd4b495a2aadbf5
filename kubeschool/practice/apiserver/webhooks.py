"""Defaults of admission webhooks and policies (`pkg/apis/admissionregistration/v1/defaults.go`). Webhooks are stored, not called."""

from .errors import FieldError, duplicate, invalid_value, required
from .validation import validate_enum, validate_label_selector


def default_webhook(webhook: dict) -> None:
    webhook["failurePolicy"] = webhook.get("failurePolicy") or "Fail"
    default_match(webhook)
    webhook.setdefault("timeoutSeconds", 10)
    if service := (webhook.get("clientConfig") or {}).get("service"):
        service.setdefault("port", 443)


def default_match(constraints: dict) -> None:
    constraints["matchPolicy"] = constraints.get("matchPolicy") or "Equivalent"
    constraints.setdefault("namespaceSelector", {})
    constraints.setdefault("objectSelector", {})
    for field in ("rules", "resourceRules", "excludeResourceRules"):
        for rule in constraints.get(field) or []:
            rule["scope"] = rule.get("scope") or "*"


def validate_webhooks(obj: dict) -> list[FieldError]:
    found, names = [], set()
    for i, webhook in enumerate(obj.get("webhooks") or []):
        at, name = f"webhooks[{i}]", webhook.get("name", "")
        if name.count(".") < 2:
            found.append(_not_qualified(f"{at}.name", name))
        if name in names:
            found.append(duplicate(f"{at}.name", name))
        names.add(name)
        found += validate_enum(webhook["failurePolicy"], f"{at}.failurePolicy", ["Fail", "Ignore"])
        found += validate_enum(webhook.get("sideEffects"), f"{at}.sideEffects", ["None", "NoneOnDryRun"])
        for field in ("namespaceSelector", "objectSelector"):
            found += validate_label_selector(webhook.get(field), f"{at}.{field}")
        config = webhook.get("clientConfig") or {}
        if bool(config.get("url")) == bool(config.get("service")):
            found.append(required(f"{at}.clientConfig", "exactly one of url or service is required"))
        if not webhook.get("admissionReviewVersions"):
            found.append(required(f"{at}.admissionReviewVersions", "must specify one of v1, v1beta1"))
    return found


def _not_qualified(path: str, name: str) -> FieldError:
    return invalid_value(path, name, "should be a domain with at least three segments separated by dots") if name else required(path)

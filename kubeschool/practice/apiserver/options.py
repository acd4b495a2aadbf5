"""The query parameters of a request (apimachinery `pkg/apis/meta/{internalversion,v1}/validation`, `pkg/runtime/conversion.go`)."""
import re
from dataclasses import dataclass
from typing import Any

from . import errors, schema
from .errors import FieldError, forbidden_field, invalid_value, not_supported, required, too_long
from .resource import DeleteOptions

FIELD_MANAGER_LIMIT = 128
PROPAGATION = ["Foreground", "Background", "Orphan"]
Query = Any
"""A multidict of the parameters."""


def boolean(query: Query, name: str) -> bool:
    """Go clients may write anything but 0 and false."""
    return name in query and query[name].lower() not in ("0", "false")


def integer(query: Query, name: str) -> int | None:
    """Raises 400."""
    text = query.get(name)
    if not text:
        return None
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(1 << 63) <= int(text) < 1 << 63:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def resource_version(query: Query) -> int | None:
    """None when absent. Raises 400."""
    text = query.get("resourceVersion") or ""
    if not text:
        return None
    if not re.fullmatch("[0-9]+", text):
        fault = invalid_value("resourceVersion", text, f'strconv.ParseUint: parsing "{text}": invalid syntax')
        raise errors.bad_request(f"invalid resource version: {fault}")
    return int(text)


@dataclass
class ListOptions:
    """Of a list or a watch. `version` None: the newest."""

    labels: str
    fields: str
    limit: int
    token: str
    version: int | None
    exact: bool
    seconds: int | None
    send_initial_events: bool | None
    bookmarks: bool

    @property
    def selectors(self) -> tuple[str, str]:
        return self.labels, self.fields

    @classmethod
    def of(cls, query: Query, watch: bool) -> "ListOptions":
        """Raises 400 for what cannot be read, 422 for what does not go together."""
        match, token = query.get("resourceVersionMatch", ""), query.get("continue", "")
        initial = boolean(query, "sendInitialEvents") if "sendInitialEvents" in query else None
        check = _watch_rules if watch else _list_rules
        if found := list(check(query.get("resourceVersion", ""), match, token, initial)):
            raise errors.invalid("ListOptions.meta.k8s.io", "", found)
        return cls(
            query.get("labelSelector", ""), query.get("fieldSelector", ""), max(integer(query, "limit") or 0, 0), token,
            resource_version(query), match == "Exact", integer(query, "timeoutSeconds"), initial, boolean(query, "allowWatchBookmarks"),
        )


def _list_rules(version: str, match: str, token: str, initial: bool | None):
    if match:
        if not version:
            yield forbidden_field("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if token:
            yield forbidden_field("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            yield not_supported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""])
        if match == "Exact" and version == "0":
            yield forbidden_field("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if initial is not None:
        yield forbidden_field("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_rules(version: str, match: str, token: str, initial: bool | None):
    if initial is not None and match != "NotOlderThan":
        detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        yield forbidden_field("resourceVersionMatch", detail)
    if match:
        if initial is None:
            detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            yield forbidden_field("resourceVersionMatch", detail)
        if match != "NotOlderThan":
            yield not_supported("resourceVersionMatch", match, ["NotOlderThan"])
        if token:
            yield forbidden_field("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")


def check_write(query: Query, kind: str, apply: bool = False) -> None:
    """`kind` is CreateOptions, UpdateOptions or PatchOptions. Raises 422."""
    found = _dry_run_errors(query.getall("dryRun", ()))
    manager = query.get("fieldManager", "")
    if apply and not manager:
        found.append(required("fieldManager", "is required for apply patch"))
    if kind == "PatchOptions" and not apply and "force" in query:
        found.append(forbidden_field("force", "may not be specified for non-apply patch"))
    if len(manager.encode()) > FIELD_MANAGER_LIMIT:
        found.append(too_long("fieldManager", FIELD_MANAGER_LIMIT))
    if (at := next((i for i, c in enumerate(manager) if not c.isprintable()), None)) is not None:
        found.append(invalid_value("fieldManager", manager, f"invalid character U+{ord(manager[at]):04X} (at position {at})"))
    if (validation := query.get("fieldValidation", "")) not in ("", "Ignore", "Strict", "Warn"):
        found.append(not_supported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]))
    if found:
        raise errors.invalid(f"{kind}.meta.k8s.io", "", found)


def delete_options(query: Query, body: dict | None) -> DeleteOptions:
    """From the body, else from the query. Raises 400, 422."""
    if body is None:
        body = {"propagationPolicy": query.get("propagationPolicy"), "gracePeriodSeconds": integer(query, "gracePeriodSeconds"),
                "dryRun": query.getall("dryRun", [])}
        if "orphanDependents" in query:
            body["orphanDependents"] = boolean(query, "orphanDependents")
    else:
        gvk = schema.GroupVersionKind("", "v1", "DeleteOptions")
        try:
            body = schema.decode(schema.type_for(gvk), {**body, "apiVersion": "v1"}, gvk)[0]
        except schema.DecodeError as error:
            raise errors.bad_request(error.text) from None
    found = _dry_run_errors(body.get("dryRun") or ())
    policy, orphan = body.get("propagationPolicy"), body.get("orphanDependents")
    if policy and orphan is not None:
        found.append(invalid_value("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"))
    if policy and policy not in PROPAGATION:
        found.append(not_supported("propagationPolicy", policy, [*PROPAGATION, "nil"]))
    if found:
        raise errors.invalid("DeleteOptions.meta.k8s.io", "", found)
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        grace=body.get("gracePeriodSeconds"),
        propagation=policy or ("Orphan" if orphan else None),
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=bool(body.get("dryRun")),
    )


def _dry_run_errors(values: list[str]) -> list[FieldError]:
    return [] if all(value == "All" for value in values) else [not_supported("dryRun", list(values), ["All"])]

"""API errors in Kubernetes' own words (apimachinery `pkg/api/errors/errors.go`, `pkg/util/validation/field/errors.go`)."""
from dataclasses import dataclass
from typing import Any

import orjson


class ApiError(Exception):
    """A metav1.Status of failure. `details` as in StatusDetails; `headers` go out with the HTTP response; `metadata` is a ListMeta."""

    def __init__(self, code: int, reason: str, message: str, details: dict | None = None, headers: dict | None = None,
                 metadata: dict | None = None):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details, self.headers, self.metadata = details or {}, headers or {}, metadata or {}

    @property
    def status(self) -> dict:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


@dataclass(frozen=True)
class FieldError:
    """One finding of a validation. `type` is the cause's reason, e.g. FieldValueInvalid."""

    type: str
    field: str
    body: str

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    @property
    def cause(self) -> dict:
        return {"reason": self.type, "message": self.body, "field": self.field}


def _quoted(value: Any) -> str:
    """A rejected value as Go prints it in a field error: strings quoted, nil as "null", the rest as JSON."""
    if value is None:
        return '"null"'
    return orjson.dumps(value).decode()


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", field, f"Invalid value: {_quoted(value)}: {detail}")


def not_supported(field: str, value: Any, valid: list[str]) -> FieldError:
    choices = ", ".join(_quoted(v) for v in valid)
    return FieldError("FieldValueNotSupported", field, f"Unsupported value: {_quoted(value)}: supported values: {choices}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {_quoted(value)}")


def value_not_found(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", field, f"Not found: {_quoted(value)}")


def forbidden_field(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


def too_long(field: str, limit: int) -> FieldError:
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    return FieldError("FieldValueTooMany", field, f"Too many: {actual}: must have at most {limit} items")


def _details(resource: str, name: str) -> dict:
    plural, _, group = resource.partition(".")
    return {k: v for k, v in {"name": name, "group": group, "kind": plural}.items() if v}


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, name: str, why: str) -> ApiError:
    subject = f'{resource} "{name}"' if name else resource
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', _details(resource, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def already_exists(resource: str, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', _details(resource, name))


def conflict(resource: str, name: str, why: str = "") -> ApiError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return ApiError(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{name}": {why}', _details(resource, name))


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def invalid(kind: str, name: str, errors: list[FieldError]) -> ApiError:
    """`kind` qualified by its group as upstream prints it: `Pod`, `Deployment.apps`."""
    bodies = [str(e) for e in errors]
    text = bodies[0] if len(bodies) == 1 else f"[{', '.join(bodies)}]"
    bare, _, group = kind.partition(".")
    details = {"name": name, "group": group, "kind": bare, "causes": [e.cause for e in errors]}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {text}', {k: v for k, v in details.items() if v})


def unexplained(message: str) -> ApiError:
    """What a kube-apiserver answers as 500 without a reason though the request is at fault. kubectl prints the same for 422; 5xx is
    kept for faults of this server."""
    return ApiError(422, "", message)


def service_unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)


def internal_error(message: str) -> ApiError:
    text = f"Internal error occurred: {message}"
    return ApiError(500, "InternalError", text, {"causes": [{"message": message}]})

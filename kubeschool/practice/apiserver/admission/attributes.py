"""What plugins ask of a request (`k8s.io/apiserver/pkg/admission`)."""

from .. import errors
from ..errors import ApiError
from ..registry import Request


def is_create_of(request: Request, operation: str, resource: str) -> bool:
    """A creation of the resource itself, not of a subresource."""
    return operation == "CREATE" and request.resource.name == resource and not request.subresource


def refuse(request: Request, obj: dict | None, why: str, generated: bool = True) -> ApiError:
    """403 in admission's words. With `generated` False the name is the one before name generation, as in the mutating phase."""
    prefix = (obj or {}).get("metadata", {}).get("generateName", "")
    return errors.forbidden(request.resource.name, request.name if generated or not prefix else prefix, why)

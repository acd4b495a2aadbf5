"""Name rules (apimachinery `pkg/util/validation/validation.go`, `pkg/api/validation/generic.go`)."""
import random
import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"

SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels, no lookalikes (apimachinery `pkg/util/rand/rand.go`)."""


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def _regex_error(what: str, regex: str, *examples: str) -> str:
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{what} (e.g. {shown}regex used for validation is '{regex}')"


def validate_dns_subdomain(name: str) -> list[str]:
    """RFC 1123 subdomain: what most object names must be. Returns messages, empty when fine."""
    errors = [_too_long(253)] if len(name) > 253 else []
    if not re.fullmatch(_SUBDOMAIN, name):
        errors.append(
            _regex_error(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
                "and must start and end with an alphanumeric character",
                _SUBDOMAIN,
                "example.com",
            )
        )
    return errors


def validate_dns_label(name: str) -> list[str]:
    """RFC 1123 label: namespaces, container names."""
    errors = [_too_long(63)] if len(name) > 63 else []
    if not re.fullmatch(_LABEL, name):
        errors.append(
            _regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                "and must start and end with an alphanumeric character",
                _LABEL,
                "my-name",
                "123-abc",
            )
        )
    return errors


def validate_dns_1035_label(name: str) -> list[str]:
    """RFC 1035 label: Services."""
    errors = [_too_long(63)] if len(name) > 63 else []
    if not re.fullmatch(_LABEL_1035, name):
        errors.append(
            _regex_error(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                "start with an alphabetic character, and end with an alphanumeric character",
                _LABEL_1035,
                "my-name",
                "abc-123",
            )
        )
    return errors


def validate_path_segment(name: str) -> list[str]:
    """What RBAC objects may be called: anything that fits in a URL path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{c}'" for c in "/%" if c in name]


def validate_label_key(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return ["prefix part must be non-empty"]
    if "/" in prefix:
        return [
            _regex_error(
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                "alphanumeric character",
                _QUALIFIED,
                "MyName",
                "my.name",
                "123-abc",
            )[:-1]
            + ") with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    errors = [f"prefix part {e}" for e in validate_dns_subdomain(prefix)] if slash else []
    if not name:
        errors.append("name part must be non-empty")
    elif len(name) > 63:
        errors.append(f"name part {_too_long(63)}")
    if not re.fullmatch(_QUALIFIED, name):
        errors.append(
            "name part "
            + _regex_error(
                "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                _QUALIFIED,
                "MyName",
                "my.name",
                "123-abc",
            )
        )
    return errors


def validate_label_value(value: str) -> list[str]:
    errors = [_too_long(63)] if len(value) > 63 else []
    if not re.fullmatch(_LABEL_VALUE, value):
        errors.append(
            _regex_error(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
                "end with an alphanumeric character",
                _LABEL_VALUE,
                "MyValue",
                "my_value",
                "12345",
            )
        )
    return errors


def random_suffix(length: int = 5) -> str:
    return "".join(random.choices(SAFE_ALPHABET, k=length))


def generate_name(prefix: str) -> str:
    """metadata.generateName's rule: prefix cut to 58 characters plus five random ones."""
    return prefix[:58] + random_suffix()

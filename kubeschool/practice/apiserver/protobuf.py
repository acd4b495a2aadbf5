"""Kubernetes' protobuf request bodies as JSON objects.

kubectl's typed writes (`create deployment`, `auth can-i`, …) come as `application/vnd.kubernetes.protobuf` and nothing
else. Envelope: apimachinery `pkg/runtime/serializer/protobuf/protobuf.go`; field numbers: `protobuf_fields.txt` beside this file.
"""
import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from .errors import ApiError, bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
PREFIX = b"k8s\0"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Field(NamedTuple):
    """`pointer` and `required` (no omitempty) fields keep their zero value, others lose it in JSON."""

    name: str
    type: str
    repeated: bool
    pointer: bool
    required: bool
    inline: bool


def parse(body: bytes, kind: str) -> dict:
    """`decode` of a request's body; `kind` is what is expected, for the message."""
    try:
        return decode(body)
    except ApiError as error:
        shown = f"{body[:30].hex()} ..." if len(body) > 30 else body.hex()
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {error.message} ({shown})") from None


def decode(body: bytes) -> dict:
    """The object in `body`. Raises ApiError 400 for a body that is no protobuf or holds an unknown kind."""
    if not body.startswith(PREFIX):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        unknown = dict(_wire_fields(body[len(PREFIX):]))
        type_meta = _message("runtime.TypeMeta", unknown.get(1, b""))
        api_version, kind = type_meta.get("apiVersion", ""), type_meta.get("kind", "")
        message = _message_name(api_version, kind)
        if message not in messages():
            raise bad_request(f'no kind "{kind}" is registered for version "{api_version}"')
        return {"apiVersion": api_version, "kind": kind, **_message(message, unknown.get(2, b""))}
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise bad_request("unexpected EOF") from error


def _message_name(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    name = f"{group.split('.')[0] or 'core'}/{version}.{kind}"
    return f"meta/v1.{kind}" if name not in messages() and kind == "DeleteOptions" else name


@cache
def messages() -> dict[str, str]:
    """Message name (`core/v1.Pod`) -> its line of the facts."""
    text = files(__package__).joinpath("protobuf_fields.txt").read_text()
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))


@cache
def fields_of(message: str) -> dict[int, Field]:
    """A message's fields by number."""
    fields = {}
    for item in messages()[message].split():
        number, _, rest = item.partition("=")
        name, _, type_ = rest.partition(":")
        fields[int(number)] = Field(name.strip("~[]*!"), type_, "[]" in name, "*" in name, "!" in name, name.startswith("~"))
    return fields


def _message(message: str, data: bytes) -> dict[str, Any]:
    fields, result = fields_of(message), {}
    for number, wire in _wire_fields(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.type.startswith("{}"):
            key, value = _map_entry(field.type[2:], wire)
            result.setdefault(field.name, {})[key] = value
        elif field.repeated:
            result.setdefault(field.name, []).append(_value(field.type, wire))
        elif field.inline:
            result.update(_message(field.type, wire))
        else:
            value = _value(field.type, wire)
            if value is not None and (value or field.pointer or field.required):
                result[field.name] = value
    return result


def _map_entry(value_type: str, data: bytes) -> tuple[str, Any]:
    entry = dict(_wire_fields(data))
    default = 0 if value_type in "?ild" else b""
    return entry.get(1, b"").decode(), _value(value_type, entry.get(2, default))


def _value(type_: str, wire: int | bytes) -> Any:
    """The JSON form of one wire value. A zero Time is None, as in Go's JSON."""
    match type_:
        case "s":
            return wire.decode()
        case "b":
            return base64.b64encode(wire).decode()
        case "?":
            return bool(wire)
        case "i" | "l":
            return wire - (1 << 64) if wire >> 63 else wire
        case "d":
            return struct.unpack("<d", struct.pack("<Q", wire))[0]
        case "meta/v1.Time" | "meta/v1.MicroTime":
            return _time(dict(_wire_fields(wire)), micro=type_.endswith("MicroTime"))
        case "resource.Quantity":
            return dict(_wire_fields(wire)).get(1, b"").decode()
        case "intstr.IntOrString":
            fields = dict(_wire_fields(wire))
            return fields.get(3, b"").decode() if fields.get(1) else _value("i", fields.get(2, 0))
        case "meta/v1.FieldsV1":
            return orjson.loads(dict(_wire_fields(wire)).get(1, b"{}"))
    if type_.endswith(".ExtraValue"):
        return [item.decode() for number, item in _wire_fields(wire) if number == 1]
    return _message(type_, wire)


def _time(fields: dict[int, int], micro: bool) -> str | None:
    seconds = _value("l", fields.get(1, 0))
    if not seconds:
        return None
    at = EPOCH + timedelta(seconds=seconds, microseconds=fields.get(2, 0) // 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _wire_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value): an unsigned integer for varint and fixed types, bytes for length-delimited ones."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 1:
                value, at = struct.unpack_from("<Q", data, at)[0], at + 8
            case 2:
                size, at = _varint(data, at)
                value, at = data[at:at + size], at + size
                if at > len(data):
                    raise ValueError("unexpected EOF")
            case 5:
                value, at = struct.unpack_from("<I", data, at)[0], at + 4
            case other:
                raise ValueError(f"illegal wireType {other}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7

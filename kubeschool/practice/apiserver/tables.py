"""`kubectl get` as the server prints it: meta.k8s.io/v1 Table, and the durations in its cells."""
from datetime import datetime, timedelta

from ..clock import now, parse
from .resource import Resource


def human_duration(span: timedelta) -> str:
    """`90s`, `5m30s`, `3h`, `2d4h` … (apimachinery `pkg/util/duration/duration.go` HumanDuration)."""
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def translate_timestamp_since(at: str | datetime | None) -> str:
    """Age cell of a timestamp, `<unknown>` without one."""
    if not at:
        return "<unknown>"
    return human_duration(now() - (parse(at) if isinstance(at, str) else at))


def table(resource: Resource, objects: list[dict], metadata: dict, include: str, with_columns: bool = True) -> dict:
    """A Table of objects. `include` is the includeObject parameter: Metadata, Object or None."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_column(c) for c in resource.columns] if with_columns else None,
        "rows": [{"cells": resource.row(obj), "object": _included(obj, include)} for obj in objects],
    }


def _column(column) -> dict:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _included(obj: dict, include: str) -> dict | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}

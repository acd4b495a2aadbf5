"""`GET …/pods/NAME/log`."""
from collections.abc import Mapping
from contextlib import aclosing

from aiohttp import web

from . import errors
from .errors import FieldError

STREAMS = ("All", "Stdout", "Stderr")


def options_of(pod: str, query: Mapping[str, str]) -> dict:
    """PodLogOptions as the keyword arguments of KubeletServer.logs, validated (`pkg/apis/core/validation` ValidatePodLogOptions)."""
    options = {
        "follow": _flag(query, "follow"),
        "previous": _flag(query, "previous"),
        "timestamps": _flag(query, "timestamps"),
        "tail": _number(query, "tailLines"),
        "limit_bytes": _number(query, "limitBytes"),
        "since_seconds": _number(query, "sinceSeconds"),
        "since_time": query.get("sinceTime") or None,
        "stream": query.get("stream") or "All",
    }
    wrong: list[FieldError] = []
    if options["tail"] is not None and options["tail"] < 0:
        wrong.append(errors.invalid_value("tailLines", options["tail"], "must be greater than or equal to 0"))
    if options["limit_bytes"] is not None and options["limit_bytes"] < 1:
        wrong.append(errors.invalid_value("limitBytes", options["limit_bytes"], "must be greater than 0"))
    if options["since_seconds"] is not None and options["since_time"]:
        wrong.append(errors.forbidden_field("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    elif options["since_seconds"] is not None and options["since_seconds"] < 1:
        wrong.append(errors.invalid_value("sinceSeconds", options["since_seconds"], "must be greater than 0"))
    if options["stream"] not in STREAMS:
        wrong.append(errors.not_supported("stream", options["stream"], list(STREAMS)))
    elif options["stream"] != "All" and options["tail"] is not None:
        wrong.append(errors.forbidden_field("[]", "`tailLines` and specific `stream` are mutually exclusive for now"))
    if wrong:
        raise errors.invalid("PodLogOptions", pod, wrong)
    return options


async def serve(http: web.BaseRequest, pod: dict, container: str, options: dict, kubelet) -> web.StreamResponse:
    metadata = pod["metadata"]
    lines = await kubelet.logs(metadata["namespace"], metadata["name"], container, **options)
    response = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    await response.prepare(http)
    async with aclosing(lines):
        async for data in lines:
            await response.write(data)
    await response.write_eof()
    return response


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None

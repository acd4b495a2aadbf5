"""Media types: what a client sends and what it accepts (`k8s.io/apiserver/pkg/endpoints/handlers/negotiation`).

Answers are JSON or YAML. A client that accepts only protobuf gets JSON, which says so in its Content-Type and which client-go reads.
"""
import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import yaml
from aiohttp import web

from . import protobuf
from .errors import ApiError

JSON, YAML = "application/json", "application/yaml"
ENCODINGS = {JSON: JSON, YAML: YAML, protobuf.MEDIA_TYPE: JSON, "*/*": JSON, "application/*": JSON}
BODIES = (JSON, YAML, protobuf.MEDIA_TYPE)
VIEWS = {"Table": "meta.k8s.io", "PartialObjectMetadata": "meta.k8s.io", "PartialObjectMetadataList": "meta.k8s.io"}
GZIP_FROM = 128 * 1024


@dataclass(frozen=True)
class Accepted:
    """`view` is Table, PartialObjectMetadata or "" for the object itself."""

    media_type: str = JSON
    view: str = ""
    pretty: bool = False


def negotiate(http: web.BaseRequest, views: bool = True) -> Accepted:
    """What the first clause of Accept that can be served asks for; without `views` no Table and no metadata alone. Raises 406."""
    pretty = http.query.get("pretty", "") not in ("", "0", "false")
    header = http.headers.get("Accept", "")
    for media_type, parameters in _clauses(header):
        view = parameters.get("as", "")
        known = not view or (views and VIEWS.get(view) == parameters.get("g") and parameters.get("v") in ("v1", "v1beta1"))
        if known and media_type in ENCODINGS:
            return Accepted(ENCODINGS[media_type], view.removesuffix("List"), pretty or parameters.get("pretty") in ("1", "true"))
    if header:
        raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {', '.join(BODIES)}")
    return Accepted(pretty=pretty)


def _clauses(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    found = []
    for clause in header.split(","):
        media_type, *parameters = (part.strip() for part in clause.split(";"))
        pairs = dict(part.partition("=")[::2] for part in parameters)
        try:
            weight = float(pairs.get("q", 1))
        except ValueError:
            weight = 0.0
        found.append((-weight, media_type.lower(), pairs))
    found.sort(key=lambda item: item[0])
    return ((media_type, pairs) for _, media_type, pairs in found)


def body_type(http: web.BaseRequest, supported: tuple[str, ...]) -> str:
    """The Content-Type of a body, JSON when there is none. Raises 415."""
    given = http.headers.get("Content-Type", "").partition(";")[0].strip().lower() or JSON
    if given not in supported:
        raise unsupported(supported)
    return given


def unsupported(supported: tuple[str, ...]) -> ApiError:
    text = f"the body of the request was in an unknown format - accepted media types include: {', '.join(supported)}"
    return ApiError(415, "UnsupportedMediaType", text)


def encode(response: web.StreamResponse, http: web.BaseRequest, accepted: Accepted) -> web.StreamResponse:
    """A JSON answer as the client wants it: YAML, indented, compressed."""
    if not isinstance(response, web.Response) or response.prepared or not isinstance(response.body, bytes):
        return response
    if response.content_type == JSON and response.body and "as" not in response.headers.get("Content-Type", ""):
        if accepted.media_type == YAML:
            response.body = yaml.safe_dump(orjson.loads(response.body), default_flow_style=False, allow_unicode=True).encode()
            response.content_type = YAML
        elif accepted.pretty:
            response.body = orjson.dumps(orjson.loads(response.body), option=orjson.OPT_INDENT_2)
    if len(response.body) > GZIP_FROM and "gzip" in http.headers.get("Accept-Encoding", ""):
        response.body = gzip.compress(response.body, 1)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response

"""The API over HTTPS: authenticate, authorize, find the resource, call the registry, write the answer
(`k8s.io/apiserver/pkg/server/handler.go`, `pkg/endpoints/handlers`)."""
import logging
import platform
import re
import time
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from ..client import Client
from ..store import Stored
from ..version import GIT_VERSION
from . import errors, negotiation, openapi, patch, protobuf, proxy, schema, streams, tables, watching
from .authentication import bearer_token, from_certificate, impersonated, user_of_token
from .authorization import Attributes
from .discovery import AGGREGATED, Discovery
from .errors import ApiError
from .negotiation import Accepted
from .options import ListOptions, boolean, check_write, delete_options
from .practice_paths import PREFIX, PracticePaths
from .registry import Registry, Request
from .request_info import RequestInfo
from .resource import DeleteOptions, Resource
from .user import ANONYMOUS, User

BODY_LIMIT = 3 * 1024 * 1024
WATCH_SECONDS = 1800
GNOSTIC = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
PUBLIC = re.compile(r"/(healthz|livez|readyz|version)(/.*)?")
CHECKS = ("ping", "log", "etcd")
HEALTH = re.compile(rf"/(healthz|livez|readyz)(?:/({'|'.join(CHECKS)}))?")
MERGING = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
"""The patches of custom resources."""
STREAMED = ("log", "exec", "attach", "portforward", "proxy")
ACCEPTED, WARNINGS = web.RequestKey("accepted", Accepted), web.RequestKey("warnings", list)
REASONS = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
"""The words of `net/http/status.go` where Python 3.13 has others."""
log = logging.getLogger("kube-apiserver")


class HttpServer:
    """`handle` is an aiohttp handler. `kubelet_of` finds the KubeletServer of a node by name, None when there is none; `client` and
    `connect` (an address in the cluster's network) are for proxied requests; `practice` serves what no other API server has."""

    def __init__(
        self,
        registry: Registry,
        kubelet_of: Callable[[str], object | None],
        client: Client,
        connect: proxy.Connect,
        practice: PracticePaths | None = None,
    ):
        self._registry = registry
        self._kubelet_of, self._client, self._connect, self._practice = kubelet_of, client, connect, practice
        self._served: tuple[Resource, ...] = ()
        self._pager = watching.Pager()
        self.last_request = time.monotonic()
        self.requests = self.active = 0

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        self.active += 1
        began = time.monotonic()
        http[ACCEPTED], http[WARNINGS] = Accepted(), []
        response = negotiation.encode(_warn(await self._answered(http), http[WARNINGS]), http, http[ACCEPTED])
        log.debug(
            '"HTTP" verb="%s" URI="%s" latency="%.1fms" userAgent="%s" resp=%d',
            http.method, http.path_qs, (time.monotonic() - began) * 1000, http.headers.get("User-Agent", ""), response.status,
        )
        return response

    async def _answered(self, http: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._handle(http)
        except ApiError as error:
            reason = REASONS.get(error.code)
            return web.Response(
                body=orjson.dumps(error.status), status=error.code, reason=reason, content_type="application/json", headers=error.headers
            )
        except ConnectionError:
            raise
        except Exception as error:
            log.exception("%s %s", http.method, http.path_qs)
            return web.Response(
                body=orjson.dumps(errors.internal_error(str(error)).status), status=500, content_type="application/json"
            )
        finally:
            self.active -= 1
            self.last_request = time.monotonic()

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        info = RequestInfo.of(http.method, http.path, http.query)
        user = self._authenticate(http, info)
        self._authorize(user, info)
        if self._practice and info.path.startswith(PREFIX):
            return await self._practice.handle(http)
        if not info.is_resource:
            return self._plain(http, info)
        resource = self._registry.resource_at(info.group, info.version, info.resource)
        if resource is None:
            if info.group and not any(r.group == info.group for r in self._registry.served):
                return _page_not_found()
            raise errors.no_such_path()
        if http.method == "HEAD":
            raise errors.method_not_allowed()
        streamed = info.subresource in STREAMED
        self._route(info, resource, streamed)
        if not streamed:
            http[ACCEPTED] = negotiation.negotiate(http, views=resource.stored)
        http[WARNINGS] += resource.read_warnings()
        request = Request(
            user,
            info.verb,
            resource,
            info.namespace,
            info.name,
            info.subresource,
            manager=http.query.get("fieldManager") or http.headers.get("User-Agent", "unknown").split("/")[0],
            dry_run="All" in http.query.getall("dryRun", ()),
            force=boolean(http.query, "force"),
            field_validation=http.query.get("fieldValidation") or "Warn",
            warnings=http[WARNINGS],
        )
        if streamed:
            return await self._stream(http, request, info)
        serve: Callable[..., Awaitable[web.StreamResponse]] = getattr(self, f"_{info.verb}")
        return await serve(http, request)

    def _route(self, info: RequestInfo, resource: Resource, streamed: bool) -> None:
        """Raises what an API server without such a path (404) or method (405) answers."""
        if info.subresource and (not info.name or info.subresource not in resource.subresources):
            raise errors.no_such_path()
        everywhere = resource.namespaced and not info.namespace
        if (everywhere and info.name) or (info.namespace and not resource.namespaced):
            raise errors.no_such_path()
        if streamed:
            return
        verbs = resource.subresources[info.subresource].verbs if info.subresource else resource.verbs
        if not info.subresource:
            here = ("get", "update", "patch", "delete", "watch") if info.name else ("list", "watch", "create", "deletecollection")
            verbs = [verb for verb in verbs if verb in (("list", "watch") if everywhere else here)]
        if info.verb not in verbs:
            raise errors.method_not_allowed()

    # -- who ----------------------------------------------------------------------------------------------

    def _authenticate(self, http: web.BaseRequest, info: RequestInfo) -> User:
        token = bearer_token(http.headers.get("Authorization", ""))
        certificate = http.transport and http.transport.get_extra_info("peercert")
        if certificate:
            user = from_certificate(certificate)
        elif token:
            user = user_of_token(self._registry.tokens, self._registry.store, token)
        else:
            user = ANONYMOUS
        wanted = impersonated(http.headers)
        if wanted is None:
            return user
        for kind, names in (("users", [wanted.name]), ("groups", http.headers.getall("Impersonate-Group", ()))):
            for name in names:
                allowed, _ = self._registry.authorizer.authorize(user, Attributes("impersonate", resource=kind, name=name))
                if not allowed:
                    why = f'User "{user.name}" cannot impersonate resource "{kind}" in API group "" at the cluster scope'
                    raise errors.forbidden(kind, name, why)
        return wanted

    def _authorize(self, user: User, info: RequestInfo) -> None:
        if PUBLIC.fullmatch(info.path):
            return
        if info.is_resource:
            asked = Attributes(info.verb, info.group, info.resource, info.subresource, info.namespace, info.name)
        else:
            asked = Attributes(info.verb, path=info.path)
        allowed, _ = self._registry.authorizer.authorize(user, asked)
        if allowed:
            return
        why = f'User "{user.name}" {asked.sentence}'
        if not info.is_resource:
            raise ApiError(403, "Forbidden", f"forbidden: {why}")
        qualified = f"{info.resource}.{info.group}" if info.group else info.resource
        raise errors.forbidden(qualified, info.name, why)

    # -- paths that are not resources -----------------------------------------------------------------------

    def _plain(self, http: web.BaseRequest, info: RequestInfo) -> web.Response:
        path = info.path
        if info.verb != "get":
            raise errors.method_not_allowed()
        if self._served is not self._registry.served:
            self._served = self._registry.served
            self._discovery = Discovery(self._served)
            self._openapi_index = openapi.Index([r for r in self._served if r.custom])
        if path in ("/api", "/apis") and "as=APIGroupDiscoveryList" in http.headers.get("Accept", ""):
            body, etag = self._discovery.aggregated(core=path == "/api")
            return _cached(http, body, etag, AGGREGATED)
        if path.startswith("/api"):
            http[ACCEPTED] = negotiation.negotiate(http)
        if path == "/api":
            return _json(self._discovery.api_versions(http.host))
        if path == "/apis":
            return _json(self._discovery.group_list())
        if m := re.fullmatch(r"/api/(v1)|/apis/([^/]+)/([^/]+)", path):
            found = self._discovery.resource_list(m[2] or "", m[1] or m[3])
        elif m := re.fullmatch(r"/apis/([^/]+)", path):
            found = self._discovery.group(m[1])
            if found is None:
                return _page_not_found()
        elif path == "/version":
            found = version()
        elif m := HEALTH.fullmatch(path):
            return web.Response(text="ok" if m[2] else _health(m[1], "verbose" in http.query, http.query.getall("exclude", ())))
        elif path == "/openapi/v2":
            if "proto-openapi.spec.v2" in http.headers.get("Accept", ""):
                return _cached(http, *self._openapi_index.gnostic, GNOSTIC)
            return _cached(http, *self._openapi_index.swagger, "application/json")
        elif path == "/openapi/v3":
            return _cached(http, *self._openapi_index.index(), "application/json")
        elif m := re.fullmatch(r"/openapi/v3/(.+)", path):
            if document := self._openapi_index.document(m[1]):
                return self._openapi(http, *document)
            found = None
        elif path == "/.well-known/openid-configuration":
            found = self._registry.tokens.openid_configuration(f"https://{http.host}/openid/v1/jwks")
        elif path == "/openid/v1/jwks":
            found = self._registry.tokens.key_set()
        elif path == "/metrics":
            return web.Response(text=f"# TYPE apiserver_request_total counter\napiserver_request_total {self.requests}\n")
        elif path == "/":
            found = {"paths": self._paths()}
        elif path.startswith("/openapi/"):
            found = None
        else:
            return _json({"paths": self._paths()}, status=404)
        if found is None:
            raise errors.no_such_path()
        return _json(found)

    def _paths(self) -> list[str]:
        """What `GET /` and a 404 outside the API name (`pkg/server/routes/index.go`)."""
        groups = sorted({f"/apis/{g}{tail}" for g, vs in self._discovery.groups.items() if g for tail in ("", *(f"/{v}" for v in vs))})
        health = [path for kind in ("healthz", "livez", "readyz") for path in (f"/{kind}", *(f"/{kind}/{c}" for c in sorted(CHECKS)))]
        served = ["/metrics", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/version"]
        return ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", *groups, *health, *served]

    def _openapi(self, http: web.BaseRequest, body: bytes, etag: str) -> web.Response:
        wanted = http.query.get("hash")
        if wanted and wanted != etag.strip('"'):
            return web.Response(status=301, headers={"Location": f"{http.path}?hash={etag.strip(chr(34))}"})
        response = _cached(http, body, etag, "application/json")
        if wanted:
            response.headers["Cache-Control"] = "public, immutable"
            response.headers["Expires"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 365 * 86400))
        return response

    # -- verbs ----------------------------------------------------------------------------------------------

    async def _get(self, http: web.BaseRequest, request: Request) -> web.Response:
        if handler := request.resource.handler("get", request.subresource):
            return _json(handler(self._registry, request))
        return self._answer(http, request, self._registry.get(request))

    async def _list(self, http: web.BaseRequest, request: Request) -> web.Response:
        query, resource = http.query, request.resource
        options = ListOptions.of(query, watch=False)
        stored, metadata = self._pager.page(self._registry, request, options)
        kind = http[ACCEPTED].view
        if kind == "Table":
            objects = [self._registry.read(resource, s) for s in stored]
            return _json(tables.table(resource, objects, metadata, query.get("includeObject") or "Metadata"))
        if kind == "PartialObjectMetadata":
            items = [_partial(s.object) for s in stored]
            return _json({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
        head = orjson.dumps({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata})
        items = b",".join(_without_type(resource, self._data(resource, s)) for s in stored)
        return _respond(head[:-1] + b',"items":[' + items + b"]}")

    async def _watch(self, http: web.BaseRequest, request: Request) -> web.StreamResponse:
        options = ListOptions.of(http.query, watch=True)
        if request.name:
            options.fields = f"metadata.name={request.name}"
        seconds = WATCH_SECONDS if options.seconds is None else options.seconds or WATCH_SECONDS
        watch = watching.WatchStream(self._registry, request, options, self._encoder(http, request.resource))
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
        _warn(response, request.warnings)
        response.enable_chunked_encoding()
        try:
            await response.prepare(http)
            async for line in watch.lines(seconds):
                await response.write(line)
            await response.write_eof()
        except ConnectionError:
            log.debug("a watcher of %s left", request.resource.name)
        finally:
            watch.close()
        return response

    async def _create(self, http: web.BaseRequest, request: Request) -> web.Response:
        resource = request.resource
        handler = resource.handler("create", request.subresource) if request.subresource else None
        check_write(http.query, "CreateOptions")
        obj = await self._body(http, request)
        if handler:
            return _json(handler(self._registry, request, obj), status=201)
        if not resource.stored:
            return _json(resource.review(self._registry, request, obj), status=201)
        return self._answer(http, request, self._registry.create(request, obj), 201)

    async def _update(self, http: web.BaseRequest, request: Request) -> web.Response:
        check_write(http.query, "UpdateOptions")
        obj = await self._body(http, request)
        if handler := request.resource.handler("update", request.subresource):
            return _json(handler(self._registry, request, obj))
        created = self._registry.store.get((request.resource.storage, request.namespace, request.name)) is None
        return self._answer(http, request, self._registry.update(request, obj), 201 if created else 200)

    async def _patch(self, http: web.BaseRequest, request: Request) -> web.Response:
        media_type = negotiation.body_type(http, MERGING if request.resource.custom else tuple(PATCHES))
        kind = PATCHES[media_type]
        check_write(http.query, "PatchOptions", apply=kind == "apply")
        body, duplicates = patch.parse(await self._read(http), kind)
        if duplicates and kind == "apply" and request.field_validation == "Strict":
            raise errors.bad_request(f"strict decoding error: {', '.join(duplicates)}")
        if kind == "apply":
            request.verb = "apply"
        created = self._registry.store.get((request.resource.storage, request.namespace, request.name)) is None
        patched = self._registry.patch(request, body, kind)
        return self._answer(http, request, patched, 201 if created else 200)

    async def _delete(self, http: web.BaseRequest, request: Request) -> web.Response:
        options = await self._delete_options(http)
        obj, gone = self._registry.delete(request, options)
        if not gone or request.resource.returns_deleted:
            return self._answer(http, request, obj)
        details = {"name": request.name, "group": request.resource.group, "kind": request.resource.plural, "uid": obj["metadata"]["uid"]}
        details = {k: v for k, v in details.items() if v}
        return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    async def _deletecollection(self, http: web.BaseRequest, request: Request) -> web.Response:
        options = await self._delete_options(http)
        resource, deleted = request.resource, []
        for stored in self._registry.list(request, *ListOptions.of(http.query, watch=False).selectors):
            _, request.namespace, request.name = stored.key
            deleted.append(self._registry.delete(request, options)[0])
        metadata = {"resourceVersion": str(self._registry.store.revision)}
        return _json({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata, "items": deleted})

    async def _stream(self, http: web.BaseRequest, request: Request, info: RequestInfo) -> web.StreamResponse:
        if info.subresource == "proxy":
            return await proxy.handle(http, info, self._client, self._connect)
        pod = self._registry.get(request)
        node = pod["spec"].get("nodeName", "")
        if node and self._registry.store.get(("nodes", "", node)) is None:
            raise errors.not_found("nodes", node)
        return await streams.handle(http, info.subresource, pod, self._kubelet_of(node))

    # -- bodies and answers -----------------------------------------------------------------------------------

    async def _read(self, http: web.BaseRequest) -> bytes:
        if (http.content_length or 0) > BODY_LIMIT:
            raise _too_large()
        body = await http.content.read(BODY_LIMIT + 1) if http.can_read_body else b""
        while not http.content.at_eof() and len(body) <= BODY_LIMIT:
            body += await http.content.read(BODY_LIMIT + 1 - len(body))
        if len(body) > BODY_LIMIT:
            raise _too_large()
        return body

    async def _body(self, http: web.BaseRequest, request: Request) -> dict:
        body, target = await self._read(http), self._kind_of(request)
        supported = tuple(t for t in negotiation.BODIES if t != protobuf.MEDIA_TYPE) if request.resource.custom else negotiation.BODIES
        media_type = negotiation.body_type(http, supported)
        if media_type == protobuf.MEDIA_TYPE:
            obj, duplicates = protobuf.parse(body, target.kind), []
        else:
            obj, duplicates = schema.parse(body, media_type, target.kind)
        obj, warnings = schema.decode(schema.type_for(target), obj, target, request.field_validation, duplicates)
        request.warnings += warnings
        return obj

    def _kind_of(self, request: Request) -> Resource:
        """The resource that describes the body: the parent's, or another kind's for `scale`, `binding` …"""
        gvk = request.subresource and request.resource.subresources[request.subresource].group_version_kind
        return schema.resource_of_kind(*gvk) if gvk else request.resource

    async def _delete_options(self, http: web.BaseRequest) -> DeleteOptions:
        body = await self._read(http)
        if not body:
            return delete_options(http.query, None)
        media_type = negotiation.body_type(http, negotiation.BODIES)
        if media_type == protobuf.MEDIA_TYPE:
            return delete_options(http.query, protobuf.parse(body, "DeleteOptions"))
        return delete_options(http.query, schema.parse(body, media_type, "DeleteOptions")[0])

    def _answer(self, http: web.BaseRequest, request: Request, obj: dict, status: int = 200) -> web.Response:
        kind = http[ACCEPTED].view
        if kind == "Table":
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            obj = tables.table(request.resource, [obj], metadata, http.query.get("includeObject") or "Metadata")
        elif kind == "PartialObjectMetadata":
            obj = _partial(obj)
        return _json(obj, status)

    def _data(self, resource: Resource, stored: Stored) -> bytes:
        return orjson.dumps(resource.from_storage(stored.object)) if resource.converts else stored.data

    def _encoder(self, http: web.BaseRequest, resource: Resource) -> watching.Encode:
        kind, include = http[ACCEPTED].view, http.query.get("includeObject") or "Metadata"

        def encode(stored: Stored, first: bool) -> bytes:
            if kind == "Table":
                obj = self._registry.read(resource, stored)
                metadata = {"resourceVersion": str(stored.revision)}
                return orjson.dumps(tables.table(resource, [obj], metadata, include, with_columns=first))
            if kind == "PartialObjectMetadata":
                return orjson.dumps(_partial(stored.object))
            return self._data(resource, stored)

        return encode


def version() -> dict:
    """/version; it does not hide that this is not a Go program."""
    return {
        "major": "1",
        "minor": GIT_VERSION.split(".")[1],
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "kubeschool practice cluster",
        "platform": f"{platform.system().lower()}/{platform.machine().lower()}",
    }


def _health(kind: str, verbose: bool, excluded: list[str]) -> str:
    if not verbose:
        return "ok"
    return "".join(f"[+]{c} {'excluded: ' if c in excluded else ''}ok\n" for c in CHECKS) + f"{kind} check passed\n"


def _warn(response: web.StreamResponse, warnings: list[str]) -> web.StreamResponse:
    if not response.prepared:
        for text in dict.fromkeys(warnings):
            response.headers.add("Warning", '299 - "' + _printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"')
    return response


def _printable(text: str) -> str:
    """A warning without what a header cannot carry (apimachinery `pkg/util/net/http.go` NewWarningHeader)."""
    return "".join(c if c.isprintable() else " " for c in text)


def _partial(obj: dict) -> dict:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _without_type(resource: Resource, data: bytes) -> bytes:
    """Items of a list carry no kind and apiVersion, which every stored object begins with."""
    return b"{" + data[len(f'{{"kind":"{resource.kind}","apiVersion":"{resource.api_version}",') :]


def _page_not_found() -> web.Response:
    """What net/http answers where no handler is."""
    return web.Response(text="404 page not found\n", status=404)


def _json(obj: object, status: int = 200) -> web.Response:
    return _respond(orjson.dumps(obj), status)


def _respond(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-cache, private"})


def _cached(http: web.BaseRequest, body: bytes, etag: str, content_type: str) -> web.Response:
    headers = {"ETag": etag, "Cache-Control": "public", "Vary": "Accept", "Content-Type": content_type}
    if http.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers)


def _too_large() -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")

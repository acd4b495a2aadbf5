"""Paths that only a practice cluster has, below /kubeschool and for cluster administrators:

    GET  /kubeschool/audit  and  /kubeschool/namespaces/NAMESPACE/audit   ?resource= &namespace= &name= &watch=true &resourceVersion=
    GET  /kubeschool/namespaces/NAMESPACE/pods/NAME/scheduling    what the scheduler makes of the pod: filters and scores of every node
    GET  /kubeschool/namespaces/NAMESPACE/history    ?since=REVISION   what was written there, without events and leases: the newest LIMIT
    GET  /kubeschool/namespaces/NAMESPACE/history/REVISION            the objects as they were then
    POST /kubeschool/components/NAME/{start,stop}
    POST /kubeschool/nodes/NAME/{start,stop,partition}
    POST /kubeschool/everything/start                   components and nodes that are switched off; says which
"""
import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from ..store import Store
from . import errors
from .audit import Audit, Matches
from .errors import ApiError

log = logging.getLogger("kube-apiserver")
WATCH_SECONDS = 1800
PREFIX = "/kubeschool/"
AUDIT = re.compile(r"/kubeschool/(?:namespaces/(?P<namespace>[^/]+)/)?audit")
SWITCH = re.compile(r"/kubeschool/(?P<what>components|nodes)/(?P<name>.+)/(?P<action>[a-z]+)|/kubeschool/everything/start")
SCHEDULING = re.compile(r"/kubeschool/namespaces/(?P<namespace>[^/]+)/pods/(?P<name>[^/]+)/scheduling")
HISTORY = re.compile(r"/kubeschool/namespaces/(?P<namespace>[^/]+)/history(?:/(?P<revision>\d{1,18}))?")
LIMIT, WITHOUT = 2000, ("events", "leases.coordination.k8s.io")
Switch = Callable[[str, str, str], Awaitable[str]]
"""await switch("components" | "nodes" | "everything", name, action) -> what is so now, as a sentence. Raises ApiError."""
Explain = Callable[[str, str], dict]
"""explain(namespace, name) -> the scheduler's report on a pod. Raises ApiError."""


class PracticePaths:
    def __init__(self, audit: Audit, switch: Switch, explain: Explain, store: Store):
        self._audit, self._switch, self._explain, self._store = audit, switch, explain, store

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        if (found := AUDIT.fullmatch(http.path)) and http.method == "GET":
            query = {**http.query, **{key: value for key, value in found.groupdict().items() if value}}
            return await self._watch(http, query) if query.get("watch") in ("true", "1") else self._list(query)
        if (found := SCHEDULING.fullmatch(http.path)) and http.method == "GET":
            return _json(self._explain(found["namespace"], found["name"]))
        if (found := HISTORY.fullmatch(http.path)) and http.method == "GET":
            return _json(self._then(**found.groupdict()) if found["revision"] else self._changes(found["namespace"], http.query))
        if (found := SWITCH.fullmatch(http.path)) and http.method == "POST":
            message = await self._switch(found["what"] or "everything", found["name"] or "", found["action"] or "start")
            return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "message": message})
        raise errors.no_such_path()

    def _changes(self, namespace: str, query: Mapping[str, str]) -> dict:
        since = query.get("since", "")
        changes = self._store.changes(namespace, int(since) if since.isdecimal() else 0, WITHOUT, LIMIT)
        keys = ("revision", "resource", "name", "deleted")
        return {"kind": "HistoryList", "items": [dict(zip(keys, change, strict=True)) for change in changes]}

    def _then(self, namespace: str, revision: str) -> dict:
        if not self._store.oldest <= int(revision) <= self._store.revision:
            raise ApiError(410, "Expired", f"revision {revision} is not kept: there are {self._store.oldest} to {self._store.revision}")
        objects = [orjson.Fragment(stored.data) for stored in self._store.at(int(revision), namespace) if stored.key[0] not in WITHOUT]
        return {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": revision}, "items": objects}

    def _list(self, query: dict) -> web.Response:
        items = [record.event() for record in self._audit.list(_matcher(query))]
        metadata = {"resourceVersion": str(self._audit.number)}
        return _json({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": metadata, "items": items})

    async def _watch(self, http: web.BaseRequest, query: dict) -> web.StreamResponse:
        since = int(version) if (version := query.get("resourceVersion", "")).isdigit() else 0
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(http)
            async with asyncio.timeout(float(query.get("timeoutSeconds") or WATCH_SECONDS)):
                async for record in self._audit.watch(_matcher(query), since):
                    await response.write(orjson.dumps({"type": "ADDED", "object": record.event()}) + b"\n")
        except TimeoutError:
            await response.write_eof()
        except ConnectionError:
            log.debug("a watcher of the audit left")
        return response


def _matcher(query: dict) -> Matches:
    """`resource` is the plural, with its group or without."""
    resource, namespace, name = query.get("resource", ""), query.get("namespace", ""), query.get("name", "")

    def matches(record) -> bool:
        group, _, plural = record.resource
        return (
            resource in ("", plural, f"{plural}.{group}") and namespace in ("", record.namespace) and name in ("", record.name)
        )

    return matches


def _json(body: dict) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json", headers={"Cache-Control": "no-cache, private"})

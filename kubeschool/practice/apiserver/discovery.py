"""Which kinds there are: aggregated discovery v2 and the older lists
(`k8s.io/apiserver/pkg/endpoints/discovery`)."""
import hashlib
from collections.abc import Iterable

import orjson

from .resource import Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Discovery:
    """Documents made from the served resources. `resources` is in discovery order: groups, then their kinds."""

    def __init__(self, resources: Iterable[Resource]):
        self.groups: dict[str, dict[str, list[Resource]]] = {}
        for r in resources:
            self.groups.setdefault(r.group, {}).setdefault(r.version, []).append(r)
        self._aggregated = {core: self._document(core) for core in (True, False)}

    def aggregated(self, core: bool) -> tuple[bytes, str]:
        """(document, ETag) for /api (core) or /apis."""
        return self._aggregated[core]

    def api_versions(self, server: str) -> dict:
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}

    def group_list(self) -> dict:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(g) for g in self.groups if g]}

    def group(self, name: str) -> dict | None:
        return {"kind": "APIGroup", "apiVersion": "v1", **self._group(name)} if name and name in self.groups else None

    def resource_list(self, group: str, version: str) -> dict | None:
        resources = self.groups.get(group, {}).get(version)
        if resources is None:
            return None
        entries = [entry for r in resources for entry in self._legacy(r)]
        group_version = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}

    def _document(self, core: bool) -> tuple[bytes, str]:
        items = [
            {
                "metadata": {"name": group} if group else {},
                "versions": [
                    {"version": v, "resources": [self._discovered(r) for r in resources], "freshness": "Current"}
                    for v, resources in versions.items()
                ],
            }
            for group, versions in self.groups.items()
            if (group == "") == core
        ]
        document = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
        body = orjson.dumps(document)
        return body, f'"{hashlib.sha512(body).hexdigest().upper()}"'

    def _discovered(self, r: Resource) -> dict:
        entry = {
            "resource": r.plural,
            "responseKind": {"group": r.group, "version": r.version, "kind": r.kind},
            "scope": "Namespaced" if r.namespaced else "Cluster",
            "singularResource": r.singular,
            "verbs": list(r.verbs),
        }
        if r.short_names:
            entry["shortNames"] = list(r.short_names)
        if r.categories:
            entry["categories"] = list(r.categories)
        if r.subresources:
            entry["subresources"] = [
                {"subresource": name, "responseKind": self._kind_of(r, s), "verbs": list(s.verbs)}
                for name, s in sorted(r.subresources.items())
            ]
        return entry

    def _kind_of(self, r: Resource, subresource) -> dict:
        group, version, kind = subresource.group_version_kind or (r.group, r.version, r.kind)
        return {"group": group, "version": version, "kind": kind}

    def _group(self, name: str) -> dict:
        versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in self.groups[name]]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _legacy(self, r: Resource) -> list[dict]:
        entry = {
            "name": r.plural,
            "singularName": r.singular,
            "namespaced": r.namespaced,
            "kind": r.kind,
            "verbs": list(r.verbs),
            **({"shortNames": list(r.short_names)} if r.short_names else {}),
            **({"categories": list(r.categories)} if r.categories else {}),
        }
        entries = [entry]
        for name, s in sorted(r.subresources.items()):
            group, version, kind = s.group_version_kind or ("", "", r.kind)
            sub = {"name": f"{r.plural}/{name}", "singularName": "", "namespaced": r.namespaced, "kind": kind, "verbs": list(s.verbs)}
            entries.append(sub | ({"group": group, "version": version} if s.group_version_kind else {}))
        return entries

"""Deletes objects whose owners are gone, and carries out foreground and orphan deletion
(`pkg/controller/garbagecollector/{garbagecollector,graph_builder}.go`)."""

from collections import defaultdict
from dataclasses import dataclass, field

from ..apiserver.resource import Resource
from ..component import Controller
from ..informer import key_of
from .utils import ignore_gone

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


@dataclass(slots=True)
class Node:
    """An object in the owner graph."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    owners: list[dict] = field(default_factory=list)
    being_deleted: bool = False
    finalizers: tuple[str, ...] = ()

    @property
    def deleting_dependents(self) -> bool:
        return self.being_deleted and FOREGROUND in self.finalizers


class GarbageCollector(Controller):
    """Keys are uids. `graph` has every object, `dependents` the uids of an owner's dependents."""

    name = "generic-garbage-collector"

    def setup(self) -> None:
        self.graph: dict[str, Node] = {}
        self.dependents: dict[str, set[str]] = defaultdict(set)
        self.monitored: set[str] = set()
        self._monitor()
        self.informers[DEFINITIONS].on_change(lambda old, new: self._monitor())

    def _monitor(self) -> None:
        """Watch every kind that can be deleted (`GarbageCollector.Sync`): custom resources come and go."""
        self.by_kind: dict[tuple[str, str], Resource] = {}
        for resource in self.client.resources():
            if resource.stored and {"delete", "list", "watch"} <= set(resource.verbs) and resource.kind != "Event":
                self.by_kind.setdefault((resource.kind, resource.group), resource)
        for resource in {r.storage: r for r in self.by_kind.values()}.values():
            if resource.name not in self.monitored:
                self.monitored.add(resource.name)
                self.informers[resource.name].on_change(lambda old, new, resource=resource: self._on_change(resource, old, new))

    def _on_change(self, resource: Resource, old: dict | None, new: dict | None) -> None:
        meta = (new or old)["metadata"]
        uid = meta["uid"]
        if old and new and old["metadata"]["uid"] != uid:
            self._on_change(resource, old, None)
        if new is None:
            node = self.graph.pop(uid, None)
            for owner in node.owners if node else ():
                self._unlink(owner["uid"], uid)
                self.queue.add(owner["uid"])
            for dependent in self.dependents.get(uid, ()):
                self.queue.add(dependent)
            return
        before = self.graph.get(uid)
        owners = meta.get("ownerReferences") or []
        node = self.graph[uid] = Node(resource, *key_of(new), uid, owners, "deletionTimestamp" in meta, tuple(meta.get("finalizers") or ()))
        for owner in before.owners if before else ():
            self._unlink(owner["uid"], uid)
        for owner in owners:
            self.dependents[owner["uid"]].add(uid)
        if owners and (before is None or before.owners != owners):
            self.queue.add(uid)
            for owner in before.owners if before else ():
                self.queue.add(owner["uid"])
        elif node.being_deleted and {FOREGROUND, ORPHAN} & set(node.finalizers):
            self.queue.add(uid)

    def _unlink(self, owner: str, dependent: str) -> None:
        self.dependents[owner].discard(dependent)
        if not self.dependents[owner]:
            del self.dependents[owner]

    async def reconcile(self, uid: str) -> None:
        node = self.graph.get(uid)
        if node is None:
            return
        if node.being_deleted and ORPHAN in node.finalizers:
            return self._orphan_dependents(node)
        if node.deleting_dependents:
            return self._delete_dependents(node)
        if node.being_deleted or not node.owners:
            return
        solid, dangling, waiting = self._classify(node)
        if solid:
            if dangling or waiting:
                self._drop_owners(node, {r["uid"] for r in dangling + waiting})
        elif waiting and self.dependents.get(uid):
            self._delete(node, "Foreground")
        else:
            policy = "Orphan" if ORPHAN in node.finalizers else "Foreground" if FOREGROUND in node.finalizers else "Background"
            self._delete(node, policy)

    def _classify(self, node: Node) -> tuple[list[dict], list[dict], list[dict]]:
        """Owner references to objects that are there, that are gone, and that wait for their dependents' deletion."""
        solid, dangling, waiting = [], [], []
        for reference in node.owners:
            owner = self.graph.get(reference["uid"])
            if owner is None or not self._same(reference, owner, node):
                if self._unknown_kind(reference):
                    solid.append(reference)
                    continue
                if owner is None and self._lives(reference, node):
                    solid.append(reference)
                    continue
                if owner is not None and owner.namespace and owner.namespace != node.namespace:
                    self._tell_wrong_namespace(node, reference)
                dangling.append(reference)
            elif owner.deleting_dependents and reference.get("blockOwnerDeletion"):
                waiting.append(reference)
            else:
                solid.append(reference)
        return solid, dangling, waiting

    def _same(self, reference: dict, owner: Node, dependent: Node) -> bool:
        group = reference["apiVersion"].rpartition("/")[0]
        named = (reference["kind"], group, reference["name"]) == (owner.resource.kind, owner.resource.group, owner.name)
        return named and owner.namespace in ("", dependent.namespace)

    def _lives(self, reference: dict, node: Node) -> bool:
        """Asks the API server about an owner the graph does not know, since its informer may be behind (`isDangling`)."""
        resource = self.by_kind[reference["kind"], reference["apiVersion"].rpartition("/")[0]]
        owner = ignore_gone(self.client.get, resource.name, node.namespace if resource.namespaced else "", reference["name"])
        return bool(owner) and owner["metadata"]["uid"] == reference["uid"]

    def _unknown_kind(self, reference: dict) -> bool:
        return (reference["kind"], reference["apiVersion"].rpartition("/")[0]) not in self.by_kind

    def _tell_wrong_namespace(self, node: Node, reference: dict) -> None:
        obj = self.informers[node.resource.name].get(node.namespace, node.name)
        kind = f"{reference['apiVersion']}/{reference['kind']}"
        where = f"[{kind}, namespace: {node.namespace}, name: {reference['name']}, uid: {reference['uid']}]"
        self.events.event(obj, "Warning", "OwnerRefInvalidNamespace", f'ownerRef {where} does not exist in namespace "{node.namespace}"')

    def _delete_dependents(self, node: Node) -> None:
        """Foreground: the owner goes when no dependent that blocks it is left."""
        dependents = [self.graph[u] for u in self.dependents.get(node.uid, ()) if u in self.graph]
        blocking = [d for d in dependents if any(r["uid"] == node.uid and r.get("blockOwnerDeletion") for r in d.owners)]
        if not blocking:
            return self._remove_finalizer(node, FOREGROUND)
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.queue.add(dependent.uid)

    def _orphan_dependents(self, node: Node) -> None:
        for uid in list(self.dependents.get(node.uid, ())):
            if dependent := self.graph.get(uid):
                self._drop_owners(dependent, {node.uid})
        self._remove_finalizer(node, ORPHAN)

    def _drop_owners(self, node: Node, uids: set[str]) -> None:
        left = [r for r in node.owners if r["uid"] not in uids]
        patch = {"metadata": {"uid": node.uid, "ownerReferences": left or None}}
        ignore_gone(self.client.patch, node.resource.name, node.namespace, node.name, patch)

    def _remove_finalizer(self, node: Node, finalizer: str) -> None:
        live = ignore_gone(self.client.get, node.resource.name, node.namespace, node.name)
        if live and live["metadata"]["uid"] == node.uid:
            meta = live["metadata"]
            left = [f for f in meta.get("finalizers") or () if f != finalizer]
            patch = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": left or None}}
            ignore_gone(self.client.patch, node.resource.name, node.namespace, node.name, patch)

    def _delete(self, node: Node, policy: str) -> None:
        ignore_gone(self.client.delete, node.resource.name, node.namespace, node.name, propagation=policy, uid=node.uid)

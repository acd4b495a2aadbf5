"""Deletes what is in a namespace that is being deleted, then lets it go
(`pkg/controller/namespace/deletion/{namespaced_resources_deleter,status_condition_utils}.go`)."""

import asyncio
from collections import Counter

from ..apiserver.errors import ApiError
from ..component import Controller
from ..component_helpers import with_condition
from ..deep_copy import deep_copy
from .utils import ignore_gone

RETRY = 5.0
"""Seconds until a namespace with content left is looked at again, should no event say so before."""
YIELD_EVERY = 50


class NamespaceController(Controller):
    name = "namespace-controller"

    def setup(self) -> None:
        self.informers["namespaces"].on_change(self._on_namespace)
        self.informers["pods"].on_change(self._on_pod)

    def _on_namespace(self, old: dict | None, new: dict | None) -> None:
        if new and "deletionTimestamp" in new["metadata"]:
            self.queue.add(new["metadata"]["name"])

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        namespace = old and self.informers["namespaces"].get("", old["metadata"]["namespace"])
        if new is None and namespace and "deletionTimestamp" in namespace["metadata"]:
            self.queue.add(namespace["metadata"]["name"])

    async def reconcile(self, name: str) -> None:
        namespace = self.informers["namespaces"].get("", name)
        if not namespace or "deletionTimestamp" not in namespace["metadata"] or "kubernetes" not in namespace["spec"].get("finalizers", ()):
            return
        remaining, failures = await self._delete_content(name)
        changed = deep_copy(self.client.get("namespaces", "", name))
        conditions = changed["status"].get("conditions") or []
        for new in _conditions(remaining, failures):
            conditions = with_condition(conditions, new)
        if remaining or failures:
            if conditions != changed["status"].get("conditions"):
                changed["status"]["conditions"] = conditions
                self.client.update("namespaces", changed, "status")
            self.queue.add_after(name, RETRY)
            return
        changed["spec"]["finalizers"] = [f for f in changed["spec"]["finalizers"] if f != "kubernetes"]
        ignore_gone(self.client.update, "namespaces", changed, "finalize")

    async def _delete_content(self, namespace: str) -> tuple[dict[str, list[dict]], list[str]]:
        """(what is still there by resource, errors). Pods go first: other objects guard them (gate OrderedNamespaceDeletion)."""
        remaining: dict[str, list[dict]] = {}
        failures: list[str] = []
        found = {
            r.storage: r for r in self.client.resources() if r.namespaced and r.stored and {"list", "deletecollection"} <= set(r.verbs)
        }
        for resource in sorted(found.values(), key=lambda r: r.name != "pods"):
            if remaining and "pods" in remaining:
                break
            for i, obj in enumerate(self.client.list(resource.name, namespace)):
                try:
                    if "deletionTimestamp" not in obj["metadata"]:
                        ignore_gone(self.client.delete, resource.name, namespace, obj["metadata"]["name"], propagation="Background")
                except ApiError as error:
                    failures.append(error.message)
                if i % YIELD_EVERY == YIELD_EVERY - 1:
                    await asyncio.sleep(0)
            if left := self.client.list(resource.name, namespace):
                remaining[resource.name] = left
        return remaining, failures


def _conditions(remaining: dict[str, list[dict]], failures: list[str]) -> list[dict]:
    finalizers = Counter(f for objects in remaining.values() for o in objects for f in o["metadata"].get("finalizers", ()))
    content = ", ".join(f"{_group_resource(r)} has {len(objects)} resource instances" for r, objects in sorted(remaining.items()))
    waiting = ", ".join(f"{f} in {n} resource instances" for f, n in sorted(finalizers.items()))

    def state(type_: str, bad: str, reason: str, message: str, good_reason: str, good_message: str) -> dict:
        return {
            "type": type_,
            "status": "True" if bad else "False",
            "reason": reason if bad else good_reason,
            "message": message if bad else good_message,
        }

    failed = "; ".join(failures)
    return [
        state("NamespaceDeletionDiscoveryFailure", "", "", "", "ResourcesDiscovered", "All resources successfully discovered"),
        state(
            "NamespaceDeletionGroupVersionParsingFailure", "", "", "", "ParsedGroupVersions", "All legacy kube types successfully parsed"
        ),
        state(
            "NamespaceDeletionContentFailure", failed, "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(failures)} remaining: {failed}",
            "ContentDeleted", "All content successfully deleted, may be waiting on finalization",
        ),
        state(
            "NamespaceContentRemaining", content, "SomeResourcesRemain", f"Some resources are remaining: {content}",
            "ContentRemoved", "All content successfully removed",
        ),
        state(
            "NamespaceFinalizersRemaining", waiting, "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {waiting}",
            "ContentHasNoFinalizers", "All content-preserving finalizers finished",
        ),
    ]


def _group_resource(name: str) -> str:
    """`pods.` for the core group, as GroupVersionResource prints."""
    return name if "." in name else f"{name}."

"""ControllerRevisions: the versions of a pod template that StatefulSets and DaemonSets have had
(`pkg/controller/history/controller_history.go`)."""


from ..apiserver import selectors
from ..client import Client
from ..deep_copy import deep_copy
from .deployment import template_hash
from .utils import Family, claim, controller_ref, ignore_gone

RESOURCE = "controllerrevisions.apps"
HASH_LABEL = "controller.kubernetes.io/hash"
REVISION_LABEL = "controller-revision-hash"


class History:
    """The revisions of owners of one kind."""

    def __init__(self, client: Client, revisions: Family):
        self._client, self._revisions = client, revisions

    def of(self, owner: dict) -> list[dict]:
        """Oldest first; orphans that match are adopted."""
        selector = selectors.from_label_selector(owner["spec"]["selector"])
        return sorted(claim(self._client, RESOURCE, owner, selector, self._revisions), key=lambda r: (r["revision"], r["metadata"]["name"]))

    def current(self, owner: dict, revisions: list[dict], label: str) -> dict:
        """The revision with the owner's template: an old one is made the newest, one that never was is created. `revisions` is kept up.

        `label` is what the revision is also labelled with its hash as.
        """
        data = _data(owner)
        number = max((r["revision"] for r in revisions), default=0) + 1
        same = next((r for r in reversed(revisions) if r.get("data") == data), None)
        if same is revisions[-1] if revisions else False:
            return same
        if same:
            newest = self._client.update(RESOURCE, deep_copy(same) | {"revision": number})
            revisions[:] = [r for r in revisions if r is not same] + [newest]
            return newest
        meta = owner["metadata"]
        hashed = template_hash(owner["spec"]["template"], (owner.get("status") or {}).get("collisionCount"))
        created = self._client.create(
            RESOURCE,
            {
                "metadata": {
                    "name": f"{meta['name']}-{hashed}",
                    "namespace": meta["namespace"],
                    "labels": {**((owner["spec"]["template"].get("metadata") or {}).get("labels") or {}), label: hashed},
                    "annotations": {
                        k: v for k, v in (meta.get("annotations") or {}).items() if k != "kubectl.kubernetes.io/last-applied-configuration"
                    },
                    "ownerReferences": [controller_ref(owner)],
                },
                "data": data,
                "revision": number,
            },
        )
        revisions.append(created)
        return created

    def truncate(self, owner: dict, revisions: list[dict], live: set[str]) -> None:
        """Forget old revisions that no pod has, beyond revisionHistoryLimit. `live` are names of revisions in use."""
        old = [r for r in revisions if r["metadata"]["name"] not in live]
        for revision in old[: max(len(old) - owner["spec"].get("revisionHistoryLimit", 10), 0)]:
            ignore_gone(self._client.delete, RESOURCE, revision["metadata"]["namespace"], revision["metadata"]["name"])


def template_of(revision: dict) -> dict:
    return {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}


def _data(owner: dict) -> dict:
    return {"spec": {"template": {**deep_copy(owner["spec"]["template"]), "$patch": "replace"}}}

"""Claims and volumes: what the scheduler and the persistentvolume-controller must agree on
(`pkg/controller/volume/persistentvolume/util.go`, `component-helpers/storage/volume`)."""

from collections.abc import Iterable

from .apiserver import selectors
from .component_helpers import amount

SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "kubernetes.io/storage-provisioner"
"""With the prefix `volume.` and, older, `volume.beta.`."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def claims_of(pod: dict) -> list[str]:
    """Names of the PersistentVolumeClaims a pod mounts, generic ephemeral volumes included."""
    names = []
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            names.append(claim["claimName"])
        elif "ephemeral" in volume:
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def is_bound(claim: dict) -> bool:
    """The controller has finished: volumeName set and annotated."""
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in (claim["metadata"].get("annotations") or {})


def is_volume_bound_to(volume: dict, claim: dict) -> bool:
    reference = volume["spec"].get("claimRef") or {}
    meta = claim["metadata"]
    same = (reference.get("namespace"), reference.get("name")) == (meta["namespace"], meta["name"])
    return same and reference.get("uid", meta["uid"]) == meta["uid"]


def find_matching_volume(claim: dict, volumes: Iterable[dict]) -> dict | None:
    """The volume that names the claim, else the smallest free one that satisfies it."""
    spec = claim["spec"]
    wanted = amount("storage", ((spec.get("resources") or {}).get("requests") or {}).get("storage", 0))
    requirements = selectors.from_label_selector(spec["selector"]) if spec.get("selector") else []
    best: tuple[int, dict] | None = None
    for volume in volumes:
        has = amount("storage", volume["spec"]["capacity"]["storage"])
        reference = volume["spec"].get("claimRef")
        if reference and not is_volume_bound_to(volume, claim):
            continue
        if "deletionTimestamp" in volume["metadata"]:
            continue
        if (volume["spec"].get("volumeMode") or "Filesystem") != (spec.get("volumeMode") or "Filesystem"):
            continue
        if not set(spec.get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ()):
            continue
        if has < wanted:
            continue
        if reference:
            return volume
        if (volume.get("status") or {}).get("phase") != "Available":
            continue
        if not selectors.matches(requirements, volume["metadata"].get("labels")):
            continue
        if (volume["spec"].get("storageClassName") or "") != (spec.get("storageClassName") or ""):
            continue
        if best is None or has < best[0]:
            best = (has, volume)
    return best[1] if best else None


def claim_volume(volume: dict, claim: dict) -> dict:
    """`volume` (changed in place) with a claimRef to `claim`."""
    meta = claim["metadata"]
    if not volume["spec"].get("claimRef"):
        volume["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
    volume["spec"]["claimRef"] = {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"],
    }
    return volume

"""CSIDriver (`pkg/apis/storage/v1/defaults.go`)."""

from ..printers import AGE, NAME, since
from ..resource import Column, Resource


class CSIDriver(Resource):
    group, kind, plural = "storage.k8s.io", "CSIDriver", "csidrivers"
    allow_unconditional_update = False
    namespaced = False
    has_generation = True
    returns_deleted = True
    columns = (
        NAME,
        Column("AttachRequired", type="boolean"),
        Column("PodInfoOnMount", type="boolean"),
        Column("StorageCapacity", type="boolean"),
        Column("TokenRequests"),
        Column("RequiresRepublish", type="boolean"),
        Column("Modes"),
        AGE,
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        for field, value in (("attachRequired", True), ("podInfoOnMount", False), ("storageCapacity", False), ("requiresRepublish", False)):
            spec.setdefault(field, value)
        spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
        spec.setdefault("volumeLifecycleModes", ["Persistent"])
        spec.setdefault("seLinuxMount", False)

    def row(self, obj: dict) -> list:
        spec, meta = obj["spec"], obj["metadata"]
        tokens = ",".join(t.get("audience", "") for t in spec.get("tokenRequests") or [])
        return [
            meta["name"],
            *(bool(spec.get(f)) for f in ("attachRequired", "podInfoOnMount", "storageCapacity")),
            tokens or "<unset>",
            bool(spec.get("requiresRepublish")),
            ",".join(spec.get("volumeLifecycleModes") or []),
            since(meta.get("creationTimestamp")),
        ]

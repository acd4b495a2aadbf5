"""PersistentVolume (`pkg/apis/core/validation/validation.go` ValidatePersistentVolume…, printers.go)."""

from ...clock import timestamp
from ..errors import FieldError, forbidden_field, invalid_value, not_supported, required
from ..godiff import spec_diff
from ..podspec import validate_node_selector
from ..printers import AGE, NAME, access_modes, since
from ..quantity import canonical, parse
from ..resource import STATUS, Column, Resource
from ..validation import validate_enum
from .persistentvolumeclaims import CLASS_ANNOTATION, validate_access_modes

_PLAIN = (
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
)


class PersistentVolume(Resource):
    kind, plural = "PersistentVolume", "persistentvolumes"
    short_names = ("pv",)
    namespaced = False
    subresources = STATUS
    returns_deleted = True
    columns = (
        NAME,
        *map(
            Column,
            ("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass", "Reason"),
        ),
        AGE,
        Column("VolumeMode", priority=1),
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
        spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
        if "hostPath" in spec:
            spec["hostPath"].setdefault("type", "")
        obj.setdefault("status", {}).setdefault("phase", "Pending")

    def prepare_for_create(self, obj: dict) -> None:
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": timestamp()}

    def prepare_for_status_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_status_update(obj, old)
        if obj["status"].get("phase") != old.get("status", {}).get("phase"):
            obj["status"]["lastPhaseTransitionTime"] = timestamp()

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        modes = spec.get("accessModes") or []
        found = [] if modes else [required("spec.accessModes")]
        found += validate_access_modes(modes, "spec.accessModes")
        capacity = spec.get("capacity") or {}
        if not capacity:
            found.append(required("spec.capacity"))
            found.append(FieldError("FieldValueNotSupported", "spec.capacity", 'Unsupported value: null: supported values: "storage"'))
        elif set(capacity) != {"storage"}:
            found.append(not_supported("spec.capacity", capacity, ["storage"]))
        for name, value in capacity.items():
            if parse(value) <= 0:
                found.append(invalid_value(f"spec.capacity[{name}]", str(value), "must be greater than zero"))
        policy = spec["persistentVolumeReclaimPolicy"]
        found += validate_enum(policy, "spec.persistentVolumeReclaimPolicy", ["Delete", "Recycle", "Retain"])
        affinity = (spec.get("nodeAffinity") or {}).get("required")
        if affinity is not None:
            found += validate_node_selector(affinity, "spec.nodeAffinity.required")
        sources = [k for k in spec if k not in _PLAIN and spec[k] is not None]
        if not sources:
            found.append(required("spec", "must specify a volume type"))
        for kind in sources[:1]:
            found += _validate_source(kind, spec)
        for extra in sources[1:]:
            found.append(forbidden_field(f"spec.{extra}", "may not specify more than 1 volume type"))
        return found + validate_enum(spec["volumeMode"], "spec.volumeMode", ["Block", "Filesystem"])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        new, was = ({k: v for k, v in o["spec"].items() if k not in _PLAIN} for o in (obj, old))
        if new != was:
            detail = "spec.persistentvolumesource is immutable after creation\n" + spec_diff("core/v1.PersistentVolumeSource", was, new)
            found.append(forbidden_field("spec.persistentvolumesource", detail))
        if old["spec"].get("volumeMode") != obj["spec"].get("volumeMode"):
            found.append(invalid_value("spec.volumeMode", obj["spec"]["volumeMode"], "field is immutable"))
        if old["spec"].get("nodeAffinity") and obj["spec"].get("nodeAffinity") != old["spec"]["nodeAffinity"]:
            found.append(invalid_value("spec.nodeAffinity", obj["spec"].get("nodeAffinity"), "field is immutable"))
        return found

    def row(self, obj: dict) -> list:
        meta, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
        claim = spec.get("claimRef")
        return [
            meta["name"],
            canonical((spec.get("capacity") or {}).get("storage", "0")),
            access_modes(spec.get("accessModes")),
            spec["persistentVolumeReclaimPolicy"],
            "Terminating" if meta.get("deletionTimestamp") else status.get("phase", ""),
            f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
            (meta.get("annotations") or {}).get(CLASS_ANNOTATION) or spec.get("storageClassName") or "",
            spec.get("volumeAttributesClassName") or "<unset>",
            status.get("reason", ""),
            since(meta.get("creationTimestamp")),
            spec.get("volumeMode") or "<unset>",
        ]


def _validate_source(kind: str, spec: dict) -> list[FieldError]:
    source, at = spec[kind], f"spec.{kind}"
    if kind == "hostPath":
        if not source.get("path"):
            return [required(f"{at}.path")]
        if ".." in source["path"].split("/"):
            return [invalid_value(f"{at}.path", source["path"], "must not contain '..'")]
        if source["path"].rstrip("/") == "" and spec["persistentVolumeReclaimPolicy"] == "Recycle":
            return [forbidden_field("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'")]
    if kind == "local":
        found = [] if source.get("path") else [required(f"{at}.path")]
        return found + ([] if spec.get("nodeAffinity") else [required("spec.nodeAffinity", "Local volume requires node affinity")])
    if kind == "nfs":
        return [required(f"{at}.{f}") for f in ("server", "path") if not source.get(f)]
    if kind == "csi":
        return [required(f"{at}.{f}") for f in ("driver", "volumeHandle") if not source.get(f)]
    return []

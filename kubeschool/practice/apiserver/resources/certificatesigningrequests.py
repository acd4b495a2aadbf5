"""CertificateSigningRequest (`pkg/apis/certificates/validation/validation.go`, `pkg/registry/certificates/certificates`,
`plugin/pkg/admission/certificates`)."""

import base64
import copy
from datetime import timedelta

import orjson

from ...clock import timestamp
from .. import errors
from ..authorization import Attributes
from ..errors import FieldError, duplicate, forbidden_field, invalid_value, not_supported, required
from ..printers import NAME, since
from ..resource import Column, Resource, Subresource
from ..tables import human_duration
from ..validation import invalid_each

API_CLIENT, MASTERS = "kubernetes.io/kube-apiserver-client", "system:masters"
_USAGES = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
]


class CertificateSigningRequest(Resource):
    group, kind, plural = "certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests"
    short_names = ("csr",)
    namespaced = False
    subresources = {"approval": Subresource(), "status": Subresource()}
    columns = (NAME, Column("Age"), *map(Column, ("SignerName", "Requestor", "RequestedDuration", "Condition")))

    def begin_create(self, registry, request, obj: dict) -> None:
        """Who asks is what the server saw, not what the client says."""
        user, spec = request.user, obj.setdefault("spec", {})
        for field, value in (("username", user.name), ("uid", user.uid), ("groups", list(user.groups)), ("extra", dict(user.extra))):
            spec.pop(field, None)
            if value:
                spec[field] = value
        if spec.get("signerName") == API_CLIENT and MASTERS in _organizations(spec):
            raise errors.forbidden(self.name, request.name, f"use of {API_CLIENT} signer with {MASTERS} group is not allowed")

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        """Approving and signing need a permission for the signer."""
        signer, user = old["spec"].get("signerName", ""), request.user
        verb = {"approval": "approve", "status": "sign"}.get(request.subresource)
        if verb is None or (verb == "sign" and _outcome(obj) == _outcome(old)):
            return
        for name in (signer, f"{signer.partition('/')[0]}/*"):
            if registry.authorizer.authorize(user, Attributes(verb, self.group, "signers", name=name))[0]:
                return
        why = f"user not permitted to {verb} requests with signerName {orjson.dumps(signer).decode()}"
        raise errors.forbidden(self.name, request.name, why)

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_update(obj, old)
        obj["spec"] = old["spec"]

    def prepare_for_status_update(self, obj: dict, old: dict) -> None:
        obj["spec"] = old["spec"]
        _stamp(obj, old)

    def prepare_for_approval_update(self, obj: dict, old: dict) -> None:
        conditions = (obj.get("status") or {}).get("conditions") or []
        obj["spec"], obj["status"] = old["spec"], {**copy.deepcopy(old.get("status") or {}), "conditions": conditions}
        _stamp(obj, old)

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj.get("spec") or {}
        found = _validate_request(spec)
        usages = spec.get("usages") or []
        if not usages:
            found.append(required("spec.usages", "usages are required for v1 API"))
        for i, usage in enumerate(usages):
            if usage not in _USAGES:
                found.append(not_supported(f"spec.usages[{i}]", usage, _USAGES))
            if usage in usages[:i]:
                found.append(duplicate(f"spec.usages[{i}]", usage))
        signer = spec.get("signerName")
        if not signer:
            found.append(required("spec.signerName"))
        elif signer.count("/") != 1 or not all(signer.split("/")):
            domain = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
            found += invalid_each("spec.signerName", signer, [domain])
        elif signer == "kubernetes.io/legacy-unknown":
            found.append(invalid_value("spec.signerName", signer, "the legacy signerName is not allowed via this API version"))
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < 600:
            found.append(invalid_value("spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)"))
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = _validate_conditions((obj.get("status") or {}).get("conditions") or [])
        for i, was in enumerate((old.get("status") or {}).get("conditions") or []):
            kept = any(c["type"] == was["type"] for c in (obj.get("status") or {}).get("conditions") or [])
            if was["type"] in ("Approved", "Denied", "Failed") and not kept:
                found.append(forbidden_field(f"status.conditions[{i}]", f"updates may not remove a condition of type {was['type']!r}"))
        return found

    def validate_status_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate_update(obj, old)

    def fields(self, obj: dict) -> dict[str, str]:
        return {"spec.signerName": (obj.get("spec") or {}).get("signerName", "")}

    def row(self, obj: dict) -> list:
        meta, spec = obj["metadata"], obj["spec"]
        seconds = spec.get("expirationSeconds")
        return [
            meta["name"],
            since(meta.get("creationTimestamp")),
            spec.get("signerName") or "<none>",
            spec.get("username", ""),
            human_duration(timedelta(seconds=seconds)) if seconds is not None else "<none>",
            _condition(obj.get("status") or {}),
        ]


def _outcome(obj: dict) -> tuple:
    status = obj.get("status") or {}
    return status.get("certificate"), [c["status"] for c in status.get("conditions") or () if c.get("type") == "Failed"]


def _organizations(spec: dict) -> list[str]:
    from cryptography import x509

    try:
        subject = x509.load_pem_x509_csr(base64.b64decode(spec.get("request") or "")).subject
    except ValueError:
        return []
    return [attribute.value for attribute in subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)]


def _condition(status: dict) -> str:
    types = {c["type"] for c in status.get("conditions") or []}
    parts = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        parts.append("Failed")
    if status.get("certificate"):
        parts.append("Issued")
    return ",".join(parts)


def _stamp(obj: dict, old: dict) -> None:
    """Conditions get their times from the server (`populateConditionTimestamps`)."""
    before = {c["type"]: c for c in (old.get("status") or {}).get("conditions") or []}
    for condition in (obj.get("status") or {}).get("conditions") or []:
        was = before.get(condition["type"], {})
        moved = was.get("status") != condition.get("status")
        condition.setdefault("lastUpdateTime", timestamp())
        if not condition.get("lastTransitionTime"):
            condition["lastTransitionTime"] = timestamp() if moved else was.get("lastTransitionTime")


def _validate_request(spec: dict) -> list[FieldError]:
    from cryptography import x509

    try:
        x509.load_pem_x509_csr(base64.b64decode(spec.get("request") or ""))
        return []
    except ValueError:
        return [invalid_value("spec.request", spec.get("request") or "", "PEM block type must be CERTIFICATE REQUEST")]


def _validate_conditions(conditions: list[dict]) -> list[FieldError]:
    found, types = [], [c.get("type") for c in conditions]
    for i, type_ in enumerate(types):
        if not type_:
            found.append(required(f"status.conditions[{i}].type"))
        elif type_ in types[:i]:
            found.append(duplicate(f"status.conditions[{i}].type", type_))
        if type_ in ("Approved", "Denied", "Failed") and conditions[i].get("status") != "True":
            found.append(not_supported(f"status.conditions[{i}].status", conditions[i].get("status", ""), ["True"]))
    if {"Approved", "Denied"} <= set(types):
        second = max(types.index("Approved"), types.index("Denied"))
        detail = "Approved and Denied conditions are mutually exclusive"
        found.append(invalid_value(f"status.conditions[{second}].type", types[second], detail))
    return found

"""Approved CertificateSigningRequests are signed with the cluster's CA
(`pkg/controller/certificates/{signer/signer.go,authority/policies.go}`, `pkg/apis/certificates/helpers.go`)."""

from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..clock import now
from ..component import Controller
from ..component_helpers import is_true
from ..deep_copy import deep_copy
from ..pki import Pki

if TYPE_CHECKING:
    from cryptography import x509

CSRS = "certificatesigningrequests.certificates.k8s.io"
API_CLIENT = "kubernetes.io/kube-apiserver-client"
SIGNERS = (API_CLIENT, f"{API_CLIENT}-kubelet", "kubernetes.io/kubelet-serving")
LONGEST, SHORTEST, SHORT, BACKDATE = timedelta(days=365), timedelta(minutes=10), timedelta(hours=8), timedelta(minutes=5)
UNUSED = ("content_commitment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
"""Key usages that no signer of `SIGNERS` lets through."""
ADDRESSES = {"DNS": "DNSName", "IP": "IPAddress", "Email": "RFC822Name", "URI": "UniformResourceIdentifier"}


class CSRSigningController(Controller):
    """`pki` holds the CA's certificate and key."""

    name = "certificate-controller"
    pki: Pki

    def setup(self) -> None:
        self.informers[CSRS].on_change(lambda old, new: new and self.queue.add(new["metadata"]["name"]))

    async def reconcile(self, name: str) -> None:
        from cryptography import x509

        found = self.informers[CSRS].get("", name)
        if not found or found["spec"]["signerName"] not in SIGNERS:
            return
        if not is_true(found, "Approved") or is_true(found, "Failed") or found["status"].get("certificate"):
            return
        changed, spec = deep_copy(found), found["spec"]
        request = x509.load_pem_x509_csr(b64decode(spec["request"]))
        if why := _refusal(request, spec):
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why}
            changed["status"]["conditions"].append(failed)
        else:
            changed["status"]["certificate"] = b64encode(sign(self.pki, request, spec)).decode()
        self.client.update(CSRS, changed, "status")


def sign(pki: Pki, request: "x509.CertificateSigningRequest", spec: dict) -> bytes:
    """A certificate in PEM, for what a CertificateSigningRequest's `spec` asks (`authority.go` PermissiveSigningPolicy)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    ca = x509.load_pem_x509_certificate(pki.ca.read_bytes())
    key = serialization.load_pem_private_key(pki.ca_key.read_bytes(), None)
    begins, ends = _validity(spec.get("expirationSeconds"))
    usages = spec["usages"]
    signs, enciphers = "digital signature" in usages, "key encipherment" in usages
    used_by = [x509.ExtendedKeyUsageOID.CLIENT_AUTH if "client auth" in usages else x509.ExtendedKeyUsageOID.SERVER_AUTH]
    builder = (
        x509.CertificateBuilder(ca.subject, request.subject, request.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(min(ends, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(used_by), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
    )
    if signs or enciphers:  # none at all is no extension, but an invalid one
        may = x509.KeyUsage(signs, key_encipherment=enciphers, **dict.fromkeys(UNUSED, False))
        builder = builder.add_extension(may, critical=True)
    try:
        builder = builder.add_extension(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, critical=False)
    except x509.ExtensionNotFound:
        pass
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _validity(seconds: int | None) -> tuple[datetime, datetime]:
    lasts = LONGEST if seconds is None else min(max(timedelta(seconds=seconds), SHORTEST), LONGEST)
    return now() - BACKDATE, now() + (lasts if lasts < SHORT else lasts - BACKDATE)


def _refusal(request: "x509.CertificateSigningRequest", spec: dict) -> str:
    """Why a signer does not sign, empty when it does."""
    usages = spec["usages"]
    if spec["signerName"] == API_CLIENT:
        for usage in usages:
            if usage not in ("digital signature", "key encipherment", "client auth"):
                return f"invalid usage for client certificate: {usage}"
        return "" if "client auth" in usages else "missing required usage for client certificate: client auth"
    serving = spec["signerName"] == "kubernetes.io/kubelet-serving"
    return _kubelet_refusal(request, set(usages), serving)


def _kubelet_refusal(request: "x509.CertificateSigningRequest", usages: set[str], serving: bool) -> str:
    from cryptography import x509

    def subject(oid: x509.ObjectIdentifier) -> list[str]:
        return [attribute.value for attribute in request.subject.get_attributes_for_oid(oid)]

    if subject(x509.NameOID.ORGANIZATION_NAME) != ["system:nodes"]:
        return "subject organization is not system:nodes"
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = ()
    given = {kind for kind, class_ in ADDRESSES.items() if any(isinstance(name, getattr(x509, class_)) for name in names)}
    if serving and not given & {"DNS", "IP"}:
        return "DNS or IP subjectAltName is required"
    for kind in ("Email", "URI") if serving else ("DNS", "Email", "IP", "URI"):
        if kind in given:
            return f"{kind} subjectAltNames are not allowed"
    required = {"digital signature", "key encipherment", "server auth" if serving else "client auth"}
    if usages not in (required, required - {"key encipherment"}):
        return f"usages did not match [{' '.join(sorted(required))}]"
    if not any(name.startswith("system:node:") for name in subject(x509.NameOID.COMMON_NAME)):
        return "subject common name does not begin with system:node:"
    return ""

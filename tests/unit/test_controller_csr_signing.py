"""Certificates for approved requests."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from control_plane import ControlPlane
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kubeschool.practice.apiserver.authorization import Authorizer
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.user import User
from kubeschool.practice.client import Client
from kubeschool.practice.controllers.csr_signing import CSRS, CSRSigningController
from kubeschool.practice.pki import Pki

CLIENT = "kubernetes.io/kube-apiserver-client"


@pytest.fixture
async def cluster(tmp_path):
    plane = ControlPlane()
    plane.registry.authorizer = Authorizer(plane.store)
    CSRSigningController.pki = Pki(tmp_path / "pki").ensure()
    await plane.start(CSRSigningController)
    yield plane
    await plane.stop()


def requested(cluster, signer=CLIENT, usages=("client auth",), common_name="jane", organization="makers", **spec) -> None:
    """A request `jane`, approved."""
    name = x509.Name([
        x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name), x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    pem = b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": pem, "signerName": signer, "usages": list(usages), **spec}
    cluster.client.create(CSRS, {"metadata": {"name": "jane"}, "spec": spec})


def approve(cluster) -> None:
    approved = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}}
    cluster.client.patch(CSRS, "", "jane", approved, "merge", "approval")


def status(cluster) -> dict:
    return cluster.get(CSRS, "jane", "")["status"]


async def test_a_request_waits_for_approval_and_becomes_a_certificate_of_the_ca(cluster):
    requested(cluster, expirationSeconds=3600)
    await cluster.settled()
    assert "certificate" not in status(cluster)
    approve(cluster)
    await cluster.until(lambda: status(cluster).get("certificate"))
    certificate = x509.load_pem_x509_certificate(b64decode(status(cluster)["certificate"]))
    assert certificate.subject.rfc4514_string() == "O=makers,CN=jane"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(minutes=65)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.KeyUsage)  # OpenSSL refuses an empty one
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(CSRSigningController.pki.ca.read_bytes()))


@pytest.mark.parametrize("request_, why", [
    ({"usages": ["client auth", "server auth"]}, "invalid usage for client certificate: server auth"),
    ({"usages": ["digital signature"]}, "missing required usage for client certificate: client auth"),
    ({"signer": "kubernetes.io/kubelet-serving"}, "subject organization is not system:nodes"),
    ({"signer": "kubernetes.io/kubelet-serving", "organization": "system:nodes"}, "DNS or IP subjectAltName is required"),
    ({"signer": f"{CLIENT}-kubelet", "organization": "system:nodes"},
     "usages did not match [client auth digital signature key encipherment]"),
    ({"signer": f"{CLIENT}-kubelet", "organization": "system:nodes", "usages": ["digital signature", "client auth"]},
     "subject common name does not begin with system:node:"),
])
async def test_what_a_signer_refuses(cluster, request_, why):
    requested(cluster, **request_)
    approve(cluster)
    failed = await cluster.until(lambda: next((c for c in status(cluster)["conditions"] if c["type"] == "Failed"), None))
    assert (failed["reason"], failed["message"]) == ("SignerValidationFailure", why)
    assert "certificate" not in status(cluster)


async def test_other_signers_are_left_to_others(cluster):
    requested(cluster, signer="example.com/mine")
    approve(cluster)
    await cluster.settled()
    assert [c["type"] for c in status(cluster)["conditions"]] == ["Approved"] and "certificate" not in status(cluster)


async def test_who_may_approve_and_what_nobody_may_ask(cluster):
    requested(cluster)
    bob = Client(cluster.registry, User("bob", ("system:authenticated",)), "test")
    approved = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}}
    why = f'{CSRS} "jane" is forbidden: user not permitted to {{}} requests with signerName "{CLIENT}"'
    with pytest.raises(ApiError) as refusal:
        bob.patch(CSRS, "", "jane", approved, "merge", "approval")
    assert refusal.value.message == why.format("approve")
    with pytest.raises(ApiError) as refusal:
        bob.patch(CSRS, "", "jane", {"status": {"certificate": "eA=="}}, "merge", "status")
    assert refusal.value.message == why.format("sign")
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": ["kubernetes.io/*"], "verbs": ["approve"]}
    cluster.client.create(f"clusterroles.{rbac}", {"metadata": {"name": "approver"}, "rules": [rule]})
    reference = {"apiGroup": rbac, "kind": "ClusterRole", "name": "approver"}
    subjects = [{"apiGroup": rbac, "kind": "User", "name": "bob"}]
    cluster.client.create(f"clusterrolebindings.{rbac}", {"metadata": {"name": "a"}, "roleRef": reference, "subjects": subjects})
    bob.patch(CSRS, "", "jane", approved, "merge", "approval")
    cluster.client.delete(CSRS, "", "jane")
    with pytest.raises(ApiError, match=f"use of {CLIENT} signer with system:masters group is not allowed"):
        requested(cluster, organization="system:masters")

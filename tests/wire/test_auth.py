"""auth can-i, auth whoami, impersonation, tokens, certificates."""
import json
from base64 import b64decode, b64encode

import pytest
import yaml
from conftest import masked, said


@pytest.fixture
def bob(kubectl):
    """A service account that may only read pods; its user name."""
    kubectl("create serviceaccount bob")
    kubectl("create role reader --verb=get,list --resource=pods")
    kubectl(f"create rolebinding rb --role=reader --serviceaccount={kubectl.namespace}:bob")
    return f"system:serviceaccount:{kubectl.namespace}:bob"


def test_can_i(kubectl, bob):
    assert kubectl("auth can-i create pods") == "yes\n"
    assert kubectl(f"auth can-i list pods --as={bob}") == "yes\n"
    denied = kubectl.run(f"auth can-i delete pods --as={bob}")
    assert (denied.returncode, denied.stdout) == (1, "no\n")
    rules = masked(kubectl(f"auth can-i --list --as={bob}")).splitlines()
    assert rules[0] == "Resources Non-Resource URLs Resource Names Verbs"
    assert "pods [] [] [get list]" in rules
    assert "selfsubjectaccessreviews.authorization.k8s.io [] [] [create]" in rules


def test_what_is_forbidden(kubectl, bob):
    assert kubectl(f"get pods --as={bob}") == ""
    assert kubectl.fails(f"get secrets --as={bob}") == (
        f'Error from server (Forbidden): secrets is forbidden: User "{bob}" cannot list resource "secrets" in API group "" '
        f'in the namespace "{kubectl.namespace}"'
    )
    assert kubectl.fails("get nodes --as=jane") == (
        'Error from server (Forbidden): nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope'
    )
    assert kubectl.fails(f"delete pod web --as={bob}") == (
        f'Error from server (Forbidden): pods "web" is forbidden: User "{bob}" cannot delete resource "pods" in API group "" '
        f'in the namespace "{kubectl.namespace}"'
    )


def test_whoami(kubectl, current):
    assert masked(kubectl("auth whoami --as=jane --as-group=makers")) == said("""
        ATTRIBUTE   VALUE
        Username    jane
        Groups      [makers system:authenticated]""")


def test_token(kubectl, bob):
    token = kubectl("create token bob").strip()
    config = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubectl.file("bob.yaml", yaml.safe_dump(config))
    assert kubectl("get pods --kubeconfig=bob.yaml") == ""
    forbidden = f'Error from server (Forbidden): secrets is forbidden: User "{bob}" cannot list resource "secrets"'
    assert kubectl.fails("get secrets --kubeconfig=bob.yaml").startswith(forbidden)
    config["users"][0]["user"] = {"token": "nonsense"}
    kubectl.file("nobody.yaml", yaml.safe_dump(config))
    assert kubectl.fails("get pods --kubeconfig=nobody.yaml") == "error: You must be logged in to the server (Unauthorized)"


@pytest.fixture
def csr(kubectl, current):
    """A request `wire-jane` for a client certificate, and what kubectl prints of its name; the key is in jane.key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    kubectl.file("jane.key", pem.decode())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    kubectl.file("csr.yaml", json.dumps({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "wire-jane"},
        "spec": {
            "request": b64encode(request.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        },
    }))
    kubectl("create -f csr.yaml")
    assert masked(kubectl("get csr wire-jane --no-headers")).endswith("Pending")
    yield "certificatesigningrequest.certificates.k8s.io/wire-jane"
    kubectl("delete csr wire-jane --ignore-not-found")


def test_certificate_approve(kubectl, csr):
    assert kubectl("certificate approve wire-jane") == f"{csr} approved\n"
    kubectl("wait csr/wire-jane --for=jsonpath={.status.certificate} --timeout=30s")
    assert masked(kubectl("get csr wire-jane --no-headers")).endswith("Approved,Issued")
    kubectl.file("jane.crt", b64decode(kubectl("get csr wire-jane -o jsonpath={.status.certificate}")).decode())
    kubectl("config set-credentials jane --client-certificate=jane.crt --client-key=jane.key")
    assert "Username jane\n" in masked(kubectl("auth whoami --user=jane"))
    assert kubectl.fails("get pods --user=jane").startswith('Error from server (Forbidden): pods is forbidden: User "jane" cannot list')


def test_certificate_deny(kubectl, csr):
    assert kubectl("certificate deny wire-jane") == f"{csr} denied\n"
    assert masked(kubectl("get csr wire-jane --no-headers")).endswith("Denied")
    approved = kubectl.fails("certificate approve wire-jane")
    assert approved == 'error: certificate signing request "wire-jane" is already Denied' or "mutually exclusive" in approved
    assert kubectl.fails("certificate deny nosuch") == (
        'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "nosuch" not found'
    )


ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {namespace}}}
rules: [{{apiGroups: [""], resources: [{resource}], verbs: [get]}}]
"""


def test_reconcile(kubectl):
    kubectl.file("role.yaml", ROLE.format(namespace=kubectl.namespace, resource="pods"))
    assert kubectl("auth reconcile -f role.yaml") == "role.rbac.authorization.k8s.io/reader reconciled\n"
    kubectl.file("role.yaml", ROLE.format(namespace=kubectl.namespace, resource="nodes"))
    assert kubectl.run("auth reconcile -f role.yaml").stderr == (
        "\treconciliation required update\n\tmissing rules added:\n"
        "\t\t{Verbs:[get] APIGroups:[] Resources:[nodes] ResourceNames:[] NonResourceURLs:[]}\n"
    )
    assert kubectl("get role reader -o jsonpath={.rules[*].resources[*]}") == "pods nodes"


def test_aggregated_roles(kubectl):
    try:
        kubectl("create clusterrole wire-reader --verb=get --resource=pods/log")
        kubectl("label clusterrole wire-reader wire=yes")
        assert kubectl("create clusterrole wire-all --aggregation-rule=wire=yes") == (
            "clusterrole.rbac.authorization.k8s.io/wire-all created\n"
        )
        kubectl("wait clusterrole/wire-all --for=jsonpath={.rules[0].resources[0]}=pods/log --timeout=30s")
    finally:
        kubectl("delete clusterrole wire-reader wire-all --ignore-not-found")

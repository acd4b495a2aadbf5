"""Certificates of a cluster: its CA, the API server's, and one for each user (what kubeadm keeps in /etc/kubernetes/pki)."""
import ssl
from dataclasses import dataclass
from pathlib import Path

SERVER_NAMES = (
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "10.96.0.1",
)


@dataclass(frozen=True)
class Pki:
    """Paths of PEM files in one folder. `admin` is the certificate and key of the learner's kubeconfig."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def server(self) -> Path:
        return self.folder / "apiserver.pem"

    @property
    def admin_certificate(self) -> Path:
        return self.folder / "admin.crt"

    @property
    def admin_key(self) -> Path:
        return self.folder / "admin.key"

    def ensure(self) -> "Pki":
        """Make what is missing. The folder is readable by its owner alone."""
        if self.admin_key.exists():
            return self
        import trustme

        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ca = trustme.CA(organization_name="kubeschool practice cluster")
        ca.private_key_pem.write_to_path(self.ca_key)
        ca.issue_cert(*SERVER_NAMES).private_key_and_cert_chain_pem.write_to_path(self.server)
        admin = ca.issue_cert(
            "kubernetes-admin", common_name="kubernetes-admin", organization_name="system:masters"
        )
        admin.cert_chain_pems[0].write_to_path(self.admin_certificate)
        ca.cert_pem.write_to_path(self.ca)
        admin.private_key_pem.write_to_path(self.admin_key)
        return self

    def server_context(self) -> ssl.SSLContext:
        """TLS for the API server: clients may show a certificate of this CA."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.ca))
        context.load_cert_chain(self.server)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

"""Who is asking: client certificates and service-account tokens
(`k8s.io/apiserver/pkg/authentication/request/{x509,bearertoken}`, `pkg/serviceaccount/claims.go`)."""
import base64
import time
import uuid
from pathlib import Path

import orjson

from ..store import Store
from .errors import unauthorized
from .user import User

ISSUER = "https://kubernetes.default.svc.cluster.local"


def from_certificate(certificate: dict) -> User:
    """The user of a verified client certificate in ssl's getpeercert() form: CN is the name, every O a group."""
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in subject if key == "commonName"), "")
    groups = [value for key, value in subject if key == "organizationName"]
    return User(name, (*groups, "system:authenticated"))


def bearer_token(header: str) -> str:
    """The token of an Authorization header, empty for any other scheme, which is no attempt to authenticate."""
    scheme, _, rest = header.strip().partition(" ")
    return rest.partition(" ")[0] if scheme.lower() == "bearer" else ""


def impersonated(headers) -> User | None:
    """The user of Impersonate-* headers, None without them."""
    name = headers.get("Impersonate-User")
    if not name:
        return None
    extra: dict[str, list[str]] = {}
    for key, value in headers.items():
        if key.lower().startswith("impersonate-extra-"):
            extra.setdefault(key[len("impersonate-extra-"):].lower(), []).append(value)
    groups = tuple(headers.getall("Impersonate-Group", ()))
    if not groups and name.startswith("system:serviceaccount:"):
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}")
    if name != "system:anonymous" and "system:authenticated" not in groups:
        groups += ("system:authenticated",)
    return User(name, groups, headers.get("Impersonate-Uid", ""), extra)


class ServiceAccountTokens:
    """Issues and verifies RS256 JSON Web Tokens with a key kept in `path` (PEM, made when missing)."""

    def __init__(self, path: Path):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not path.exists():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.touch(mode=0o600)
            path.write_bytes(pem)
        self._key = serialization.load_pem_private_key(path.read_bytes(), None)

    def issue(self, account: dict, audiences: list[str], seconds: int, bound_to: dict | None = None) -> tuple[str, int]:
        """(token, expiry as Unix time) for a ServiceAccount object; `bound_to` {kind, name, uid} of a Pod, Secret or Node."""
        issued = int(time.time())
        meta = account["metadata"]
        private = {"namespace": meta["namespace"], "serviceaccount": {"name": meta["name"], "uid": meta["uid"]}}
        if bound_to:
            private[bound_to["kind"].lower()] = {"name": bound_to["name"], "uid": bound_to.get("uid", "")}
        claims = {
            "aud": audiences or [ISSUER],
            "exp": issued + seconds,
            "iat": issued,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": private,
            "nbf": issued,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        signed = f"{_encode(orjson.dumps({'alg': 'RS256', 'kid': 'practice'}))}.{_encode(orjson.dumps(claims))}"
        return f"{signed}.{_encode(self._sign(signed.encode()))}", claims["exp"]

    def verify(self, token: str, audience: str = ISSUER) -> tuple[User, dict]:
        """(user, private claims) of a valid token. Raises 401."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        try:
            signed, _, signature = token.rpartition(".")
            self._key.public_key().verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = orjson.loads(_decode(signed.split(".")[1]))
        except (InvalidSignature, ValueError, IndexError):
            raise unauthorized() from None
        if claims["exp"] < time.time() or audience not in claims["aud"]:
            raise unauthorized()
        private = claims["kubernetes.io"]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{private['namespace']}", "system:authenticated")
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
        for kind in ("pod", "node"):
            if kind in private:
                extra[f"authentication.kubernetes.io/{kind}-name"] = [private[kind]["name"]]
                extra[f"authentication.kubernetes.io/{kind}-uid"] = [private[kind]["uid"]]
        return User(claims["sub"], groups, private["serviceaccount"]["uid"], extra), private

    def openid_configuration(self, jwks_uri: str) -> dict:
        """GET /.well-known/openid-configuration (`pkg/serviceaccount/openidmetadata.go`)."""
        return {
            "issuer": ISSUER, "jwks_uri": jwks_uri, "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def key_set(self) -> dict:
        """GET /openid/v1/jwks: the public key that verifies tokens."""
        numbers = self._key.public_key().public_numbers()

        def encoded(number: int) -> str:
            return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))

        key = {"use": "sig", "kty": "RSA", "kid": "practice", "alg": "RS256", "n": encoded(numbers.n), "e": encoded(numbers.e)}
        return {"keys": [key]}

    def _sign(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def user_of_token(tokens: ServiceAccountTokens, store: Store, token: str, *audience: str) -> User:
    """The user of a valid token whose account is there, and the Pod or Secret it is bound to. Raises 401."""
    user, private = tokens.verify(token, *audience)
    for kind, resource in (("serviceaccount", "serviceaccounts"), ("pod", "pods"), ("secret", "secrets")):
        if kind in private:
            stored, uid = store.get((resource, private["namespace"], private[kind]["name"])), private[kind]["uid"]
            if not stored or uid not in ("", stored.object["metadata"]["uid"]):
                raise unauthorized()
    return user


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

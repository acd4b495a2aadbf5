"""Image references, as `github.com/distribution/reference` reads them."""
import re
from dataclasses import dataclass

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
PATH = re.compile(rf"{COMPONENT}(?:/{COMPONENT})*")
DOMAIN = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReference(ValueError):
    """The message is the library's: `invalid reference format`, with `: repository name (x) must be lowercase` where that is the cause."""


@dataclass(frozen=True, slots=True)
class Reference:
    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        return f"{self.domain}/{self.path}"

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """`nginx` -> docker.io/library/nginx:latest; raises InvalidReference."""
    name, _, digest = text.partition("@")
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        domain, path = "docker.io", name
    else:
        domain, path = first, rest
    path, colon, tag = path.partition(":")
    if domain in ("docker.io", "index.docker.io"):
        domain = "docker.io"
        path = path if "/" in path else f"library/{path}"
    if path.lower() != path and PATH.fullmatch(path.lower()):
        raise InvalidReference(f"invalid reference format: repository name ({path}) must be lowercase")
    if not (DOMAIN.fullmatch(domain) and PATH.fullmatch(path)) or (colon and not TAG.fullmatch(tag)) or (
            "@" in text and not DIGEST.fullmatch(digest)):
        raise InvalidReference("invalid reference format")
    return Reference(domain, path, tag or (None if digest else "latest"), digest or None)

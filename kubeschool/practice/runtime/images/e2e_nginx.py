"""registry.k8s.io/e2e-test-images/nginx: nginx under the name that Kubernetes' end-to-end tests use."""
from dataclasses import replace

from . import nginx
from .image import Image

REPOSITORY = "registry.k8s.io/e2e-test-images/nginx"
TAGS = {"1.15-4": "1.16-alpine", "1.15-2": "1.16-alpine", "1.14-4": "1.14-alpine", "1.14-2": "1.14-alpine", "1.14-1": "1.14-alpine"}
"""{tag: the nginx image it is}."""


def build(tag: str) -> Image:
    return replace(nginx.build(TAGS[tag]), repository=REPOSITORY, tag=tag)

"""registry.k8s.io/e2e-test-images/httpd: httpd under the name that Kubernetes' end-to-end tests use."""
from dataclasses import replace

from . import httpd
from .image import Image

REPOSITORY = "registry.k8s.io/e2e-test-images/httpd"
TAGS = {"2.4.39-4": "2.4.57", "2.4.38-4": "2.4.57", "2.4.39-2": "2.4.57", "2.4.38-2": "2.4.57", "2.4.39-1": "2.4.57", "2.4.38-1": "2.4.57"}
"""{tag: the httpd image it is}."""


def build(tag: str) -> Image:
    return replace(httpd.build(TAGS[tag]), repository=REPOSITORY, tag=tag)

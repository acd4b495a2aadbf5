"""registry.k8s.io/coredns/coredns"""
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/coredns/coredns"
TAGS = ("v1.14.2",)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 23_600_000, "/coredns", component("coredns", b".:53\nCoreDNS-1.14.2\n"))

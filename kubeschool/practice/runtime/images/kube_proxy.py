"""registry.k8s.io/kube-proxy"""
from ...version import GIT_VERSION
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/kube-proxy"
TAGS = (GIT_VERSION,)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 25_800_000, "/usr/local/bin/kube-proxy", component("kube-proxy"))

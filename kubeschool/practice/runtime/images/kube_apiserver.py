"""registry.k8s.io/kube-apiserver"""
from ...version import GIT_VERSION
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/kube-apiserver"
TAGS = (GIT_VERSION,)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 27_700_000, "/usr/local/bin/kube-apiserver", component("kube-apiserver"))

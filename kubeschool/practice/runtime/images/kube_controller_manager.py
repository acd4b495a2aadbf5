"""registry.k8s.io/kube-controller-manager"""
from ...version import GIT_VERSION
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/kube-controller-manager"
TAGS = (GIT_VERSION,)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 23_100_000, "/usr/local/bin/kube-controller-manager", component("kube-controller-manager"))

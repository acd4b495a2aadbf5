"""registry.k8s.io/kube-scheduler"""
from ...version import GIT_VERSION
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/kube-scheduler"
TAGS = (GIT_VERSION,)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 17_400_000, "/usr/local/bin/kube-scheduler", component("kube-scheduler"))

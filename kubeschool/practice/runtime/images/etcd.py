"""registry.k8s.io/etcd"""
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/etcd"
TAGS = ("3.6.8-0",)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 22_900_000, "/usr/local/bin/etcd", component("etcd"))

"""docker.io/kindest/local-path-provisioner"""
from .component import component, image
from .image import Image

REPOSITORY = "docker.io/kindest/local-path-provisioner"
TAGS = ("v20260528-practice",)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 18_300_000, "/usr/bin/local-path-provisioner", component("local-path-provisioner"))

"""docker.io/kindest/kindnetd: kind's CNI daemon"""
from .component import component, image
from .image import Image

REPOSITORY = "docker.io/kindest/kindnetd"
TAGS = ("v20260528-practice",)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 38_700_000, "/bin/kindnetd", component("kindnet"))

"""registry.k8s.io/metrics-server/metrics-server"""
from .component import component, image
from .image import Image

REPOSITORY = "registry.k8s.io/metrics-server/metrics-server"
TAGS = ("v0.8.0",)


def build(tag: str) -> Image:
    return image(REPOSITORY, tag, 22_500_000, "/metrics-server", component("metrics-server"))

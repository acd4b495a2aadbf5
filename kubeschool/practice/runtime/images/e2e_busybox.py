"""registry.k8s.io/e2e-test-images/busybox: busybox under the name that Kubernetes' end-to-end tests use."""
from . import busybox
from .image import Image, Layer

REPOSITORY = "registry.k8s.io/e2e-test-images/busybox"
TAGS = {"1.37.0-1": "1.37.0", "1.36.1-1": "1.36.1", "1.29-4": "1.28.4", "1.29-2": "1.28.4", "1.29-1": "1.28.4"}


def build(tag: str) -> Image:
    return Image(REPOSITORY, tag, (Layer(f"busybox:{tag}", 2_220_094),), busybox.files, command=["sh"])

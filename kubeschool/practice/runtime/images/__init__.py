"""The images the practice cluster can pull, one file an image. A new image is a new file here: see image.py for what it must have."""
import importlib
import pkgutil
from functools import cache
from types import ModuleType

from ..reference import Reference
from .image import Image


@cache
def repositories() -> dict[str, ModuleType]:
    """{repository with its registry: image module}."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {module.REPOSITORY: module for module in modules if hasattr(module, "REPOSITORY")}


@cache
def _build(repository: str, tag: str) -> Image:
    return repositories()[repository].build(tag)


def find(reference: Reference) -> Image | None:
    """The image of that tag or digest, None when its repository has no such one. Raises KeyError for an unknown repository."""
    tags = repositories()[reference.repository].TAGS
    if reference.digest:
        images = (_build(reference.repository, tag) for tag in tags)
        return next((image for image in images if image.digest == reference.digest), None)
    return _build(reference.repository, reference.tag) if reference.tag in tags else None

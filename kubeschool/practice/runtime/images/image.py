"""What an image is. An image file (images/NAME.py) has REPOSITORY, TAGS (every tag served) and `build(tag) -> Image`."""
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from ..filesystem import Directory, File, Node, Symlink

BUILT = 1_767_225_600.0
"""Modification time of image files: 2026-01-01."""


@dataclass(frozen=True)
class Layer:
    """`size` in bytes as it is pulled (compressed). Images that share a layer pull it once."""

    name: str
    size: int


@dataclass
class Image:
    """`files()` gives the root file system, asked for once, when the first container starts."""

    repository: str
    tag: str
    layers: tuple[Layer, ...]
    files: Callable[[], Directory]
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: list[tuple[str, str]] = field(default_factory=list)
    working_dir: str = "/"
    uid: int = 0
    gid: int = 0
    user: str = ""
    ports: list[str] = field(default_factory=list)
    stop_signal: int = 15

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @cached_property
    def id(self) -> str:
        """The configuration's digest, sha256:…"""
        return _digest("config", self.repository, *(layer.name for layer in self.layers))

    @cached_property
    def digest(self) -> str:
        """The manifest's digest, sha256:…; tags of the same layers share it."""
        return _digest("manifest", self.repository, *(layer.name for layer in self.layers))

    @property
    def repo_tag(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def repo_digest(self) -> str:
        return f"{self.repository}@{self.digest}"

    @cached_property
    def root(self) -> Directory:
        root = self.files()
        root.freeze()
        return root


def _digest(*parts: str) -> str:
    return "sha256:" + sha256("\n".join(parts).encode()).hexdigest()


def tree(files: dict[str, "Node | str | bytes | None"], base: Directory | None = None) -> Directory:
    """A directory from {path: node}, over `base`. Text and bytes become files, None a directory, "-> target" a symbolic link."""
    root = base.copy() if base else Directory(mtime=BUILT)
    copied = {id(root)}
    for path, content in files.items():
        *folders, name = path.strip("/").split("/")
        directory = root
        for folder in folders:
            below = directory.entries.get(folder)
            if below is None:
                below = Directory(mtime=BUILT)
            elif id(below) not in copied:
                below = below.copy()
            copied.add(id(below))
            directory.entries[folder] = below
            directory = below
        directory.entries[name] = _node(content)
    return root


def _node(content: "Node | str | bytes | None") -> Node:
    if content is None:
        return Directory(mtime=BUILT)
    if isinstance(content, str) and content.startswith("-> "):
        return Symlink(content[3:], mtime=BUILT)
    if isinstance(content, str):
        content = content.encode()
    return File(content, mtime=BUILT) if isinstance(content, bytes) else content


def executable(program: Callable) -> File:
    """A program's file: \\x7fELF and no more, as `head -c4` shows of a real one."""
    return File(b"\x7fELF", 0o755, mtime=BUILT, program=program)


def script(text: str) -> File:
    return File(text.encode(), 0o755, mtime=BUILT)

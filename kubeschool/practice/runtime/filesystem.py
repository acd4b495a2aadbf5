"""A container's file system: a tree in memory, copied on write from its image, with mounts.

Image trees are frozen and shared by every container made from them; the first write to a file or directory copies just that
node (and the directories above it), as overlayfs copies up. Errors are the OSErrors a Linux kernel would give.
A `FileSystem` is one process's view: the tree and the mounts are shared by the container, `cwd`, `uid`, `gid` and `umask` are its own.
Paths are str; relative ones start at `cwd`.
"""
import asyncio
import errno
import os
import posixpath
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .streams import Stream

if TYPE_CHECKING:
    from .process import Process

LINK_LIMIT = 40
BLOCK = 4096
LARGEST_FILE = 256 << 20


SETGID = 0o2000


def error(code: int, path: str) -> OSError:
    """The OSError subclass for an errno, with the C library's words whatever the host is."""
    return OSError(code, MESSAGES.get(code) or os.strerror(code), path)


MESSAGES = {
    errno.ENOENT: "No such file or directory", errno.EACCES: "Permission denied", errno.EEXIST: "File exists",
    errno.ENOTDIR: "Not a directory", errno.EISDIR: "Is a directory", errno.EROFS: "Read-only file system",
    errno.ENOTEMPTY: "Directory not empty", errno.ELOOP: "Too many levels of symbolic links", errno.EBUSY: "Resource busy",
    errno.EINVAL: "Invalid argument", errno.EPERM: "Operation not permitted", errno.EXDEV: "Invalid cross-device link",
}


class Node:
    """What every entry has: permission bits, owner, time of last change (Unix seconds)."""

    __slots__ = ("frozen", "gid", "mode", "mtime", "uid")
    kind = 0

    def __init__(self, mode: int, uid: int = 0, gid: int = 0, mtime: float | None = None):
        self.mode, self.uid, self.gid = mode, uid, gid
        self.mtime = time.time() if mtime is None else mtime
        self.frozen = False

    @property
    def size(self) -> int:
        return 0

    def freeze(self) -> None:
        """Makes the node an image's: a container that writes it gets a copy."""
        self.frozen = True


class File(Node):
    """`program`, an `async def main(process) -> int`, makes it an executable."""

    __slots__ = ("_data", "links", "program", "waiters")
    kind = stat.S_IFREG

    def __init__(self, data: bytes = b"", mode: int = 0o644, uid: int = 0, gid: int = 0, mtime: float | None = None,
                 program: Callable | None = None):
        super().__init__(mode, uid, gid, mtime)
        self._data: bytes | bytearray = data
        self.program = program
        self.waiters: set[asyncio.Future] | None = None
        self.links = 1

    @property
    def data(self) -> bytes:
        return bytes(self._data)

    @data.setter
    def data(self, data: bytes) -> None:
        self._data = data
        self._touched()

    @property
    def size(self) -> int:
        return len(self._data)

    def write_at(self, position: int, data: bytes) -> None:
        if position + len(data) > LARGEST_FILE:
            raise OSError(errno.ENOSPC, "No space left on device")
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data)
        if position > len(self._data):
            self._data.extend(bytes(position - len(self._data)))
        self._data[position:position + len(data)] = data
        self._touched()

    def read_at(self, position: int, n: int) -> bytes:
        return bytes(self._data[position:position + n])

    def _touched(self) -> None:
        self.mtime = time.time()
        for waiter in self.waiters or ():
            if not waiter.done():
                waiter.set_result(None)
        self.waiters = None

    async def changed(self) -> None:
        """Returns after the next write to this file (what inotify gives `tail -f`)."""
        if self.waiters is None:
            self.waiters = set()
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.add(waiter)
        await waiter

    def copy(self) -> "File":
        return File(bytes(self._data), self.mode, self.uid, self.gid, self.mtime, self.program)

    def open(self, view: "FileSystem", flags: str, path: str) -> Stream:
        return OpenFile(self, flags, path)


class DynamicFile(File):
    """A file whose content is computed when it is read, as in /proc."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], bytes], mode: int = 0o444):
        super().__init__(mode=mode)
        self.compute = compute

    @property
    def data(self) -> bytes:
        return self.compute()

    def open(self, view: "FileSystem", flags: str, path: str) -> Stream:
        return OpenFile(File(self.compute(), self.mode), flags, path)


class Device(File):
    """A character device: opening it calls `opener(process | None)` for the stream."""

    __slots__ = ("opener",)
    kind = stat.S_IFCHR

    def __init__(self, opener: Callable[["Process | None"], Stream], mode: int = 0o666):
        super().__init__(mode=mode)
        self.opener = opener

    def open(self, view: "FileSystem", flags: str, path: str) -> Stream:
        return self.opener(view.process)

    def copy(self) -> "Device":
        return Device(self.opener, self.mode)


class Symlink(Node):
    """`target` may be a function of the process that looks (as /proc/self is)."""

    __slots__ = ("target",)
    kind = stat.S_IFLNK

    def __init__(self, target: "str | Callable[[Process | None], str]", uid: int = 0, gid: int = 0, mtime: float | None = None):
        super().__init__(0o777, uid, gid, mtime)
        self.target = target

    @property
    def size(self) -> int:
        return len(self.target) if isinstance(self.target, str) else 0

    def copy(self) -> "Symlink":
        return Symlink(self.target, self.uid, self.gid, self.mtime)


class Directory(Node):
    __slots__ = ("_entries",)
    kind = stat.S_IFDIR

    def __init__(self, entries: dict[str, Node] | None = None, mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: float | None = None):
        super().__init__(mode, uid, gid, mtime)
        self._entries = {} if entries is None else entries

    @property
    def entries(self) -> dict[str, Node]:
        return self._entries

    @property
    def size(self) -> int:
        return BLOCK

    def freeze(self) -> None:
        self.frozen = True
        for node in self.entries.values():
            if not node.frozen:
                node.freeze()

    def copy(self) -> "Directory":
        return Directory(dict(self.entries), self.mode, self.uid, self.gid, self.mtime)

    def walk(self) -> Iterator[Node]:
        """Every node below this directory."""
        for node in self.entries.values():
            yield node
            if isinstance(node, Directory):
                yield from node.walk()

    def usage(self) -> int:
        """Bytes written below this directory; what still belongs to an image is not counted (emptyDir sizeLimit, ephemeral-storage)."""
        total = 0
        for node in self.entries.values():
            if node.frozen:
                continue
            total += node.usage() if isinstance(node, Directory) else node.size
        return total


class DynamicDirectory(Directory):
    """A directory whose entries are computed when it is looked at, as /proc."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], dict[str, Node]], mode: int = 0o555):
        super().__init__({}, mode)
        self.compute = compute

    @property
    def entries(self) -> dict[str, Node]:
        return self.compute()

    def usage(self) -> int:
        return 0


@dataclass(slots=True, frozen=True)
class Mount:
    node: Directory | File
    read_only: bool = False
    kind: str = "ext4"


@dataclass(slots=True, frozen=True)
class Stat:
    """As os.stat_result: `mode` has the file type bits (use the stat module), `mtime` in Unix seconds."""

    mode: int
    size: int
    uid: int
    gid: int
    mtime: float
    ino: int
    nlink: int


class OpenFile(Stream):
    """An open regular file: one position, shared by everything that duplicated it."""

    def __init__(self, node: File, flags: str, path: str):
        super().__init__()
        self.node, self.path = node, path
        self.readable = "r" in flags or "+" in flags
        self.writable = flags != "r"
        self.appending = "a" in flags
        self.position = 0

    def read_now(self, n: int = -1) -> bytes:
        """Up to n bytes (all when negative) from the position on; b"" at the end of the file."""
        if not self.readable:
            raise OSError(errno.EBADF, "Bad file descriptor")
        data = self.node.read_at(self.position, self.node.size if n < 0 else n)
        self.position += len(data)
        return data

    async def read(self, n: int = 65536) -> bytes:
        return self.read_now(n)

    def write(self, data: bytes) -> None:
        if not self.writable:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if self.appending:
            self.position = self.node.size
        self.node.write_at(self.position, data)
        self.position += len(data)

    def seek(self, position: int) -> None:
        self.position = position


class FileSystem:
    """See the module. Every method raises the OSError the kernel would: FileNotFoundError, NotADirectoryError, PermissionError, …"""

    def __init__(self, root: Directory):
        self.root = root.copy() if root.frozen else root
        self.mounts: dict[str, Mount] = {"/": Mount(self.root, kind="overlay")}
        self.process: Process | None = None
        self.cwd, self.uid, self.gid, self.umask = "/", 0, 0, 0o022
        self.groups: tuple[int, ...] = ()

    def view(self, process: "Process | None" = None, cwd: str | None = None, uid: int | None = None,
             gid: int | None = None) -> "FileSystem":
        """The same files as another process sees them."""
        other = FileSystem.__new__(FileSystem)
        other.root, other.mounts, other.process = self.root, self.mounts, process
        other.cwd = self.cwd if cwd is None else cwd
        other.uid = self.uid if uid is None else uid
        other.gid = self.gid if gid is None else gid
        other.umask, other.groups = self.umask, self.groups
        return other

    # --- finding ---

    def absolute(self, path: str) -> str:
        """`path` from the root, `.`, `..` and `//` kept."""
        return path if path.startswith("/") else f"{self.cwd.rstrip('/')}/{path}"

    def _walk(self, path: str, follow: bool = True, create: bool = False) -> tuple[Node | None, str]:
        """(node, canonical path); with `create` the last component may be missing (None)."""
        if path == "":
            raise error(errno.ENOENT, path)
        todo = [part for part in reversed(self.absolute(path).split("/")) if part not in ("", ".")]
        must_be_directory = path.endswith(("/", "/."))
        done: list[tuple[str, Node]] = []  # (canonical path, the directory it is in) of each step
        links = 0
        node: Node = self.root
        while todo:
            part = todo.pop()
            if not isinstance(node, Directory):
                raise error(errno.ENOTDIR, path)
            if part == "..":
                node = done.pop()[1] if done else node
                continue
            self._require(node, 1, path)
            here = f"{done[-1][0]}/{part}" if done else f"/{part}"
            child = node.entries.get(part)
            if child is None:
                if create and not todo:
                    return None, here
                raise error(errno.ENOENT, path)
            child = self._mounted(here, child)
            if isinstance(child, Symlink) and (todo or follow or must_be_directory):
                links += 1
                if links > LINK_LIMIT:
                    raise error(errno.ELOOP, path)
                target = child.target if isinstance(child.target, str) else child.target(self.process)
                if target.startswith("/"):
                    done.clear()
                    node = self.root
                todo.extend(step for step in reversed(target.split("/")) if step not in ("", "."))
                continue
            done.append((here, node))
            node = child
        if must_be_directory and not isinstance(node, Directory):
            raise error(errno.ENOTDIR, path)
        return node, done[-1][0] if done else "/"

    def _mounted(self, path: str, node: Node) -> Node:
        mount = self.mounts.get(path)
        return mount.node if mount else node

    def allowed(self, node: Node, bits: int) -> bool:
        """Whether this view's user may read (4), write (2), execute or search (1)."""
        if self.uid == 0:
            return bits & 1 == 0 or isinstance(node, Directory) or node.mode & 0o111 != 0
        shift = 6 if node.uid == self.uid else 3 if node.gid == self.gid or node.gid in self.groups else 0
        return node.mode >> shift & bits == bits

    def _require(self, node: Node, bits: int, path: str) -> None:
        if not self.allowed(node, bits):
            raise error(errno.EACCES, path)

    def read_only(self, path: str) -> bool:
        """Whether the mount that holds this canonical path is read-only."""
        while True:
            if path in self.mounts:
                return self.mounts[path].read_only
            path = path.rpartition("/")[0] or "/"

    def _own(self, canonical: str) -> Node:
        """The node at a canonical path, copied up (with the directories above it) when it is an image's."""
        node: Node = self.root
        here = ""
        for part in canonical.split("/")[1:] if canonical != "/" else ():
            here += "/" + part
            if here in self.mounts:
                node = self.mounts[here].node
                continue
            child = node.entries[part]
            if child.frozen:
                child = child.copy()
                node.entries[part] = child
            node = child
        return node

    def _parent(self, canonical: str, path: str) -> tuple[Directory, str]:
        """The (writable) directory that holds a canonical path, and the last name in it."""
        above, _, name = canonical.rpartition("/")
        above = above or "/"
        if self.read_only(above):
            raise error(errno.EROFS, path)
        self._require(self._walk(above)[0], 3, path)
        return self._own(above), name

    def lookup(self, path: str, follow: bool = True) -> Node:
        return self._walk(path, follow)[0]

    def realpath(self, path: str) -> str:
        return self._walk(path)[1]

    def exists(self, path: str) -> bool:
        try:
            self._walk(path)
        except OSError:
            return False
        return True

    def isdir(self, path: str) -> bool:
        try:
            return isinstance(self.lookup(path), Directory)
        except OSError:
            return False

    def isfile(self, path: str) -> bool:
        try:
            return self.lookup(path).kind == stat.S_IFREG
        except OSError:
            return False

    def islink(self, path: str) -> bool:
        try:
            return isinstance(self.lookup(path, follow=False), Symlink)
        except OSError:
            return False

    def access(self, path: str, bits: int) -> bool:
        """As access(2): `bits` of 4 read, 2 write, 1 execute."""
        try:
            node, canonical = self._walk(path)
        except OSError:
            return False
        return self.allowed(node, bits) and not (bits & 2 and self.read_only(canonical))

    def stat(self, path: str, follow: bool = True) -> Stat:
        node = self.lookup(path, follow)
        if isinstance(node, Directory):
            links = 2 + sum(isinstance(entry, Directory) for entry in node.entries.values())
        else:
            links = getattr(node, "links", 1)
        return Stat(node.kind | node.mode, node.size, node.uid, node.gid, node.mtime, id(node) // 16 % 10_000_000, links)

    def listdir(self, path: str = ".") -> list[str]:
        node = self.lookup(path)
        if not isinstance(node, Directory):
            raise error(errno.ENOTDIR, path)
        self._require(node, 4, path)
        return sorted(node.entries)

    def readlink(self, path: str) -> str:
        node = self.lookup(path, follow=False)
        if not isinstance(node, Symlink):
            raise error(errno.EINVAL, path)
        return node.target if isinstance(node.target, str) else node.target(self.process)

    def size(self, path: str) -> int:
        """Bytes below `path`, image files included (du)."""
        node = self.lookup(path)
        return sum(n.size for n in node.walk()) if isinstance(node, Directory) else node.size

    # --- reading and writing ---

    def open(self, path: str, flags: str = "r", mode: int = 0o666) -> Stream:
        """`flags` as Python's: r, w (truncate), a (append), x (create), each with + for both ways. Devices give their stream."""
        reading = flags == "r"
        node, canonical = self._walk(path, create=not reading and not flags.startswith("r"))
        if node is not None and "x" in flags:
            raise error(errno.EEXIST, path)
        if isinstance(node, Directory) and not reading:
            raise error(errno.EISDIR, path)
        if node is None:
            parent, name = self._parent(canonical, path)
            node = parent.entries[name] = File(b"", mode & ~self.umask, self.uid, self._group(parent))
            parent.mtime = node.mtime
        elif reading:
            self._require(node, 4, path)
            if isinstance(node, Directory):
                raise error(errno.EISDIR, path)
        else:
            self._require(node, 6 if "+" in flags else 2, path)
            if not isinstance(node, Device):
                if self.read_only(canonical):
                    raise error(errno.EROFS, path)
                node = self._own(canonical)
                if "w" in flags:
                    node.data = b""
        return node.open(self, flags, canonical)

    def read(self, path: str) -> bytes:
        node = self.lookup(path)
        if isinstance(node, Directory):
            raise error(errno.EISDIR, path)
        self._require(node, 4, path)
        return node.data

    def write(self, path: str, data: bytes, mode: int = 0o666) -> None:
        self._put(path, data, "w", mode)

    def append(self, path: str, data: bytes, mode: int = 0o666) -> None:
        self._put(path, data, "a", mode)

    def _put(self, path: str, data: bytes, flags: str, mode: int) -> None:
        stream = self.open(path, flags, mode)
        try:
            stream.write(data)
        finally:
            stream.close()

    def truncate(self, path: str, size: int = 0) -> None:
        node = self._change(path, 2)
        node.data = node.data[:size].ljust(size, b"\0")

    # --- changing the tree ---

    def _place(self, path: str, node: Node) -> None:
        existing, canonical = self._walk(path.rstrip("/") or "/", follow=False, create=True)
        if existing is not None:
            raise error(errno.EEXIST, path)
        parent, name = self._parent(canonical, path)
        node.uid, node.gid = self.uid, self._group(parent)
        if isinstance(node, Directory):
            node.mode |= parent.mode & SETGID
        parent.entries[name] = node
        parent.mtime = time.time()

    def _group(self, parent: Directory) -> int:
        """Of a new file: the directory's where its setgid bit is set."""
        return parent.gid if parent.mode & SETGID else self.gid

    def mkdir(self, path: str, mode: int = 0o777, parents: bool = False) -> None:
        """With `parents` as mkdir -p: missing directories are made and an existing one is fine."""
        if not parents:
            return self._place(path, Directory(mode=mode & ~self.umask))
        steps = self.absolute(path).split("/")
        for end in range(2, len(steps) + 1):
            part = "/".join(steps[:end])
            if not self.isdir(part):
                self._place(part, Directory(mode=mode & ~self.umask))

    def symlink(self, target: str, path: str) -> None:
        self._place(path, Symlink(target))

    def link(self, source: str, path: str) -> None:
        node, canonical = self._walk(source, follow=False)
        if isinstance(node, Directory):
            raise error(errno.EPERM, source)
        owner = (node.uid, node.gid)
        self._place(path, node := self._own(canonical))
        node.uid, node.gid = owner
        if isinstance(node, File):
            node.links += 1

    def mknod(self, path: str, node: Node) -> None:
        """Puts a ready-made node (a device, a whole directory) at a path that is free."""
        owner = (node.uid, node.gid)
        self._place(path, node)
        node.uid, node.gid = owner

    def _remove(self, path: str, canonical: str, node: Node) -> None:
        if canonical == "/" or canonical in self.mounts:
            raise error(errno.EBUSY, path)
        parent, name = self._parent(canonical, path)
        if parent.mode & stat.S_ISVTX and self.uid not in (0, node.uid, parent.uid):
            raise error(errno.EPERM, path)
        del parent.entries[name]
        parent.mtime = time.time()

    def unlink(self, path: str) -> None:
        node, canonical = self._walk(path, follow=False)
        if isinstance(node, Directory):
            raise error(errno.EISDIR, path)
        self._remove(path, canonical, node)
        if isinstance(node, File) and not node.frozen:
            node.links -= 1

    def rmdir(self, path: str) -> None:
        node, canonical = self._walk(path, follow=False)
        if not isinstance(node, Directory):
            raise error(errno.ENOTDIR, path)
        if canonical in self.mounts or canonical == "/":
            raise error(errno.EBUSY, path)
        if node.entries:
            raise error(errno.ENOTEMPTY, path)
        self._remove(path, canonical, node)

    def rename(self, source: str, target: str) -> None:
        node, old = self._walk(source, follow=False)
        existing, new = self._walk(target.rstrip("/") or "/", follow=False, create=True)
        if self._device(old) != self._device(new):
            raise error(errno.EXDEV, source)
        if old == new:
            return
        if isinstance(node, Directory) and (new + "/").startswith(old + "/"):
            raise error(errno.EINVAL, source)
        if isinstance(existing, Directory):
            if not isinstance(node, Directory):
                raise error(errno.EISDIR, target)
            if existing.entries:
                raise error(errno.ENOTEMPTY, target)
        elif existing is not None and isinstance(node, Directory):
            raise error(errno.ENOTDIR, target)
        parent, name = self._parent(new, target)
        node = self._own(old)
        self._remove(source, old, node)
        parent.entries[name] = node
        parent.mtime = time.time()

    def _device(self, path: str) -> str:
        """The mount point that holds a canonical path."""
        while path not in self.mounts:
            path = path.rpartition("/")[0] or "/"
        return path

    def _change(self, path: str, bits: int = 0, follow: bool = True) -> Node:
        """A node about to be changed: its owner (or, with `bits`, whoever has them) and root may."""
        node, canonical = self._walk(path, follow)
        if self.read_only(canonical):
            raise error(errno.EROFS, path)
        if bits:
            self._require(node, bits, path)
        elif self.uid not in (0, node.uid):
            raise error(errno.EPERM, path)
        return self._own(canonical)

    def chmod(self, path: str, mode: int) -> None:
        self._change(path).mode = mode & 0o7777

    def chown(self, path: str, uid: int = -1, gid: int = -1, follow: bool = True) -> None:
        node = self._change(path, follow=follow)
        if self.uid != 0 and (uid not in (-1, node.uid) or gid not in (-1, node.gid, self.gid)):
            raise error(errno.EPERM, path)
        node.uid = node.uid if uid == -1 else uid
        node.gid = node.gid if gid == -1 else gid

    def utime(self, path: str, mtime: float | None = None) -> None:
        self._change(path).mtime = time.time() if mtime is None else mtime

    # --- mounts ---

    def mount(self, path: str, node: Directory | File, read_only: bool = False, kind: str = "ext4") -> None:
        """Shows `node` at `path`, which is made when it is missing, as runc does. `kind` is the file system's name in /proc/mounts."""
        try:
            canonical = self.realpath(path)
        except FileNotFoundError:
            if isinstance(node, Directory):
                self.mkdir(path, 0o755, parents=True)
            else:
                self.mkdir(posixpath.dirname(path) or "/", 0o755, parents=True)
                self._place(path, File())
            canonical = self.realpath(path)
        if isinstance(self.lookup(path), Directory) != isinstance(node, Directory):
            raise error(errno.ENOTDIR, path)
        self.mounts[canonical] = Mount(node, read_only, kind)

    def make_read_only(self) -> None:
        """The root (readOnlyRootFilesystem); what is mounted stays as it is."""
        self.mounts["/"] = Mount(self.root, read_only=True, kind="overlay")

    def usage(self) -> int:
        """Bytes in the container's writable layer (mounts and image files not counted)."""
        return self.root.usage()

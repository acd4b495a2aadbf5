"""A container's file system: copy on write, links, mounts, permissions, the kernel's errors."""
import asyncio
import errno

import pytest

from kubeschool.practice.runtime.filesystem import Device, Directory, DynamicFile, File, FileSystem, Symlink
from kubeschool.practice.runtime.streams import Null


@pytest.fixture
def image() -> Directory:
    root = Directory({
        "etc": Directory({"passwd": File(b"root:x:0:0\n"), "secret": File(b"s", mode=0o600)}),
        "usr": Directory({"bin": Directory({"sh": File(b"", 0o755)})}),
        "bin": Symlink("usr/bin"), "tmp": Directory(mode=0o1777), "loop": Symlink("loop"),
    })
    root.freeze()
    return root


@pytest.fixture
def fs(image) -> FileSystem:
    return FileSystem(image)


def test_containers_share_an_image_and_not_what_they_write(image):
    one, other = FileSystem(image), FileSystem(image)
    one.append("/etc/passwd", b"me:x:1:1\n")
    one.write("/bin/new", b"x" * 100)
    one.unlink("/etc/secret")
    one.chmod("/usr/bin/sh", 0o700)
    assert one.read("/etc/passwd") == b"root:x:0:0\nme:x:1:1\n"
    assert one.listdir("/usr/bin") == ["new", "sh"]
    assert other.read("/etc/passwd") == b"root:x:0:0\n"
    assert other.listdir("/usr/bin") == ["sh"] and other.exists("/etc/secret") and other.stat("/bin/sh").mode & 0o777 == 0o755
    assert other.lookup("/usr/bin") is image.entries["usr"].entries["bin"]
    assert other.usage() == 0 and one.usage() == 100 + len(b"root:x:0:0\nme:x:1:1\n")


@pytest.mark.parametrize(("call", "code"), [
    (lambda fs: fs.read("/nope"), errno.ENOENT),
    (lambda fs: fs.read("/etc"), errno.EISDIR),
    (lambda fs: fs.read("/etc/passwd/x"), errno.ENOTDIR),
    (lambda fs: fs.read("/etc/passwd/"), errno.ENOTDIR),
    (lambda fs: fs.read("/loop"), errno.ELOOP),
    (lambda fs: fs.write("/nope/x", b""), errno.ENOENT),
    (lambda fs: fs.write("/etc", b""), errno.EISDIR),
    (lambda fs: fs.mkdir("/etc"), errno.EEXIST),
    (lambda fs: fs.rmdir("/etc"), errno.ENOTEMPTY),
    (lambda fs: fs.rmdir("/etc/passwd"), errno.ENOTDIR),
    (lambda fs: fs.unlink("/etc"), errno.EISDIR),
    (lambda fs: fs.rmdir("/"), errno.EBUSY),
    (lambda fs: fs.rename("/etc", "/etc/below"), errno.EINVAL),
    (lambda fs: fs.readlink("/etc"), errno.EINVAL),
    (lambda fs: fs.open("/etc/passwd", "x"), errno.EEXIST),
    (lambda fs: fs.lookup(""), errno.ENOENT),
])
def test_errors_are_the_kernels(fs, call, code):
    with pytest.raises(OSError) as problem:
        call(fs)
    assert problem.value.errno == code


def test_links_and_relative_paths(fs):
    assert fs.realpath("/bin/../bin/./sh") == "/usr/bin/sh"
    fs.cwd = "/usr/bin"
    assert fs.realpath("../../etc") == "/etc" and fs.realpath("/../..") == "/"
    fs.symlink("/etc/passwd", "/tmp/p")
    fs.write("/tmp/p", b"new")
    assert fs.read("/etc/passwd") == b"new" and fs.islink("/tmp/p") and fs.readlink("/tmp/p") == "/etc/passwd"
    fs.link("/etc/passwd", "/tmp/hard")
    fs.append("/tmp/hard", b"!")
    assert fs.read("/etc/passwd") == b"new!" and fs.stat("/tmp/hard").nlink == 2
    fs.unlink("/etc/passwd")
    assert fs.read("/tmp/hard") == b"new!" and fs.stat("/tmp/hard").nlink == 1
    fs.symlink("nowhere", "/tmp/dangling")
    assert not fs.exists("/tmp/dangling") and fs.stat("/tmp/dangling", follow=False).size == 7
    fs.write("/tmp/dangling", b"made")
    assert fs.read("/tmp/nowhere") == b"made"


def test_rename_replaces_and_moves_trees(fs):
    fs.mkdir("/a/b/c", parents=True)
    fs.write("/a/b/f", b"1")
    fs.rename("/a/b", "/tmp/b")
    assert fs.read("/tmp/b/f") == b"1" and fs.listdir("/a") == []
    fs.write("/a/g", b"2")
    fs.rename("/a/g", "/tmp/b/f")
    assert fs.read("/tmp/b/f") == b"2" and not fs.exists("/a/g")


def test_other_users_are_held_to_permissions(fs):
    user = fs.view(uid=1000, gid=1000)
    for call in (lambda: user.read("/etc/secret"), lambda: user.write("/etc/x", b""), lambda: user.append("/etc/passwd", b"")):
        with pytest.raises(PermissionError):
            call()
    user.write("/tmp/mine", b"")
    assert fs.stat("/tmp/mine").uid == 1000 and fs.stat("/tmp/mine").mode & 0o777 == 0o644
    fs.write("/tmp/roots", b"")
    with pytest.raises(PermissionError):
        user.unlink("/tmp/roots")
    with pytest.raises(PermissionError):
        user.chmod("/etc/passwd", 0o777)
    assert user.access("/etc/passwd", 4) and not user.access("/etc/passwd", 2)


def test_mounts_are_shared_and_may_be_read_only(fs, image):
    volume = Directory({"key": File(b"value")})
    other = FileSystem(image)
    fs.mount("/data", volume)
    other.mount("/var/lib/data", volume, read_only=True)
    fs.write("/data/new", b"123")
    assert other.read("/var/lib/data/new") == b"123" and volume.usage() == 8
    with pytest.raises(OSError) as problem:
        other.write("/var/lib/data/new", b"")
    assert problem.value.errno == errno.EROFS
    with pytest.raises(OSError) as problem:
        fs.rename("/data/new", "/tmp/new")
    assert problem.value.errno == errno.EXDEV
    fs.mount("/etc/one", file := File(b"file"))
    fs.append("/etc/one", b"!")
    assert file.data == b"file!" and fs.usage() == 0
    fs.make_read_only()
    with pytest.raises(OSError) as problem:
        fs.write("/tmp/x", b"")
    assert problem.value.errno == errno.EROFS
    fs.write("/data/still", b"")


async def test_open_files_devices_and_computed_files(fs):
    fs.mknod("/dev-null", Device(lambda process: Null()))
    fs.mknod("/clock", DynamicFile(lambda: b"12:00\n"))
    fs.write("/dev-null", b"gone")
    assert await fs.open("/dev-null").read() == b"" and fs.read("/clock") == b"12:00\n"
    stream = fs.open("/tmp/log", "w+")
    stream.write(b"one\ntwo\n")
    stream.seek(0)
    assert await stream.readline() == b"one\n" and await stream.read() == b"two\n" and await stream.read() == b""
    with pytest.raises(OSError):
        fs.open("/tmp/log").write(b"x")


async def test_a_reader_can_wait_for_a_file_to_change(fs):
    fs.write("/tmp/log", b"")
    waiting = asyncio.ensure_future(fs.lookup("/tmp/log").changed())
    await asyncio.sleep(0)
    assert not waiting.done()
    fs.append("/tmp/log", b"line\n")
    await asyncio.wait_for(waiting, 1)

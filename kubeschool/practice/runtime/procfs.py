"""/proc, /dev and /sys of a container."""
import errno
import os
import time
from typing import TYPE_CHECKING

from .filesystem import Device, Directory, DynamicDirectory, DynamicFile, Node, Symlink
from .process import Process, ProcessTable
from .streams import Null, Stream

if TYPE_CHECKING:
    from .runtime import Machine

STATES = {"R": "running", "S": "sleeping", "T": "stopped", "Z": "zombie"}


class Zero(Null):
    """/dev/zero."""

    async def read(self, n: int = 65536) -> bytes:
        return bytes(n)


class Random(Null):
    """/dev/urandom."""

    async def read(self, n: int = 65536) -> bytes:
        return os.urandom(n)


class Full(Zero):
    """/dev/full."""

    def write(self, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def _tty(process: Process | None) -> Stream:
    if process is None or process.terminal is None:
        raise OSError(errno.ENXIO, "No such device or address")
    return process.terminal.dup()


def dev() -> Directory:
    return Directory({
        "null": Device(lambda _: Null()), "zero": Device(lambda _: Zero()), "full": Device(lambda _: Full()),
        "random": Device(lambda _: Random()), "urandom": Device(lambda _: Random()), "tty": Device(_tty),
        "fd": Symlink("/proc/self/fd"), "stdin": Symlink("/proc/self/fd/0"), "stdout": Symlink("/proc/self/fd/1"),
        "stderr": Symlink("/proc/self/fd/2"), "shm": Directory(mode=0o1777), "mqueue": Directory(mode=0o1777), "pts": Directory(),
    })


def proc(table: ProcessTable, machine: "Machine") -> Directory:
    def entries() -> dict[str, Node]:
        return {**{str(pid): _process(process, table) for pid, process in table.processes.items()}, **fixed}

    fixed = {
        "self": Symlink(lambda process: str(process.pid if process else 1)),
        "mounts": Symlink("self/mounts"),
        "uptime": DynamicFile(lambda: b"%.2f %.2f\n" % (machine.uptime, machine.uptime * machine.cpus * 0.97)),
        "loadavg": DynamicFile(lambda: b"0.08 0.11 0.09 1/%d %d\n" % (200 + len(table.processes), table.namespace.last_pid)),
        "version": DynamicFile(lambda: f"Linux version {machine.kernel} (practice) #1 SMP PREEMPT_DYNAMIC\n".encode()),
        "meminfo": DynamicFile(lambda: _meminfo(machine)),
        "cpuinfo": DynamicFile(lambda: b"".join(
            b"processor\t: %d\nvendor_id\t: practice\nmodel name\t: simulated CPU\n\n" % number for number in range(machine.cpus))),
        "filesystems": DynamicFile(lambda: b"nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n\text4\n"),
        "cmdline": DynamicFile(lambda: b"BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro\n"),
        "sys": Directory({"kernel": Directory({
            "hostname": DynamicFile(lambda: table.fs.read("/etc/hostname")),
            "osrelease": DynamicFile(lambda: machine.kernel.encode() + b"\n"),
            "ostype": DynamicFile(lambda: b"Linux\n"),
        })}),
    }
    return DynamicDirectory(entries)


def _meminfo(machine: "Machine") -> bytes:
    total = machine.memory >> 10
    free = total - (machine.memory_in_use() >> 10)
    values = {"MemTotal": total, "MemFree": free, "MemAvailable": free, "Buffers": 0, "Cached": 0, "SwapTotal": 0, "SwapFree": 0}
    return "".join(f"{name + ':':16}{kilobytes:8} kB\n" for name, kilobytes in values.items()).encode()


def _process(process: Process, table: ProcessTable) -> Directory:
    """As a process of `table` sees it: another container's root leads to its files, without its volumes."""
    def link(stream: Stream) -> Device:
        return Device(lambda _: stream.dup())

    def status() -> bytes:
        ids = "".join(f"{name}\t{n}\t{n}\t{n}\t{n}\n" for name, n in (("Uid:", process.uid), ("Gid:", process.gid)))
        return (f"Name:\t{process.name}\nUmask:\t{process.fs.umask:04o}\nState:\t{process.state} ({STATES[process.state]})\n"
                f"Tgid:\t{process.pid}\nPid:\t{process.pid}\nPPid:\t{process.ppid}\n{ids}VmRSS:\t{process.memory >> 10:8} kB\n"
                f"Threads:\t1\n").encode()

    def statistics() -> bytes:
        ticks = int(process.cpu_seconds * 100)
        started = max(0, int((time.time() - process.started.timestamp()) * 100))
        return (f"{process.pid} ({process.name}) {process.state} {process.ppid} {process.pid} {process.pid} 0 -1 0 0 0 0 0 {ticks} 0 0 0 "
                f"20 0 1 0 {started} {process.memory} {process.memory >> 12}\n").encode()

    return Directory({
        "cmdline": DynamicFile(lambda: b"".join(word.encode() + b"\0" for word in process.argv) if process.exit_code is None else b""),
        "comm": DynamicFile(lambda: process.name.encode() + b"\n"),
        "environ": DynamicFile(lambda: b"".join(f"{key}={value}\0".encode() for key, value in process.env.items()), 0o400),
        "status": DynamicFile(status),
        "stat": DynamicFile(statistics),
        "mounts": DynamicFile(lambda: mounts(process)),
        "cwd": Symlink(process.cwd), "root": Symlink("/") if process.table is table else process.table.fs.root,
        "fd": Directory({str(number): link(stream) for number, stream in process.fds.items()}, mode=0o500),
    }, mode=0o555, uid=process.uid, gid=process.gid)


def mounts(process: Process) -> bytes:
    """/proc/mounts: device, mount point, type, options."""
    lines = []
    for path, mount in process.fs.mounts.items():
        device = "/dev/vda1" if mount.kind == "ext4" else mount.kind
        lines.append(f"{device} {path} {mount.kind} {'ro' if mount.read_only else 'rw'},relatime 0 0")
    return "\n".join(lines).encode() + b"\n"

"""Processes, signals, pipes and terminals."""
import asyncio
import errno
import math

import pytest

from kubeschool.practice.clock import Clock
from kubeschool.practice.runtime.filesystem import Directory, File, FileSystem
from kubeschool.practice.runtime.process import SIGCHLD, SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, SIGWINCH, ProcessTable
from kubeschool.practice.runtime.streams import PIPE_SIZE, Pipe, Terminal


async def cat(process):
    while data := await process.stdin.read():
        process.stdout.write(data)
        await process.stdout.drain()
    return 0


async def echo(process):
    process.stdout.write(" ".join(process.argv[1:]).encode() + b"\n")
    return 0


async def yes(process):
    while True:
        process.stdout.write(b"y\n" * 1000)
        await process.stdout.drain()


async def sleep(process):
    await process.sleep(float(process.argv[1]))
    return 0


async def crash(process):
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")


PROGRAMS = {"cat": cat, "echo": echo, "yes": yes, "sleep": sleep, "crash": crash}


@pytest.fixture
def table():
    files = {name: File(b"", 0o755, program=program) for name, program in PROGRAMS.items()}
    files |= {"hello": File(b"#!/bin/echo hello from\n", 0o755), "data": File(b"", 0o644), "text": File(b"text", 0o755)}
    return ProcessTable(FileSystem(Directory({"bin": Directory(files), "tmp": Directory()})), Clock(100))


async def run(table, program, **streams):
    """A program as PID 1: (exit code, what it wrote)."""
    output = Pipe()
    process = table.start(["init"], program=program, stdout=output, **streams)
    text = await asyncio.wait_for(output.read_all(), 5)
    return await process.wait(), text


async def test_pipelines_end_when_their_writer_ends(table):
    async def init(process):
        first, second = Pipe(), Pipe()
        process.spawn(["echo", "a", "b"], stdout=first)
        process.spawn(["cat"], stdin=first, stdout=second)
        last = process.spawn(["cat"], stdin=second)
        return await last.wait()
    assert await run(table, init) == (0, b"a b\n")


async def test_a_writer_whose_reader_has_gone_dies_of_sigpipe(table):
    async def init(process):
        pipe = Pipe()
        writer = process.spawn(["yes"], stdout=pipe)
        await pipe.reader.read(10)
        pipe.reader.close()
        return await writer.wait()
    assert await run(table, init) == (141, b"")


async def test_a_pipe_is_bounded():
    pipe = Pipe()
    pipe.write(b"x" * (PIPE_SIZE + 1))
    waiting = asyncio.ensure_future(pipe.drain())
    await asyncio.sleep(0)
    assert not waiting.done()
    await pipe.read(10)
    await asyncio.wait_for(waiting, 5)


async def test_exec_semantics(table):
    async def init(process):
        refused = {"nope": FileNotFoundError, "/bin/data": PermissionError, "/tmp": PermissionError, "text": OSError}
        for name, kind in refused.items():
            with pytest.raises(kind):
                process.spawn([name])
        await process.spawn(["hello", "x"]).wait()
        child = process.spawn(["echo", "-"], env={"PATH": "/bin"}, cwd="/tmp")
        assert (child.cwd, child.env, child.pid, child.ppid) == ("/tmp", {"PATH": "/bin"}, process.pid + 2, process.pid)
        await child.wait()
        process.exec(["echo", "same pid", str(process.pid)])
    assert await run(table, init) == (0, b"hello from /bin/hello x\n-\nsame pid 1\n")


async def test_exit_codes(table):
    async def init(process):
        quiet = Pipe()
        codes = [await process.spawn(["x"], program=one, stderr=quiet.writer.dup()).wait()
                 for one in (crash, echo, lambda p: p.exit(300) or echo(p))]
        process.stdout.write(await quiet.read())
        return 256 + sum(codes)
    assert await run(table, init) == (1 + 0 + 44, b"\n" + b"x: No such file or directory\n")


async def test_pid_1_ignores_what_it_does_not_handle(table):
    process = table.start(["sleep", "1000"])
    await asyncio.sleep(0)
    for number in (SIGTERM, SIGINT, SIGKILL):
        process.signal(number)
    process.signal(SIGTERM, outside=True)
    assert process.exit_code is None
    process.signal(SIGKILL, outside=True)
    assert await process.wait() == 137 and process.killed_by == SIGKILL and table.processes == {}


async def test_children_die_of_signals_and_with_pid_1(table):
    async def init(process):
        child = process.spawn(["sleep", "1000"])
        child.signal(SIGTERM)
        assert await child.wait() == 143
        process.spawn(["sleep", "1000"]).spawn(["sleep", "1000"])
        return 0
    assert await run(table, init) == (0, b"") and table.processes == {}


async def test_handlers_end_a_sleep(table):
    seen = []

    async def init(process):
        process.on_signal(SIGTERM, seen.append)
        left = await process.sleep(math.inf)
        assert left > 0
        process.on_signal(SIGTERM, "ignore")
        child = process.spawn(["sleep", "0.01"])
        child.signal(SIGTERM)
        return 7 + await child.wait()
    process = table.start(["init"], program=init)
    await asyncio.sleep(0)
    process.signal(SIGTERM, outside=True)
    assert await asyncio.wait_for(process.wait(), 5) == 7 and seen == [SIGTERM]


async def test_stopped_processes_do_nothing_until_continued(table):
    async def init(process):
        pipe = Pipe()
        child = process.spawn(["cat"], stdin=pipe)
        await asyncio.sleep(0)
        child.signal(SIGSTOP)
        pipe.write(b"held\n")
        pipe.close()
        await asyncio.sleep(0.01)
        process.stdout.write(child.state.encode() + b"\n")
        child.signal(SIGCONT)
        return await child.wait()
    assert await run(table, init) == (0, b"T\nheld\n")


async def test_zombies_stay_until_waited_for_and_orphans_are_reaped(table):
    async def init(process):
        ended = asyncio.Event()
        process.on_signal(SIGCHLD, lambda n: ended.set())
        zombie = process.spawn(["echo"])
        await ended.wait()
        assert (zombie.state, table.processes[zombie.pid]) == ("Z", zombie)
        await zombie.wait()
        assert zombie.pid not in table.processes

        async def parent(middle):
            middle.spawn(["sleep", "0.1"])
            return 0
        await process.spawn(["parent"], program=parent).wait()
        orphan = next(one for one in table.processes.values() if one.pid != 1)
        assert orphan.ppid == 1
        await orphan.wait()
        return len(table.processes)
    assert await run(table, init) == (1, b"\n")


async def test_memory_over_the_limit_kills_the_container(table):
    table.memory_limit = 10 << 20

    async def init(process):
        process.memory = 5 << 20
        await process.sleep(0.1)
        process.spawn(["sleep", "10"]).memory = 8 << 20
        await process.sleep(1000)
    assert await run(table, init) == (137, b"") and table.oom_killed


async def test_endless_writers_leave_room_for_others(table):
    process = table.start(["yes"])
    await asyncio.wait_for(asyncio.sleep(0.01), 5)
    process.signal(SIGKILL, outside=True)
    assert await process.wait() == 137


async def test_a_terminal_edits_lines_and_signals_the_foreground(table):
    screen = bytearray()
    terminal = Terminal(screen.extend, rows=30, columns=90)
    sizes = []

    async def init(process):
        process.on_signal(SIGINT, lambda n: process.stdout.write(b"caught\n"))
        process.on_signal(SIGWINCH, lambda n: sizes.append((terminal.rows, terminal.columns)))
        while line := await process.stdin.read():
            process.stdout.write(b"[" + line.strip() + b"]\n")
        return 3
    process = table.start(["init"], program=init, terminal=terminal)
    await asyncio.sleep(0)
    for typed in ("hellö\x7fo wurld\x17world\r".encode(), b"junk\x15ok\r", b"lost\x03", b"\x04"):
        terminal.type_in(typed)
        for _ in range(4):
            await asyncio.sleep(0)
    terminal.resize(40, 100)
    assert await asyncio.wait_for(process.wait(), 5) == 3
    shown = bytes(screen)
    assert b"[hello world]\r\n" in shown and b"[ok]\r\n" in shown and b"lost^Ccaught\r\n" in shown
    assert sizes in ([], [(40, 100)])


async def test_a_hung_up_terminal_ends_its_processes(table):
    terminal = Terminal()

    async def init(process):
        child = process.spawn(["cat"])
        return await child.wait()
    process = table.start(["init"], program=init, terminal=terminal)
    await asyncio.sleep(0)
    terminal.hang_up()
    assert await asyncio.wait_for(process.wait(), 5) in (0, 129)

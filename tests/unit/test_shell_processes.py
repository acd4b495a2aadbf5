"""What only a container shows: PID 1 and signals, process trees, cluster time, CPU, and fairness to the rest of the cluster."""
import asyncio
import time

import pytest
from shell_harness import container, run, start

from kubeschool.practice.runtime.process import SIGINT, SIGKILL, SIGTERM


async def line(pipe) -> str:
    async with asyncio.timeout(5):
        return (await pipe.readline()).decode()


@pytest.fixture
def table():
    table = container(speed=100)
    yield table
    table.kill_all()


async def test_pid_1_without_a_trap_ignores_sigterm(table):
    process, out, _ = start(table, ["sh", "-c", "echo hi; sleep 1000000"])
    assert await line(out) == "hi\n"
    process.signal(SIGTERM, outside=True)
    await asyncio.sleep(0.02)
    assert process.exit_code is None
    process.signal(SIGKILL, outside=True)
    assert await process.wait() == 137


async def test_pid_1_with_a_trap_ends_when_its_child_does(table):
    process, out, _ = start(table, ["sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 1; done"])
    assert await line(out) == "ready\n"
    process.signal(SIGTERM, outside=True)
    assert await line(out) == "bye\n"
    assert await process.wait() == 0


async def test_wait_is_interrupted_by_a_trap(table):
    process, out, _ = start(table, ["sh", "-c", "trap 'echo got' USR1; sleep 1000000 & echo ready; wait; echo $?"])
    assert await line(out) == "ready\n"
    process.signal(10, outside=True)
    assert (await line(out), await line(out)) == ("got\n", "138\n")


async def test_the_last_command_takes_the_shells_place(table):
    process, out, _ = start(table, ["sh", "-c", "echo go; sleep 1000000"])
    await line(out)
    await asyncio.sleep(0.01)
    assert process.argv == ["sleep", "1000000"] and list(table.processes) == [1]


async def test_a_trap_keeps_the_shell(table):
    process, out, _ = start(table, ["sh", "-c", "trap : TERM; echo go; sleep 1000000"])
    await line(out)
    await asyncio.sleep(0.01)
    assert process.argv[0] == "sh" and len(table.processes) == 2


async def test_exec_keeps_the_pid(table):
    process, _, _ = start(table, ["sh", "-c", "x=1; exec sleep 1000000; echo no"])
    await asyncio.sleep(0.01)
    assert process.argv == ["sleep", "1000000"] and process.pid == 1


async def test_not_pid_1_dies_of_sigterm(table):
    start(table, ["sleep", "1000000"])
    process, out, _ = start(table, ["sh", "-c", "echo hi; sleep 1000000; :"])
    await line(out)
    process.signal(SIGTERM)
    assert await process.wait() == 143


async def test_ps_shows_the_tree():
    output, _, _ = await run("sleep 100 & ps -o pid,ppid,args; kill $!")
    rows = [row.split(None, 2) for row in output.splitlines()[1:]]
    assert [row[1:] for row in rows] == [["0", rows[0][2]], ["1", "sleep 100"], ["1", "ps -o pid,ppid,args"]]


async def test_orphans_go_to_pid_1_and_are_reaped(table):
    process, out, _ = start(table, ["sh", "-c", "(sleep 5 & echo $!); echo ready; while :; do sleep 1; done"])
    orphan = int(await line(out))
    assert await line(out) == "ready\n"
    assert table.processes[orphan].parent is process
    async with asyncio.timeout(5):
        while orphan in table.processes:
            await asyncio.sleep(0.01)


async def test_sleep_is_in_cluster_time(table):
    process, _, _ = start(table, ["sh", "-c", "sleep 10"])
    started = time.monotonic()
    assert await process.wait() == 0
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("script", ["while :; do :; done", "yes >/dev/null", "until false; do x=$((x+1)); done", "cat /dev/zero >/dev/null",
                                    "awk 'BEGIN {while (1) x++}'", "seq 1000000000 >/dev/null", "f() { while :; do :; done; }; f",
                                    "echo x | sed ':a;s/x/x/;ta'", "dd if=/dev/zero of=/dev/null", "while :; do true; done"])
async def test_busy_programs_let_others_run(table, script):
    process, _, _ = start(table, ["sh", "-c", script])
    async with asyncio.timeout(20):  # ends only if the event loop is let go, and the loop shows as using a CPU
        while sum(other.cpu for other in table.processes.values()) < 1:
            await asyncio.sleep(0.002)
    assert process.exit_code is None
    process.signal(SIGKILL, outside=True)
    assert await process.wait() == 137


async def test_an_idle_loop_uses_no_cpu(table):
    process, _, _ = start(table, ["sh", "-c", "while :; do sleep 5; done"])
    await asyncio.sleep(0.1)
    assert process.cpu == 0


async def test_tail_f_follows(table):
    start(table, ["sleep", "1000000"])
    _, out, _ = start(table, ["sh", "-c", "echo one >log; tail -f log"])
    assert await line(out) == "one\n"
    _writer, _, _ = start(table, ["sh", "-c", "echo two >>log; echo three >>log"])
    assert (await line(out), await line(out)) == ("two\n", "three\n")


async def test_a_stopped_reader_stops_the_writer(table):
    process, out, _ = start(table, ["sh", "-c", "yes"])
    await line(out)
    await asyncio.sleep(0.01)
    assert len(out.buffer) < 1 << 20
    out.reader.close()
    assert await process.wait() == 141


async def test_sigint_reaches_the_whole_pipeline(table):
    start(table, ["sleep", "1000000"])
    process, _, _ = start(table, ["sh", "-c", "sleep 100000 | cat; echo no"])
    await asyncio.sleep(0.01)
    for member in list(process.group):
        member.signal(SIGINT)
    assert await process.wait() == 130
    assert len(table.processes) == 1


async def test_a_line_without_end_takes_the_containers_memory(table):
    table.memory_limit = 1 << 20
    _, _, status = await run(["tail", "/dev/zero"], table=table)
    assert status == 137 and table.oom_killed

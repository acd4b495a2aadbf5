"""Our sh and commands against busybox: the same scripts, the same stdout, stderr and exit status.

The scripts named `posix TOPIC: …` follow the POSIX half of the test list of the shell yash (github.com/magicant/yash, tests/*-p.tst: a
file a topic, POSIX.1 XCU chapter 2, "Shell Command Language", taken apart): its topics, our own scripts. What needs a terminal or job
control (bg, fg, stopped jobs, settty) is in test_shell_interactive.py.
"""
import asyncio

import pytest
from shell_harness import Result, busybox, expected, run, run_busybox, scripts

SCRIPTS = scripts()
YASH_POSIX_TOPICS = """
alias andor arith async break builtins case cd cmdsub command comment continue dot errexit error eval exec exit export fnmatch for fsplit
function getopts grouping if input job kill lineno nop option param path pipeline ppid quote read readonly redir return set shift signal
simple startup test tilde times trap umask unset until wait while
"""


async def run_all() -> dict[str, Result]:
    results: dict[str, Result] = {}
    limit = asyncio.Semaphore(8)

    async def one(name: str) -> None:
        async with limit:
            results[name] = await run(SCRIPTS[name])

    await asyncio.gather(*map(one, SCRIPTS))
    return results


def differences(got: dict[str, Result], wanted: dict[str, Result]) -> list[str]:
    return [f"{name}: {SCRIPTS[name]!r}\n  busybox {wanted.get(name)}\n  ours    {got[name]}" for name in SCRIPTS
            if got[name] != wanted.get(name)]


async def test_scripts_give_what_busybox_gave():
    assert not (wrong := differences(await run_all(), expected())), "\n".join(wrong)


def test_there_are_enough_scripts_and_each_is_recorded():
    assert len(SCRIPTS) >= 300
    assert SCRIPTS.keys() == expected().keys()
    assert {name.split()[1].rstrip(":") for name in SCRIPTS if name.startswith("posix ")} == set(YASH_POSIX_TOPICS.split())


@pytest.mark.slow
@pytest.mark.skipif(not busybox(), reason="no busybox on PATH: only its recorded results (shell_expected.json) were compared")
async def test_scripts_give_what_this_busybox_gives():
    limit = asyncio.Semaphore(4)

    async def one(name: str) -> tuple[str, Result]:
        async with limit:
            return name, await asyncio.to_thread(run_busybox, SCRIPTS[name])

    ours, real = await run_all(), {}
    for _ in range(5):  # whether it says "Terminated" of a job that ends just now, busybox leaves to chance
        real |= await asyncio.gather(*(one(name) for name in SCRIPTS if ours[name] != real.get(name)))
    assert not (wrong := differences(ours, real)), "\n".join(wrong)

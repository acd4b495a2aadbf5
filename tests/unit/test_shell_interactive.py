"""An interactive shell on a terminal, as `kubectl exec -it` gives it; what a learner types and sees."""
import asyncio

import pytest
from shell_harness import container

from kubeschool.practice.runtime.streams import Terminal

UP, DOWN, RIGHT, LEFT, HOME, END, DELETE = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~"


class Session:
    """A shell on a terminal."""

    def __init__(self, argv: list[str] = ("sh",), speed: float = 100):
        self.shown, self._changed = "", asyncio.Event()
        self.terminal = Terminal(self._show)
        self.table = container(speed)
        self.table.start(["sleep", "1000000"], {"PATH": "/bin"})  # PID 1, so that the shell is killed like any other process
        self.process = self.table.start(list(argv), {"PATH": "/bin", "HOME": "/root"}, cwd="/", terminal=self.terminal)

    def _show(self, data: bytes) -> None:
        self.shown += data.decode().replace("\r\n", "\n")
        self._changed.set()

    async def until(self, text: str) -> str:
        """What was shown up to and with `text`; forgets it."""
        async with asyncio.timeout(5):
            while text not in self.shown:
                self._changed.clear()
                await self._changed.wait()
        seen, _, self.shown = self.shown.partition(text)
        return seen + text

    async def type(self, keys: str, until: str = "/ # ") -> str:
        self.terminal.type_in(keys.encode())
        return await self.until(until)

    async def end(self, keys: str = "") -> int:
        self.terminal.type_in(keys.encode())
        async with asyncio.timeout(5):
            return await self.process.wait()


@pytest.fixture
async def session():
    session = Session()
    await session.until("/ # ")
    yield session
    session.table.kill_all()


async def test_a_command_and_the_next_prompt(session):
    assert await session.type("echo hi\r") == "echo hi\nhi\n/ # "


async def test_exit_gives_its_status(session):
    assert await session.end("exit 3\r") == 3


async def test_control_d_ends_with_the_last_status(session):
    await session.type("false\r")
    assert await session.end("\x04") == 1


async def test_control_c_while_typing_gives_a_new_prompt(session):
    assert await session.type("half a line\x03") == "half a line^C\n/ # "
    assert await session.type("echo $?\r") == "echo $?\n130\n/ # "


async def test_control_c_ends_the_foreground_command_only(session):
    session.terminal.type_in(b"sleep 100000; echo not reached\r")
    await session.until("sleep 100000; echo not reached\n")
    assert await session.type("\x03") == "^C\n/ # "
    assert await session.type("echo $?\r") == "echo $?\n130\n/ # "


async def test_control_c_ends_a_busy_loop(session):
    session.terminal.type_in(b"while :; do :; done\r")
    await session.until("done\n")
    assert await session.type("\x03") == "^C\n/ # "


async def test_control_c_ends_read_and_wait(session):
    for command in ("read x", "sleep 100000 & wait"):
        session.terminal.type_in(command.encode() + b"\r")
        await session.until(command + "\n")
        assert (await session.type("\x03")).endswith("^C\n/ # ")


@pytest.mark.parametrize("keys, line", [
    ("ecoh" + "\x7f\x7f" + "ho hi", "echo hi"),
    ("cho hi" + HOME + "e", "echo hi"),
    ("echo hXi" + LEFT * 2 + DELETE + END + "!", "echo hi!"),
    ("echo one two" + "\x17" + "three", "echo one three"),
    ("wrong" + "\x15" + "echo right", "echo right"),
    ("echo kept cut" + "\x1b[1;5D" + "\x0b", "echo kept "),
    ("echo b" + LEFT + "a" + RIGHT + "c", "echo abc"),
    ("echo é" + LEFT + "\x7f" + " ü", "echo  üé"),
])
async def test_line_editing(session, keys, line):
    session.terminal.type_in(keys.encode())
    output = await session.type("\r")
    assert output.endswith(f"\n{line.removeprefix('echo ').strip()}\n/ # ")


async def test_history_goes_up_and_down(session):
    await session.type("echo first\r")
    await session.type("echo second\r")
    assert (await session.type(UP + UP + "\r")).endswith("\nfirst\n/ # ")
    assert (await session.type("echo typed" + UP + UP + DOWN + DOWN + "\r")).endswith("\ntyped\n/ # ")


async def test_tab_completes_paths_and_commands(session):
    assert "\n/etc/passwd\n" in await session.type("ls /etc/pas\t\r")
    assert "which" in await session.type("wh\t", until="whoami")
    await session.type("\x15\r")
    await session.type("mkdir '/tmp/two words'\r")
    assert "two\\ words/" in await session.type("ls -d /tmp/two\t\r", until="words/\n")


async def test_control_l_clears(session):
    assert await session.type("half\x0c", until="\x1b[H\x1b[J/ # half")


async def test_open_commands_continue_on_the_next_line(session):
    assert await session.type("for i in 1 2\r", until="> ")
    assert await session.type("do echo $i\r", until="> ")
    assert await session.type("done\r") == "done\n1\n2\n/ # "
    await session.type("cat <<E\r", until="> ")
    await session.type("doc\r", until="> ")
    assert await session.type("E\r") == "E\ndoc\n/ # "
    await session.type('echo "a\r', until="> ")
    assert await session.type('b"\r') == 'b"\na\nb\n/ # '


async def test_errors_do_not_end_the_shell(session):
    assert "sh: syntax error: unexpected \"fi\"" in await session.type("fi\r")
    assert "sh: nosuch: not found" in await session.type("nosuch\r")
    assert "sh: cd: can't cd to /nosuch: No such file or directory" in await session.type("cd /nosuch\r")
    assert "sh: x: parameter not set" in await session.type("echo ${x?}\r")
    assert "sh: can't open nosuch: no such file" in await session.type(": <nosuch\r")
    assert await session.type("echo alive\r") == "echo alive\nalive\n/ # "


async def test_prompt_shows_the_directory(session):
    assert await session.type("cd /tmp/work\r", until="/tmp/work # ")
    assert await session.type("cd\r", until="~ # ")


async def test_background_jobs_are_announced(session):
    assert await session.type("sleep 100000 &\r") == "sleep 100000 &\n[1] 3\n/ # "
    assert "[1]+  Running                    sleep 100000" in await session.type("jobs\r")
    assert "Terminated                 sleep 100000" in await session.type("kill %1\r") + await session.type("\r")


async def test_control_z_stops_and_fg_goes_on(session):
    session.terminal.type_in(b"sleep 100000\r")
    await session.until("sleep 100000\n")
    assert "[1]+  Stopped                    sleep 100000" in await session.type("\x1a")
    session.terminal.type_in(b"fg\r")
    await session.until("fg\nsleep 100000\n")
    assert await session.type("\x03") == "^C\n/ # "


async def test_programs_read_the_terminal(session):
    session.terminal.type_in(b"cat\r")
    await session.until("cat\n")
    assert await session.type("line\r", until="line\nline\n")
    await session.type("\x04")
    session.terminal.type_in(b"read x\r")
    await session.until("read x\n")
    await session.type("value\r")
    assert await session.type("echo $x\r") == "echo $x\nvalue\n/ # "


async def test_ls_fits_the_terminal(session):
    assert await session.type("ls -d /tmp /root /etc\r") == "ls -d /tmp /root /etc\n/etc   /root  /tmp\n/ # "


async def test_hang_up_ends_the_shell(session):
    session.terminal.hang_up()
    assert await session.end() == 129


async def test_script_on_a_terminal_dies_of_control_c():
    session = Session(["sh", "-c", "echo started; sleep 100000; echo no"])
    await session.until("started\n")
    assert await session.end("\x03") == 130
    session.table.kill_all()

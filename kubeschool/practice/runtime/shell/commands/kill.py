"""kill, killall, pkill, pgrep, pidof."""
import re

from ...process import SIGNALS
from ._applet import COMMANDS, applet, complain, put

NAMES = {number: name for name, number in SIGNALS.items()}


def signal_number(word: str) -> int | None:
    if word.isdigit():
        return int(word) if int(word) < 65 else None
    name = word.upper().removeprefix("SIG")
    return 0 if name == "EXIT" else SIGNALS.get(name)


async def kill(process) -> int:
    words, number = process.argv[1:], SIGNALS["TERM"]
    if words and words[0] == "-l":
        return await list_signals(process, words[1:])
    if words and words[0] == "-s" and len(words) > 1:
        words = ["-" + words[1], *words[2:]]
    if words and len(words[0]) > 1 and words[0][0] == "-" and words[0] != "--":
        number = signal_number(words[0][1:])
        if number is None:
            await complain(process, f"bad signal name '{words[0][1:]}'")
            return 1
        words = words[1:]
    if words and words[0] == "--":
        words = words[1:]
    if not words:
        await complain(process, "you need to specify whom to kill")
        return 1
    status = 0
    for word in words:
        if not re.fullmatch(r"-?\d+", word):
            await complain(process, f"invalid number '{word}'")
            status = 1
        elif problem := send(process, int(word), number):
            await complain(process, f"can't kill pid {word}: {problem}")
            status = 1
    return status


def send(process, pid: int, number: int) -> str | None:
    """kill(2): what went wrong, or None. -1: everybody but PID 1 and the sender; 0 and -N: a process group."""
    table = process.table.processes
    if pid == -1:
        targets = [other for other in table.values() if other.pid not in (1, process.pid)]
    elif pid <= 0:
        leader = table.get(-pid) if pid else table.get(process.pid)
        targets = list(leader.group) if leader else []
    else:
        targets = [table[pid]] if pid in table else []
    if not targets:
        return "No such process"
    allowed = [target for target in targets if process.uid in (0, target.uid)]
    if not allowed:
        return "Operation not permitted"
    if number:
        for target in allowed:
            target.signal(number)
    return None


async def list_signals(process, words: list[str]) -> int:
    if not words:
        for number, name in sorted(NAMES.items()):
            await put(process, f"{number:2}) {name}\n")
        return 0
    for word in words:
        if word.isdigit():
            number = int(word) & 127
            await put(process, f"{NAMES.get(number, number)}\n")
        else:
            number = signal_number(word)
            if number is None:
                await complain(process, f"unknown signal '{word}'")
                return 1
            await put(process, f"{number}\n")
    return 0


COMMANDS["kill"] = kill


async def killall(process) -> int:
    words, number, quiet = process.argv[1:], SIGNALS["TERM"], False
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "-q":
            quiet = True
        elif word == "-l":
            return await list_signals(process, words)
        elif (number := signal_number(word[1:])) is None:
            await complain(process, f"bad signal name '{word[1:]}'")
            return 1
    if not words:
        await complain(process, "you need to specify whom to kill")
        return 1
    status = 0
    for name in words:
        targets = [other for other in process.table.processes.values() if other.name == name and other is not process]
        for target in targets:
            target.signal(number)
        if not targets:
            status = 1
            if not quiet:
                await complain(process, f"{name}: no process killed")
    return status


COMMANDS["killall"] = killall


@applet("pidof", "[NAME]...", "so:")
async def pidof(process, options, arguments):
    found = [str(other.pid) for other in reversed(process.table.processes.values()) if other.name in arguments]
    if found:
        await put(process, " ".join(found[:1] if options["s"] else found) + "\n")
    return int(not found)


@applet("pgrep pkill", "[-flanovx] [PATTERN]", "flanovx0123456789s:P:u:")
async def pgrep(process, options, arguments):
    killing = process.name == "pkill"
    found = False
    for other in list(process.table.processes.values()):
        text = " ".join(other.argv) if options["f"] else other.name
        if other is process or not arguments or not re.search(arguments[0], text):
            continue
        found = True
        if killing:
            number = next((int(key) for key in options if key.isdigit()), SIGNALS["TERM"])
            other.signal(number)
        else:
            title = " " + " ".join(other.argv) if options["a"] else " " + other.name if options["l"] else ""
            await put(process, f"{other.pid}{title}\n")
    return int(not found)

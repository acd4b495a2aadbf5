"""busybox: `busybox ls …`, `busybox --list`, and what it is without arguments."""
from ._applet import COMMANDS, VERSION, put


async def busybox(process) -> int:
    words = process.argv[1:]
    names = sorted({*COMMANDS, "ash", "sh"} - {"curl"})
    if words[:1] == ["--list"]:
        await put(process, "".join(f"{name}\n" for name in names))
        return 0
    if not words or words[0] == "--help":
        await put(process, f"{VERSION}\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n\n"
                           f"Currently defined functions:\n\t{', '.join(names)}\n")
        return 0
    if words[0] not in names:
        await put(process, f"{words[0]}: applet not found\n", 2)
        return 127
    process.exec(words)


COMMANDS["busybox"] = busybox

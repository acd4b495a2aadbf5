"""stty: size, -a, raw, cooked, echo."""
from ._applet import COMMANDS, complain, put


async def stty(process) -> int:
    terminal = process.stdin.terminal if process.stdin.isatty() else None
    if terminal is None:
        await complain(process, "standard input: Inappropriate ioctl for device")
        return 1
    words = process.argv[1:]
    if not words:
        await put(process, "speed 38400 baud; line = 0;\n" + ("-echo\n" if not terminal.echo else ""))
    for word in words:
        match word:
            case "size":
                await put(process, f"{terminal.rows} {terminal.columns}\n")
            case "-a":
                await put(process, f"speed 38400 baud; rows {terminal.rows}; columns {terminal.columns};\n"
                                          f"{'-' if terminal.raw else ''}icanon {'' if terminal.echo else '-'}echo\n")
            case "raw" | "-icanon":
                terminal.raw = True
            case "cooked" | "-raw" | "icanon" | "sane":
                terminal.raw = False
                terminal.echo = terminal.echo or word == "sane"
            case "echo" | "-echo":
                terminal.echo = word == "echo"
            case _:
                await complain(process, f"invalid argument '{word}'")
                return 1
    return 0


COMMANDS["stty"] = stty

"""ps (its options are accepted and, as in busybox, mostly ignored)."""
from ._applet import COMMANDS, Failure, complain, put, user_names

COLUMNS = {"pid": ("PID", 5), "ppid": ("PPID", 5), "user": ("USER", 8), "group": ("GROUP", 8), "comm": ("COMMAND", 16), "args": ("COMMAND",
                                                                                                                                 0),
           "cmd": ("COMMAND", 0), "time": ("TIME", 6), "etime": ("ELAPSED", 7), "stat": ("STAT", 4), "vsz": ("VSZ", 4), "rss": ("RSS", 4),
           "pgid": ("PGID", 5), "tty": ("TT", 6), "nice": ("NI", 5)}


def minutes(seconds: float) -> str:
    seconds = int(seconds)
    return f"{seconds // 60}:{seconds % 60:02}"


def size(kilobytes: int) -> str:
    return str(kilobytes) if kilobytes < 10000 else f"{kilobytes >> 10}m"


def title(process) -> str:
    return f"[{process.name}]" if process.exit_code is not None else " ".join(process.argv)


def value(process, column: str, users: dict[int, str]) -> str:
    match column:
        case "pid":
            return str(process.pid)
        case "ppid":
            return str(process.ppid)
        case "user":
            return users.get(process.uid, str(process.uid))
        case "group":
            return str(process.gid)
        case "comm":
            return process.name
        case "args" | "cmd":
            return title(process)
        case "time":
            return minutes(process.cpu_seconds)
        case "etime":
            from ....clock import now
            return minutes((now() - process.started).total_seconds())
        case "stat":
            return process.state
        case "vsz" | "rss":
            return size(process.memory >> 10)
        case "pgid":
            return str(min((member.pid for member in process.group), default=process.pid))
        case "tty":
            return "136,0" if process.terminal else "?"
    return "0"


async def ps(process) -> int:
    words = process.argv[1:]
    columns = ["pid", "user", "time", "args"]
    for index, word in enumerate(words):
        if word.startswith("-o"):
            chosen = word[2:] or (words[index + 1] if index + 1 < len(words) else "")
            columns = chosen.replace(" ", ",").split(",")
    for column in columns:
        if column.partition("=")[0] not in COLUMNS:
            raise_bad(column)
    headers = {column.partition("=")[0]: (column.partition("=")[2] if "=" in column else COLUMNS[column][0]) for column in columns}
    users = user_names(process)

    def line(cells: dict[str, str]) -> str:
        out = []
        for index, (column, text) in enumerate(cells.items()):
            wide = 0 if index == len(cells) - 1 else COLUMNS[column][1]
            out.append(text.rjust(wide) if column in ("pid", "ppid", "pgid") and text.isdigit() else text.ljust(wide))
        return " ".join(out)

    width = process.terminal.columns if process.terminal and process.stdout.isatty() else 10 ** 6
    if any(headers.values()):
        await put(process, line(headers) + "\n")
    for other in sorted(process.table.processes.values(), key=lambda other: other.pid):
        await put(process, line({column: value(other, column, users) for column in headers})[:width] + "\n")
    return 0


def raise_bad(column: str):
    raise Failure(f"bad -o argument '{column}', supported arguments: {','.join(COLUMNS)}")


async def main(process) -> int:
    try:
        return await ps(process)
    except Failure as failure:
        await complain(process, str(failure))
        return 1


COMMANDS["ps"] = main

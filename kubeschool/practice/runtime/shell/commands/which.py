"""which, pwd, tty, sync, dmesg, clear, vi: one-liners of a session."""
from ._applet import COMMANDS, Failure, applet, put


@applet("which", "[-a] COMMAND...", "a")
async def which(process, options, arguments):
    status = 0
    for name in arguments:
        folders = [""] if "/" in name else process.env.get("PATH", "/sbin:/usr/sbin:/bin:/usr/bin").split(":")
        found = [path for folder in folders if process.fs.isfile(path := f"{folder}/{name}" if folder else name) and process.fs.access(path,
                                                                                                                                       1)]
        for path in found if options["a"] else found[:1]:
            await put(process, path + "\n")
        status |= not found
    return int(status)


@applet("pwd", "[-LP]", "LP")
async def pwd(process, options, arguments):
    await put(process, process.cwd + "\n")


@applet("tty", "[-s]", "s")
async def tty(process, options, arguments):
    is_terminal = process.stdin.isatty()
    if not options["s"]:
        await put(process, "/dev/pts/0\n" if is_terminal else "not a tty\n")
    return int(not is_terminal)


@applet("sync", "[-df] [FILE]...", "df")
async def sync(process, options, arguments):
    """Everything is in memory already."""


@applet("dmesg", "[-cr] [-n LEVEL] [-s SIZE]", "crn:s:")
async def dmesg(process, options, arguments):
    raise Failure("klogctl: Operation not permitted")


@applet("clear reset", "")
async def clear(process, options, arguments):
    await put(process, "\x1b[H\x1b[J" if process.name == "clear" else "\x1bc\x1b(B\x1b[m\x1b[J\x1b[?25h")


async def vi(process) -> int:
    await put(process, "vi: the simulated container has no full-screen editor; use echo, cat <<EOF >file or sed -i\n", 2)
    return 1


COMMANDS["vi"] = vi

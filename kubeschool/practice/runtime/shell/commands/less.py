"""less and more: a page at a time on a terminal, else as cat."""
from ._applet import applet, decode, inputs, put


@applet("less more", "[-EFIMmNSRh~] [FILE]...", "EFIMmNSRXhe")
async def less(process, options, arguments):
    status = 0
    terminal = process.terminal if process.stdout.isatty() else None
    async for _, stream in inputs(process, arguments, "can't open '{name}': {error}"):
        if stream is None:
            status = 1
            continue
        text = decode(await stream.read_all())
        if terminal is None:
            await put(process, text)
            continue
        waiting = text.splitlines(keepends=True)
        page = terminal.rows - 1
        terminal.raw = True
        try:
            while waiting:
                await put(process, "".join(waiting[:page]))
                waiting, page = waiting[page:], terminal.rows - 1
                if not waiting:
                    break
                await put(process, "\x1b[7m--More--\x1b[m")
                key = await terminal.read(1)
                await put(process, "\r\x1b[K")
                if key in (b"q", b"Q", b"\x03", b""):
                    return status
                page = 1 if key in (b"\r", b"\n", b"j") else page
        finally:
            terminal.raw = False
    return status

"""head."""
from ._applet import applet, inputs, lines, number, put


@applet("head", "[OPTIONS] [FILE]...", "n:c:qv0123456789")
async def head(process, options, arguments):
    digits = "".join(key for key, _ in options.pairs if key.isdigit())
    count = number(options["c"] or options["n"] or digits or "10", suffixes=True)
    by_bytes = "c" in options
    status = 0
    several = (len(arguments) > 1 or options["v"]) and not options["q"]
    first = True
    async for name, stream in inputs(process, arguments):
        if stream is None:
            status = 1
            continue
        if several:
            await put(process, ("" if first else "\n") + f"==> {'standard input' if name == '-' else name} <==\n")
        first = False
        if count < 0:
            pieces = [bytes([byte]) for byte in await stream.read_all()] if by_bytes else [line async for line in lines(process, stream)]
            await put(process, b"".join(pieces[:count]))
        elif by_bytes:
            left = count
            while left > 0 and (data := await stream.read(left)):
                left -= len(data)
                await put(process, data)
        elif count:
            left = count
            async for line in lines(process, stream):
                await put(process, line)
                left -= 1
                if not left:
                    break
    return status



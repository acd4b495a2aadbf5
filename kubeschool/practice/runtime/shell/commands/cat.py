"""cat, tac, rev, nl."""
from ._applet import applet, chunks, inputs, lines, put


@applet("cat", "[-nbvteA] [FILE]...", "nbvteAu")
async def cat(process, options, arguments):
    status, number = 0, 0
    plain = not any(options)
    async for _, stream in inputs(process, arguments, "can't open '{name}': {error}"):
        if stream is None:
            status = 1
        elif plain:
            async for data in chunks(process, stream):
                await put(process, data)
        else:
            async for line in lines(process, stream):
                if options["n"] or (options["b"] and line != b"\n"):
                    number += 1
                    await put(process, f"{number:6}\t")
                if options["v"] or options["e"] or options["t"] or options["A"]:
                    line = visible(line, options["t"] or options["A"], options["e"] or options["A"])
                await put(process, line)
    return status


def visible(line: bytes, tabs: bool, ends: bool) -> bytes:
    out = bytearray()
    for byte in line:
        if byte >= 128:
            out += b"M-"
            byte -= 128
        if byte == 10:
            out += b"$\n" if ends else b"\n"
        elif byte == 9 and not tabs:
            out.append(9)
        elif byte < 32 or byte == 127:
            out += b"^" + bytes([byte ^ 64])
        else:
            out.append(byte)
    return bytes(out)


@applet("tac", "[FILE]...")
async def tac(process, options, arguments):
    async for _, stream in inputs(process, arguments):
        if stream:
            for line in reversed([line async for line in lines(process, stream)]):
                await put(process, line)


@applet("rev", "[FILE]...")
async def rev(process, options, arguments):
    async for _, stream in inputs(process, arguments, "can't open '{name}': {error}"):
        if stream:
            async for line in lines(process, stream):
                text = line.decode("utf-8", "surrogateescape")
                await put(process, text.rstrip("\n")[::-1] + ("\n" if text.endswith("\n") else ""))


@applet("nl", "[-b a|t|n] [FILE]...", "b:i:s:v:w:")
async def nl(process, options, arguments):
    number = 0
    async for _, stream in inputs(process, arguments, "can't open '{name}': {error}"):
        if stream:
            async for line in lines(process, stream):
                if line == b"\n" and options["b"] != "a":
                    await put(process, "       \n")
                else:
                    number += 1
                    await put(process, f"{number:6}\t".encode() + line)

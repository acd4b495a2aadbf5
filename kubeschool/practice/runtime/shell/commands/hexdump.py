"""hexdump, hd, xxd, od."""
import struct

from ._applet import applet, inputs, number, put


async def content(process, names: list[str]) -> tuple[bytes, int]:
    data, status = b"", 0
    async for _, stream in inputs(process, names):
        if stream is None:
            status = 1
        else:
            data += await stream.read_all()
    return data, status


def printable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


async def rows(process, data: bytes, start: int, line, end: str, everything: bool) -> None:
    """`line(offset, sixteen bytes)` for each row, repeated rows as *."""
    previous, starred = None, False
    for at in range(0, len(data), 16):
        row = data[at:at + 16]
        if row == previous and len(row) == 16 and not everything:
            if not starred:
                await put(process, "*\n")
            starred = True
            continue
        previous, starred = row, False
        await put(process, line(start + at, row) + "\n")
    if data and end:
        await put(process, end % (start + len(data)) + "\n")


@applet("hexdump hd", "[-bcdoxCv] [-n LEN] [-s OFS] [FILE]...", "bcdoxCvn:s:e:")
async def hexdump(process, options, arguments):
    data, status = await content(process, arguments)
    start = number(options["s"] or 0, suffixes=True)
    data = data[start:][:number(options["n"], suffixes=True) if options["n"] else None]
    canonical = options["C"] or process.name == "hd"

    def line(offset: int, row: bytes) -> str:
        if canonical:
            cells = [f"{byte:02x}" for byte in row]
            return f"{offset:08x}  {' '.join(cells[:8]):<23}  {' '.join(cells[8:]):<23}  |{printable(row)}|"
        words = struct.unpack(f"<{(len(row) + 1) // 2}H", row + b"\0" * (len(row) % 2))
        return f"{offset:07x} " + " ".join(f"{word:04x}" for word in words).ljust(39)

    await rows(process, data, start, line, "%08x" if canonical else "%07x", bool(options["v"]))
    return status


@applet("xxd", "[-pri] [-g N] [-c N] [-l LEN] [-s OFS] [FILE]", "prig:c:l:s:")
async def xxd(process, options, arguments):
    data, status = await content(process, arguments[:1])
    start = number(options["s"] or 0)
    data = data[start:][:number(options["l"]) if options["l"] else None]
    if options["r"]:
        text = data.decode("ascii", "replace")
        digits = "".join(line if options["p"] else line.partition(":")[2].partition("  ")[0] for line in text.splitlines())
        await put(process, bytes.fromhex("".join(digits.split())))
        return status
    if options["p"]:
        for at in range(0, len(data), 30):
            await put(process, data[at:at + 30].hex() + "\n")
        return status
    for at in range(0, len(data), 16):
        row = data[at:at + 16]
        cells = " ".join(row[index:index + 2].hex() for index in range(0, len(row), 2))
        await put(process, f"{start + at:08x}: {cells:<39}  {printable(row)}\n")
    return status


NAMED = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}


@applet("od", "[-abcdeFfhiloxsv] [-A RADIX] [-t TYPE] [-N LEN] [-j OFS] [FILE]...", "abBcdDeFfhHiIlLoOxXsvA:t:N:j:")
async def od(process, options, arguments):
    data, status = await content(process, arguments)
    start = number(options["j"] or 0, suffixes=True)
    data = data[start:][:number(options["N"], suffixes=True) if options["N"] else None]
    kind = options["t"] or ("c" if options["c"] else "x2" if options["x"] or options["h"] else "o1"
                            if options["b"] else "u2" if options["d"]
                            else "d2" if options["s"] else "o2")
    letter, size = kind[0], int(kind[1:2] or (1 if kind[0] in "ac" else 4)) if kind[1:2].isdigit() or not kind[1:] else 1
    radix = options["A"] or "o"
    widths = {("o", 1): 3, ("o", 2): 6, ("o", 4): 11, ("x", 1): 2, ("x", 2): 4, ("x", 4): 8, ("x", 8): 16,
              ("u", 1): 3, ("u", 2): 5, ("u", 4): 10, ("d", 1): 4, ("d", 2): 6, ("d", 4): 11}

    def cell(value: int) -> str:
        wide = widths.get((letter, size), 11)
        if letter in "ox":
            return " " + format(value, letter).zfill(wide)
        return " " + str(value).rjust(wide)

    def address(offset: int) -> str:
        return "" if radix == "n" else format(offset, {"o": "07o", "x": "06x", "d": "07d"}[radix])

    def line(offset: int, row: bytes) -> str:
        if letter in "ac":
            cells = "".join(" " + (NAMED.get(byte) or (chr(byte) if 32 <= byte < 127 else f"{byte:03o}")).rjust(3) for byte in row)
            return address(offset) + cells
        padded = row + b"\0" * (-len(row) % size)
        values = struct.unpack("<" + {1: "b" if letter == "d" else "B", 2: "h" if letter == "d" else "H", 4: "i" if letter == "d" else "I",
                                      8: "q" if letter == "d" else "Q"}[size] * (len(padded) // size), padded)
        return address(offset) + "".join(cell(value) for value in values)

    await rows(process, data, start, line, {"o": "%07o", "x": "%06x", "d": "%07d", "n": ""}[radix], bool(options["v"]))
    return status


@applet("strings", "[-fo] [-t o|d|x] [-n LEN] [FILE]...", "afot:n:")
async def strings(process, options, arguments):
    import re
    data, status = await content(process, arguments)
    for match in re.finditer(rb"[\t -~]{%d,}" % number(options["n"] or 4), data):
        await put(process, match[0] + b"\n")
    return status

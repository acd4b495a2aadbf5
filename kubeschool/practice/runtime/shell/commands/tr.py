"""tr, on bytes as busybox does."""
import re
import string

from ...shell.parser import unescape
from ._applet import Failure, Usage, applet, chunks, encode, put, stdin

CLASSES = {"alpha": string.ascii_letters, "digit": string.digits, "alnum": string.digits + string.ascii_letters,
           "upper": string.ascii_uppercase,
           "lower": string.ascii_lowercase, "space": "\t\n\v\f\r ", "blank": "\t ", "punct": string.punctuation,
           "xdigit": "0123456789ABCDEFabcdef",
           "cntrl": "".join(map(chr, [*range(32), 127])), "print": "".join(map(chr, range(32, 127))), "graph": "".join(map(chr, range(33,
                                                                                                                                      127)))}


def expand(text: str) -> bytes:
    """A tr set: ranges, [:classes:], [=c=], escapes."""
    out = bytearray()
    for match in re.finditer(r"\[:(\w+):\]|\[=(.)=\]|(\\[0-7]{1,3}|\\.|.)(?:-(\\[0-7]{1,3}|\\.|[^\\]))?", text, re.S):
        name, equal, first, last = match.groups()
        if name:
            if name not in CLASSES:
                raise Failure(f"invalid character class '{name}'")
            out += CLASSES[name].encode()
        elif equal:
            out += encode(equal)
        else:
            start = encode(unescape(first))
            if last is None:
                out += start
            else:
                end = encode(unescape(last))
                if end[0] < start[-1]:
                    raise Failure(f"{unescape(first)}-{unescape(last)}: invalid range")
                out += start[:-1] + bytes(range(start[-1], end[0] + 1))
    return bytes(out)


@applet("tr", "[-cds] STRING1 [STRING2]", "+cCdst", permute=False)
async def tr(process, options, arguments):
    if not arguments or (len(arguments) == 1 and not (options["d"] or options["s"])):
        raise Usage
    first = expand(arguments[0])
    if options["c"] or options["C"]:
        first = bytes(byte for byte in range(256) if byte not in first)
    second = expand(arguments[1]) if len(arguments) > 1 else b""
    deleted = first if options["d"] else b""
    table = bytearray(range(256))
    if second and not options["d"]:
        for index, byte in enumerate(first):
            table[byte] = second[min(index, len(second) - 1)]
    squeezed = set(second or first) if options["s"] else set()
    last = None
    async for data in chunks(process, stdin(process)):
        data = data.translate(bytes(table), deleted)
        if squeezed:
            out = bytearray()
            for byte in data:
                if byte != last or byte not in squeezed:
                    out.append(byte)
                last = byte
            data = bytes(out)
        await put(process, data)

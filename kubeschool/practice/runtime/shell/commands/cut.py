"""cut."""
import re

from ._applet import Failure, applet, inputs, lines, put


def ranges(text: str) -> list[tuple[int, float]]:
    """1,3-5,7- as (first, last), from 0."""
    found = []
    for piece in text.split(","):
        match = re.fullmatch(r"(\d*)(-?)(\d*)", piece)
        if not match or piece in ("", "-"):
            raise Failure("invalid byte or field list")
        first = int(match[1] or 1)
        last = int(match[3]) if match[3] else float("inf") if match[2] else first
        if first < 1 or last < first:
            raise Failure("invalid byte or field list")
        found.append((first - 1, last - 1))
    return sorted(found)


@applet("cut", "[OPTIONS] [FILE]...", "b:c:f:d:sn", {"output-delimiter=": "O", "fields=": "f", "delimiter=": "d", "bytes=": "b",
                                                     "characters=": "c"})
async def cut(process, options, arguments):
    kinds = [letter for letter in "bcf" if letter in options]
    if len(kinds) != 1:
        raise Failure("expected a list of bytes, characters, or fields" if not kinds else "only one type of list may be specified")
    wanted = ranges(options[kinds[0]])
    delimiter = (options["d"] if options["d"] and options["d"] is not True else "\t").encode() if kinds[0] == "f" else b""
    if options["d"] and kinds[0] != "f":
        raise Failure("a delimiter may be specified only when operating on fields")
    status = 0
    async for _, stream in inputs(process, arguments):
        if stream is None:
            status = 1
            continue
        async for line in lines(process, stream):
            line = line.rstrip(b"\n")
            if kinds[0] != "f":
                text = line if kinds[0] == "b" else line.decode("utf-8", "surrogateescape")
                picked = [text[index:index + 1] for index in range(len(text)) if any(first <= index <= last for first, last in wanted)]
                joined = b"".join(picked) if kinds[0] == "b" else "".join(picked).encode("utf-8", "surrogateescape")
            elif delimiter in line:
                parts = line.split(delimiter)
                glue = options["O"].encode() if options["O"] else delimiter
                joined = glue.join(part for index, part in enumerate(parts) if any(first <= index <= last for first, last in wanted))
            elif options["s"]:
                continue
            else:
                joined = line
            await put(process, joined + b"\n")
    return status

"""truncate, fallocate and dd."""
import re

from ..pace import Pace
from ._applet import COMMANDS, SUFFIXES, Failure, Usage, applet, complain, number, put


@applet("truncate", "[-c] -s SIZE FILE...", "cs:")
async def truncate(process, options, arguments):
    if not options["s"] or not arguments:
        raise Usage
    for name in arguments:
        if not process.fs.exists(name):
            if options["c"]:
                continue
            process.fs.write(name, b"")
        size = number(options["s"].lstrip("+-"), suffixes=True)
        current = process.fs.stat(name).size
        size = current + size if options["s"][0] == "+" else max(current - size, 0) if options["s"][0] == "-" else size
        process.fs.truncate(name, size)


@applet("fallocate", "[-o OFS] -l LEN FILE", "o:l:")
async def fallocate(process, options, arguments):
    if not options["l"] or not arguments:
        raise Usage
    name, size = arguments[0], number(options["l"], suffixes=True) + number(options["o"] or 0, suffixes=True)
    if not process.fs.exists(name):
        process.fs.write(name, b"")
    if process.fs.stat(name).size < size:
        process.fs.truncate(name, size)


def amount(text: str) -> int:
    """512, 4k, 1M, 2x3."""
    total = 1
    for piece in text.split("x"):
        match = re.fullmatch(r"(\d+)([cwbkKMG]?)B?", piece)
        if not match:
            raise Failure(f"invalid number '{text}'")
        total *= int(match[1]) * {"c": 1, "w": 2, **SUFFIXES}[match[2]]
    return total


async def dd(process) -> int:
    operands = dict(word.partition("=")[::2] for word in process.argv[1:])
    if unknown := next((name for name in operands if name not in ("if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status",
                                                                  "iflag", "oflag")), None):
        await complain(process, f"invalid argument '{unknown}'")
        return 1
    try:
        size = amount(operands.get("bs") or operands.get("ibs") or "512")
        count = amount(operands["count"]) if "count" in operands else -1
        skip, seek = amount(operands.get("skip", "0")), amount(operands.get("seek", "0"))
    except Failure as failure:
        await complain(process, str(failure))
        return 1
    name = operands.get("if")
    try:
        source = process.fs.open(name) if name else process.stdin.dup()
        name = operands.get("of")
        if name:
            keep = "notrunc" in operands.get("conv", "") or seek
            if keep and not process.fs.exists(name):
                process.fs.write(name, b"")
            target = process.fs.open(name, "r+" if keep else "w")
            if seek and hasattr(target, "seek"):
                target.seek(seek * size)
        else:
            target = process.stdout.dup()
    except OSError as problem:
        await complain(process, f"can't open '{name}': {problem.strerror}")
        return 1
    import time
    whole = part = copied = 0
    started, pace = time.monotonic(), Pace(process)
    try:
        for _ in range(skip):
            await source.read(size)
        while count != whole + part:
            data = b""
            while len(data) < size and (more := await source.read(size - len(data))):
                data += more
                if "if" not in operands:
                    break
            if not data:
                break
            target.write(data)
            await target.drain()
            copied += len(data)
            whole, part = (whole + 1, part) if len(data) == size else (whole, part + 1)
            await pace()
    except OSError as problem:
        if isinstance(problem, BrokenPipeError):
            raise
        await complain(process, f"error writing '{operands.get('of', 'standard output')}': {problem.strerror}")
        return 1
    finally:
        source.close()
        target.close()
    if operands.get("status") != "none":
        text = f"{whole}+{part} records in\n{whole}+{part} records out\n"
        if operands.get("status") != "noxfer":
            elapsed = max(time.monotonic() - started, 1e-6)
            text += f"{copied} bytes ({copied / (1 << 20):.1f}MB) copied, {elapsed:.6f} seconds, {copied / elapsed / (1 << 20):.1f}MB/s\n"
        await put(process, text, 2)
    return 0


COMMANDS["dd"] = dd

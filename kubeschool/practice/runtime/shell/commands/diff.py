"""diff (unified, as busybox always prints) and cmp."""
import difflib
import stat

from ._applet import Failure, Usage, applet, decode, number, open_file, put


@applet("diff", "[-abBdiNqrTstw] [-L LABEL] [-S FILE] [-U LINES] FILE1 FILE2", "abBdiNqrTstwuL:S:U:", {"brief": "q", "recursive": "r"},
        status=2)
async def diff(process, options, arguments):
    if len(arguments) != 2:
        raise Usage
    for name in arguments:
        if name != "-" and not process.fs.exists(name) and not options["N"]:
            raise Failure(f"can't stat '{name}': No such file or directory", 2)
    first, second = arguments
    if process.fs.isdir(first) and process.fs.isdir(second):
        return await folders(process, options, first, second)
    if process.fs.isdir(first):
        first = f"{first}/{second.rpartition('/')[2]}"
    elif process.fs.isdir(second):
        second = f"{second}/{first.rpartition('/')[2]}"
    return await files(process, options, first, second)


async def read(process, name: str) -> str:
    if name != "-" and not process.fs.exists(name):
        return ""
    stream = open_file(process, name)
    data = await stream.read_all()
    stream.close()
    return decode(data)


async def files(process, options, first: str, second: str) -> int:
    before, after = await read(process, first), await read(process, second)
    if before == after:
        if options["s"]:
            await put(process, f"Files {first} and {second} are identical\n")
        return 0

    def key(line: str) -> str:
        if options["i"]:
            line = line.lower()
        return "".join(line.split()) if options["w"] else " ".join(line.split()) if options["b"] else line

    a, b = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if [key(line) for line in a] == [key(line) for line in b] and (options["i"] or options["w"] or options["b"]):
        return 0
    if options["q"]:
        await put(process, f"Files {first} and {second} differ\n")
        return 1
    labels = options.all("L")
    await put(process, f"--- {labels[0] if labels else first}\n+++ {labels[1] if len(labels) > 1 else second}\n")
    context = number(options["U"] or 3)
    for line in list(difflib.unified_diff(a, b, n=context))[2:]:
        await put(process, line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return 1


async def folders(process, options, first: str, second: str) -> int:
    fs, status = process.fs, 0
    for name in sorted({*fs.listdir(first), *fs.listdir(second)}):
        a, b = f"{first.rstrip('/')}/{name}", f"{second.rstrip('/')}/{name}"
        if (not fs.exists(a) or not fs.exists(b)) and not options["N"]:
            await put(process, f"Only in {first if fs.exists(a) else second}: {name}\n")
            status = 1
            continue
        if stat.S_ISDIR(fs.stat(a if fs.exists(a) else b).mode):
            if options["r"]:
                status |= await folders(process, options, a, b)
            else:
                await put(process, f"Common subdirectories: {a} and {b}\n")
        else:
            status |= await files(process, options, a, b)
    return status


@applet("cmp", "[-ls] FILE1 [FILE2]", "lsn:", status=2)
async def cmp(process, options, arguments):
    if not arguments:
        raise Usage
    names = [*arguments, "-"][:2]
    a, b = [await open_file(process, name).read_all() for name in names]
    for index, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            if options["l"]:
                await put(process, f"{index + 1} {x:3o} {y:3o}\n")
                continue
            if not options["s"]:
                line = a[:index].count(b"\n") + 1
                await put(process, f"{names[0]} {names[1]} differ: char {index + 1}, line {line}\n")
            return 1
    if len(a) != len(b):
        if not options["s"]:
            await put(process, f"cmp: EOF on {names[0] if len(a) < len(b) else names[1]}\n", 2)
        return 1
    return int(a != b)

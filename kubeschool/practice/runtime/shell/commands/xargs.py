"""xargs."""
import re

from ._applet import Failure, applet, complain, decode, number, put, stdin


def words_of(text: str) -> list[str]:
    """Blank-separated words with '…', "…" and \\c quoting."""
    found = []
    for match in re.finditer(r"""(?:\\.|'[^'\n]*'|"[^"\n]*"|[^\s'"\\])+|(['"])""", text, re.S):
        if match[1]:
            raise Failure(f"unmatched {'single' if match[1] == chr(39) else 'double'} quote")
        found.append(re.sub(r"""\\(.)|'([^']*)'|"([^"]*)\"""", lambda part: next(group for group in part.groups() if group is not None),
                            match[0], flags=re.S))
    return found


@applet("xargs", "[OPTIONS] [PROG ARGS]", "0prtxn:s:I:P:L:E:e:a:d:", {"no-run-if-empty": "r", "null": "0", "max-args=": "n",
                                                                      "max-procs=": "P"}, permute=False)
async def xargs(process, options, arguments):
    command = arguments or ["echo"]
    text = decode(await stdin(process).read_all())
    replaced = options["I"]
    if options["0"]:
        words = [word for word in text.split("\0") if word]
    elif replaced:
        words = [line.strip() for line in text.split("\n") if line.strip()]
    elif options["d"]:
        words = text.removesuffix("\n").split(options["d"])
    else:
        words = words_of(text)
    if not words and (options["r"] or replaced):
        return 0
    if replaced:
        runs = [[part.replace(replaced, word) for part in command] for word in words]
    else:
        size = number(options["n"]) if options["n"] else number(options["L"]) if options["L"] else len(words) or 1
        if options["L"]:
            rows = [words_of(line) for line in text.splitlines() if line.strip()]
            runs = [command + [word for row in rows[start:start + size] for word in row] for start in range(0, len(rows), size)]
        else:
            runs = [command + words[start:start + size] for start in range(0, max(len(words), 1), size)]
    parallel = number(options["P"]) if options["P"] else 1
    status, running = 0, []

    async def finish(child) -> None:
        nonlocal status
        code = await child.wait()
        if code == 255:
            raise Failure(f"{command[0]}: exited with status 255; aborting", 124)
        if child.killed_by:
            raise Failure(f"'{command[0]}' terminated by signal {child.killed_by}", 125)
        if code:
            status = 123

    from ...streams import Null
    for argv in runs:
        if options["t"]:
            await put(process, " ".join(argv) + "\n", 2)
        try:
            running.append(process.spawn(argv, stdin=Null()))
        except FileNotFoundError as problem:
            await complain(process, f"{argv[0]}: {problem.strerror}")
            return 127
        except OSError as problem:
            await complain(process, f"{argv[0]}: {problem.strerror}")
            return 126
        if parallel and len(running) >= parallel:
            await finish(running.pop(0))
    for child in running:
        await finish(child)
    return status

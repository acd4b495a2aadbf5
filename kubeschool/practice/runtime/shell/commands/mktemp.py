"""mktemp."""
import random
import string

from ._applet import Failure, applet, put


@applet("mktemp", "[-dtq] [-p DIR] [TEMPLATE]", "dtqup:")
async def mktemp(process, options, arguments):
    template = arguments[0] if arguments else "tmp.XXXXXX"
    if not template.endswith("XXXXXX"):
        raise Failure("(null): Invalid argument")
    folder = options["p"] or process.env.get("TMPDIR", "/tmp") if options["p"] or options["t"] or not arguments else None
    base = template.rstrip("X")
    name = base + "".join(random.choices(string.ascii_letters, k=len(template) - len(base)))
    path = f"{folder.rstrip('/')}/{name}" if folder else name
    try:
        if options["u"]:
            pass
        elif options["d"]:
            process.fs.mkdir(path, 0o700)
        else:
            process.fs.open(path, "x", 0o600).close()
    except OSError as problem:
        raise Failure(f"{(folder and f'{folder}/{template}') or template}: {problem.strerror}") from None
    await put(process, path + "\n")

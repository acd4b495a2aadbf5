"""basename and dirname."""
from ._applet import Usage, applet, put


def base(path: str) -> str:
    return "/" if path and not path.strip("/") else path.rstrip("/").rpartition("/")[2]


@applet("basename", "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...", "as:", permute=False)
async def basename(process, options, arguments):
    if not arguments or (len(arguments) > 2 and not options["a"] and not options["s"]):
        raise Usage
    names, suffix = (arguments, options["s"]) if options["a"] or options["s"] else (arguments[:1], arguments[1]
                                                                                    if len(arguments) > 1 else "")
    for name in names:
        name = base(name)
        await put(process, (name.removesuffix(suffix) if suffix and name != suffix else name) + "\n")


@applet("dirname", "FILENAME", permute=False)
async def dirname(process, options, arguments):
    if len(arguments) != 1:
        raise Usage
    path = arguments[0]
    folder = path.rstrip("/").rpartition("/")[0].rstrip("/")
    await put(process, (folder or ("/" if path.startswith("/") else ".")) + "\n")

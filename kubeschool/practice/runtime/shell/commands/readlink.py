"""readlink and realpath."""
import posixpath

from ._applet import Usage, applet, complain, put


def canonical(fs, path: str, all_but_last: bool) -> str:
    """realpath(3); with `all_but_last` the last component may be missing."""
    try:
        return fs.realpath(path)
    except FileNotFoundError:
        if not all_but_last:
            raise
        folder, name = posixpath.split(path.rstrip("/"))
        return posixpath.join(fs.realpath(folder or "."), name)


@applet("readlink", "[-fnv] FILE", "fnvems")
async def readlink(process, options, arguments):
    if not arguments:
        raise Usage
    status = 0
    for name in arguments:
        try:
            target = canonical(process.fs, name, bool(options["f"])) if options["f"] or options["e"] else process.fs.readlink(name)
        except OSError as problem:
            if options["v"]:
                await complain(process, f"{name}: {problem.strerror}")
            status = 1
            continue
        await put(process, target + ("" if options["n"] else "\n"))
    return status


@applet("realpath", "FILE...", "")
async def realpath(process, options, arguments):
    if not arguments:
        raise Usage
    status = 0
    for name in arguments:
        try:
            await put(process, canonical(process.fs, name, True) + "\n")
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
    return status

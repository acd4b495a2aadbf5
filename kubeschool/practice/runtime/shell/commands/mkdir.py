"""mkdir and rmdir."""
import posixpath

from ._applet import Usage, applet, complain
from .chmod import parse_mode


@applet("mkdir", "[-m MODE] [-p] DIRECTORY...", "m:pvZ:", {"parents": "p", "mode=": "m"})
async def mkdir(process, options, arguments):
    if not arguments:
        raise Usage
    status = 0
    for name in arguments:
        try:
            process.fs.mkdir(name.rstrip("/") or "/", parents=bool(options["p"]))
            if options["m"]:
                process.fs.chmod(name, parse_mode(options["m"], 0o777, True, 0))
        except OSError as problem:
            await complain(process, f"can't create directory '{name}': {problem.strerror}")
            status = 1
    return status


@applet("rmdir", "[-p] DIRECTORY...", "p", {"parents": "p", "ignore-fail-on-non-empty": "i"})
async def rmdir(process, options, arguments):
    if not arguments:
        raise Usage
    status = 0
    for name in arguments:
        path = name
        while path not in ("", "/", "."):
            try:
                process.fs.rmdir(path)
            except OSError as problem:
                await complain(process, f"'{path}': {problem.strerror}")
                status = 1
                break
            if not options["p"]:
                break
            path = posixpath.dirname(path.rstrip("/"))
    return status

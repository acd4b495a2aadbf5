"""touch."""
import time

from ._applet import Failure, Usage, applet, complain
from .date import parse_date


@applet("touch", "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...", "chamfd:t:r:", {"no-create": "c", "date=": "d", "reference=": "r"})
async def touch(process, options, arguments):
    if not arguments:
        raise Usage
    fs, status, when = process.fs, 0, time.time()
    if options["r"]:
        when = fs.stat(options["r"]).mtime
    elif options["d"] or options["t"]:
        when = parse_date(options["d"] or options["t"])
        if when is None:
            raise Failure(f"invalid date '{options['d'] or options['t']}'")
    for name in arguments:
        try:
            if not fs.exists(name):
                if options["c"]:
                    continue
                fs.open(name, "w").close()
            fs.utime(name, when)
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
    return status

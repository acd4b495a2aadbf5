"""mount and umount."""
from ._applet import Failure, applet, decode, put


@applet("mount", "[OPTIONS] [-o OPT] DEVICE NODE", "afilnrwFt:o:O:T:")
async def mount(process, options, arguments):
    if arguments:
        raise Failure("permission denied (are you root?)")
    for line in decode(process.fs.read("/proc/mounts")).splitlines():
        device, path, kind, flags, *_ = line.split()
        if not options["t"] or kind in options["t"].split(","):
            await put(process, f"{device} on {path} type {kind} ({flags})\n")


@applet("umount", "[-afldr] FILESYSTEM", "afldrt:")
async def umount(process, options, arguments):
    raise Failure(f"can't unmount {arguments[0] if arguments else ''}: Operation not permitted")

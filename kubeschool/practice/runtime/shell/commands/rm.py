"""rm and unlink."""
from ..pace import Pace
from ._applet import Usage, applet, complain


@applet("rm", "[-irf] FILE...", "irRfv", {"recursive": "r", "force": "f"})
async def rm(process, options, arguments):
    if not arguments and not options["f"]:
        raise Usage
    remover = _Remover(process, options)
    for name in arguments:
        if name.rstrip("/").rpartition("/")[2] in (".", ".."):
            await complain(process, "can't remove '.' or '..'")
            remover.status = 1
        else:
            await remover.remove(name)
    return remover.status


class _Remover:
    def __init__(self, process, options):
        self.process, self.fs, self.options, self.status = process, process.fs, options, 0
        self.pace = Pace(process)

    async def remove(self, path: str) -> None:
        fs = self.fs
        await self.pace()
        try:
            if fs.isdir(path) and not fs.islink(path.rstrip("/") or "/"):
                if not (self.options["r"] or self.options["R"]):
                    await complain(self.process, f"'{path}' is a directory")
                    self.status = 1
                    return
                for entry in fs.listdir(path):
                    await self.remove(f"{path.rstrip('/')}/{entry}")
                fs.rmdir(path)
            else:
                fs.unlink(path)
        except FileNotFoundError as problem:
            if not self.options["f"]:
                await self.failed(path, problem)
        except OSError as problem:
            await self.failed(path, problem)

    async def failed(self, path: str, problem: OSError) -> None:
        self.status = 1
        await complain(self.process, f"can't remove '{path}': {problem.strerror}")


@applet("unlink", "FILE")
async def unlink(process, options, arguments):
    if len(arguments) != 1:
        raise Usage
    try:
        process.fs.unlink(arguments[0])
    except OSError as problem:
        await complain(process, f"can't remove file '{arguments[0]}': {problem.strerror}")
        return 1

"""cp and mv."""
import errno
import posixpath
import stat

from ..pace import Pace
from ._applet import Usage, applet, complain, put


def destinations(process, options, arguments: list[str]) -> list[tuple[str, str]]:
    """(source, target) of `cp a b`, `cp a… dir` and -t dir."""
    if options["t"]:
        folder, sources = options["t"], arguments
    else:
        if len(arguments) < 2:
            raise Usage
        *sources, folder = arguments
        if len(sources) == 1 and (options["T"] or not process.fs.isdir(folder)):
            return [(sources[0], folder)]
    return [(source, f"{folder.rstrip('/')}/{posixpath.basename(source.rstrip('/')) or source}") for source in sources]


@applet("cp", "[-arPLHpfinlsT] SOURCE DEST", "arRdPLHpfinlsTuvt:", {"recursive": "r", "archive": "a", "force": "f", "verbose": "v",
                                                                    "parents": "!"})
async def cp(process, options, arguments):
    copier = _Copier(process, options)
    if len(arguments) > 2 and not options["t"] and not process.fs.isdir(arguments[-1]):
        for source in arguments[:-1]:
            if not process.fs.exists(source):
                await complain(process, f"can't stat '{source}': No such file or directory")
                return 1
        await complain(process, f"target '{arguments[-1]}' is not a directory")
        return 1
    for source, target in destinations(process, options, arguments):
        await copier.copy(source, target)
    return copier.status


class _Copier:
    def __init__(self, process, options):
        self.process, self.fs, self.options, self.status = process, process.fs, options, 0
        self.recursive = options["r"] or options["R"] or options["a"]
        self.follow = not (options["d"] or options["P"] or options["a"] or (self.recursive and not options["L"]))
        self.pace = Pace(process)

    async def copy(self, source: str, target: str) -> None:
        await self.pace()
        fs, options = self.fs, self.options
        try:
            info = fs.stat(source, follow=self.follow)
        except OSError as problem:
            return await self.failed(f"can't stat '{source}': {problem.strerror}")
        try:
            if stat.S_ISDIR(info.mode):
                if not self.recursive:
                    return await self.failed(f"omitting directory '{source}'")
                if (fs.realpath(posixpath.dirname(target.rstrip("/")) or ".") + "/").startswith(fs.realpath(source) + "/"):
                    return await self.failed(f"recursion detected, omitting directory '{source}'")
                if not fs.isdir(target):
                    fs.mkdir(target, 0o777)
                for entry in fs.listdir(source):
                    await self.copy(f"{source.rstrip('/')}/{entry}", f"{target.rstrip('/')}/{entry}")
            elif stat.S_ISLNK(info.mode):
                if fs.islink(target) or fs.isfile(target):
                    fs.unlink(target)
                fs.symlink(fs.readlink(source), target)
                return
            elif options["n"] and fs.exists(target):
                return
            elif fs.exists(target) and fs.realpath(source) == fs.realpath(target):
                return await self.failed(f"'{source}' and '{target}' are the same file")
            elif options["s"]:
                fs.symlink(source, target)
                return
            elif options["l"]:
                fs.link(source, target)
                return
            else:
                if options["f"] and fs.islink(target) and not fs.exists(target):
                    fs.unlink(target)
                self.copy_file(source, target, info)
            if options["v"]:
                await put(self.process, f"'{source}' -> '{target}'\n")
            if options["p"] or options["a"]:
                fs.chmod(target, stat.S_IMODE(info.mode))
                fs.utime(target, info.mtime)
                if self.process.uid == 0:
                    fs.chown(target, info.uid, info.gid)
        except OSError as problem:
            what = "can't create" if problem.filename == target else "can't open"
            await self.failed(f"{what} '{target if problem.filename == target else source}': {problem.strerror}")

    def copy_file(self, source: str, target: str, info) -> None:
        fs = self.fs
        node = fs.lookup(source)
        fs._require(node, 4, source)
        fs.write(target, node.data, stat.S_IMODE(info.mode))
        if getattr(node, "program", None):
            copied = fs.lookup(target)
            if hasattr(copied, "program"):
                copied.program = node.program

    async def failed(self, message: str) -> None:
        self.status = 1
        await complain(self.process, message)


@applet("mv", "[-finT] SOURCE DEST", "finTvt:")
async def mv(process, options, arguments):
    fs, status = process.fs, 0
    for source, target in destinations(process, options, arguments):
        try:
            if options["n"] and fs.exists(target):
                continue
            try:
                fs.rename(source, target)
            except OSError as problem:
                if problem.errno != errno.EXDEV:
                    raise
                copier = _Copier(process, {**dict.fromkeys("rRadPLHpfinlsTuv", False), "a": True})
                await copier.copy(source, target)
                if copier.status:
                    status = 1
                    continue
                _delete(fs, source)
        except OSError as problem:
            status = 1
            await complain(process, f"can't rename '{source}': {problem.strerror}")
    return status


def _delete(fs, path: str) -> None:
    if fs.isdir(path) and not fs.islink(path):
        for entry in fs.listdir(path):
            _delete(fs, f"{path}/{entry}")
        fs.rmdir(path)
    else:
        fs.unlink(path)

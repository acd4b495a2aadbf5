"""tar: c, x, t with f z C m v O p, --exclude and --strip-components; `kubectl cp` runs `tar cf - path` and `tar -xmf - -C dir`."""
import io
import posixpath
import stat

from .. import patterns
from ..pace import Pace
from ._applet import Failure, Usage, applet, complain, group_names, open_file, put, user_names


@applet("tar", "c|x|t [-ZzJjahmvokO] [-f TARFILE] [-C DIR] [-T FILE] [-X FILE] [FILE]...", "cxtzjJahmvokOpPf:C:T:X:",
        {"exclude=": "!", "strip-components=": "#", "no-same-owner": "o", "no-same-permissions": "-", "numeric-owner": "-",
         "overwrite": "-",
         "create": "c", "extract": "x", "list": "t", "file=": "f", "directory=": "C", "gzip": "z", "verbose": "v"}, dashless=True)
async def tar(process, options, arguments):
    action = next((letter for letter in "cxt" if options[letter]), None)
    if action is None:
        raise Usage
    work = _Tar(process, options)
    if options["C"]:
        try:
            work.folder = process.fs.realpath(options["C"])
            if not process.fs.isdir(work.folder):
                raise NotADirectoryError(20, "Not a directory")
        except OSError as problem:
            raise Failure(f"can't change directory to '{options['C']}': {problem.strerror}") from None
    name = options["f"] or "-"
    if action == "c":
        data = await work.create(arguments)
        if name == "-":
            await put(process, data)
        else:
            process.fs.write(name, data)
        if work.status:
            await complain(process, "error exit delayed from previous errors")
        return work.status
    try:
        stream = open_file(process, name)
    except OSError as problem:
        raise Failure(f"can't open '{name}': {problem.strerror}") from None
    data = await stream.read_all()
    stream.close()
    return await work.unpack(data, arguments, listing=action == "t")


class _Tar:
    def __init__(self, process, options):
        self.process, self.fs, self.options = process, process.fs, options
        self.folder, self.status = process.cwd, 0
        self.excluded = options.all("!")
        self.strip = int(options["#"] or 0)
        self.users, self.groups = user_names(process), group_names(process)
        self.pace = Pace(process)

    def path(self, name: str) -> str:
        return posixpath.join(self.folder, name)

    async def create(self, names: list[str]) -> bytes:
        import tarfile
        if not names:
            raise Failure("empty archive")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz" if self.options["z"] else "w", format=tarfile.GNU_FORMAT) as archive:
            for name in names:
                await self.add(archive, name)
        return buffer.getvalue()

    async def add(self, archive, name: str) -> None:
        import tarfile
        await self.pace()
        if any(patterns.matches(pattern, name) or patterns.matches(pattern, posixpath.basename(name)) for pattern in self.excluded):
            return
        path = self.path(name)
        try:
            info = self.fs.stat(path, follow=bool(self.options["h"]))
            member = tarfile.TarInfo(name.lstrip("/"))
            if name.startswith("/") and not self.status and not getattr(self, "told", False):
                self.told = True
                await complain(self.process, "removing leading '/' from member names")
            member.mode, member.uid, member.gid, member.mtime = stat.S_IMODE(info.mode), info.uid, info.gid, int(info.mtime)
            member.uname, member.gname = self.users.get(info.uid, ""), self.groups.get(info.gid, "")
            if self.options["v"]:
                await put(self.process, name.rstrip("/") + ("/" if stat.S_ISDIR(info.mode) else "") + "\n",
                          2 if self.options["f"] in (False, "-") else 1)
            if stat.S_ISDIR(info.mode):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
                for entry in self.fs.listdir(path):
                    await self.add(archive, f"{name.rstrip('/')}/{entry}")
            elif stat.S_ISLNK(info.mode):
                member.type, member.linkname = tarfile.SYMTYPE, self.fs.readlink(path)
                archive.addfile(member)
            elif stat.S_ISREG(info.mode):
                data = self.fs.read(path)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        except OSError as problem:
            await complain(self.process, f"{name}: {problem.strerror}")
            self.status = 1

    async def unpack(self, data: bytes, wanted: list[str], listing: bool) -> int:
        import tarfile
        if not data:
            raise Failure("short read")
        try:
            archive = tarfile.open(fileobj=io.BytesIO(data), mode="r:*")  # noqa: SIM115 (in memory, read while extracting)
            members = archive.getmembers()
        except (tarfile.TarError, EOFError, OSError):
            raise Failure("invalid tar magic" if len(data) >= 512 else "short read") from None
        missing = {name.rstrip("/") for name in wanted}
        for member in members:
            await self.pace()
            name = member.name
            chosen = {one for one in missing if name == one or name.startswith(one + "/")} if wanted else None
            if wanted and not any(name == one.rstrip("/") or name.startswith(one.rstrip("/") + "/") for one in wanted):
                continue
            missing -= chosen or set()
            if any(patterns.matches(pattern, name) or patterns.matches(pattern, posixpath.basename(name)) for pattern in self.excluded):
                continue
            if listing:
                await put(self.process, self.describe(member) + "\n")
                continue
            if self.options["v"] and not self.options["O"]:
                await put(self.process, name + ("/" if member.isdir() else "") + "\n")
            name = "/".join(name.lstrip("/").split("/")[self.strip:])
            if not name or ".." in name.split("/"):
                continue
            try:
                await self.extract(archive, member, name)
            except OSError as problem:
                verb = "open" if member.isfile() else "create directory" if member.isdir() else "create symlink"
                raise Failure(f"can't {verb} '{name}': {problem.strerror}") from None
        for name in missing:
            await complain(self.process, f"{name}: not found in archive")
            self.status = 1
        return self.status

    async def extract(self, archive, member, name: str) -> None:
        fs, path = self.fs, self.path(name)
        if self.options["O"]:
            if member.isfile():
                await put(self.process, archive.extractfile(member).read())
            return
        parent = posixpath.dirname(path)
        if not fs.isdir(parent):
            fs.mkdir(parent, 0o777, parents=True)
        if member.isdir():
            if not fs.isdir(path):
                fs.mkdir(path)
            fs.chmod(path, member.mode & 0o7777)
        elif member.issym():
            if fs.islink(path) or fs.isfile(path):
                fs.unlink(path)
            fs.symlink(member.linkname, path)
            return
        elif member.islnk():
            fs.link(self.path(member.linkname), path)
            return
        elif member.isfile():
            if fs.islink(path):
                fs.unlink(path)
            fs.write(path, archive.extractfile(member).read())
            fs.chmod(path, member.mode & 0o7777)
        else:
            return
        if self.process.uid == 0 and not self.options["o"]:
            fs.chown(path, member.uid, member.gid)
        if not self.options["m"]:
            fs.utime(path, member.mtime)

    def describe(self, member) -> str:
        import time
        name = member.name + ("/" if member.isdir() else "")
        if not self.options["v"]:
            return name
        kind = "d" if member.isdir() else "l" if member.issym() else "-"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(member.mtime))
        owner = f"{member.uname or member.uid}/{member.gname or member.gid}"
        return f"{kind}{stat.filemode(member.mode)[1:]} {owner} {member.size:9} {when} {name}" + (f" -> {member.linkname}"
                                                                                                  if member.issym() else "")

"""ls."""
import stat
import time

from ..lineedit import columns
from ._applet import applet, complain, encode, group_names, human, mode_string, put, user_names

HALF_YEAR = 15768000


@applet("ls", "[-1AaCxdLHRFplinhrSXvctu] [-w WIDTH] [FILE]...", "1AaCxdLHRFplinshrSXvctuw:",
        {"color=": "!", "color": "!", "full-time": "!", "group-directories-first": "!"})
async def ls(process, options, arguments):
    listing = _Listing(process, options)
    names = arguments or ["."]
    files, folders, status = [], [], 0
    for name in names:
        try:
            found = process.fs.stat(name, follow=bool(options["L"] or options["H"] or not options["l"]) and not options["d"])
        except FileNotFoundError:
            try:
                found = process.fs.stat(name, follow=False)
            except OSError as problem:
                await complain(process, f"{name}: {problem.strerror}")
                status = 1
                continue
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
            continue
        is_folder = stat.S_ISDIR(found.mode) and not options["d"]
        (folders if is_folder else files).append((name, found))
    if files:
        await listing.show(listing.sort(files), "")
    several = len(names) > 1 or options["R"]
    folders = [name for name, _ in listing.sort(folders)]
    first = not files
    while folders:
        name = folders.pop(0)
        if several:
            await put(process, ("" if first else "\n") + f"{name}:\n")
        first = False
        try:
            entries = process.fs.listdir(name)
        except OSError as problem:
            await complain(process, f"can't open '{name}': {problem.strerror}")
            status = 1
            continue
        if options["a"]:
            entries = [".", "..", *entries]
        elif not options["A"]:
            entries = [entry for entry in entries if not entry.startswith(".")]
        found = []
        for entry in entries:
            try:
                found.append((entry, process.fs.stat(f"{name}/{entry}", follow=bool(options["L"]))))
            except OSError:
                continue
        found = listing.sort(found)
        await listing.show(found, name, total=True)
        if options["R"]:
            base = name.rstrip("/") if name != "/" else ""
            folders = [f"{base}/{entry}" for entry, info in found if stat.S_ISDIR(info.mode) and entry not in (".", "..")] + folders
    return status


class _Listing:
    def __init__(self, process, options):
        self.process, self.options = process, options
        self.users, self.groups = user_names(process), group_names(process)

    def sort(self, entries: list) -> list:
        options = self.options
        if options["S"]:
            def key(entry):
                return (-entry[1].size)
        elif options["t"]:
            def key(entry):
                return (-entry[1].mtime)
        elif options["X"]:
            def key(entry):
                return ((entry[0].rpartition(".")[2] if "." in entry[0] else "", entry[0]))
        else:
            def key(entry):
                return (encode(entry[0]))
        return sorted(sorted(entries, key=lambda entry: encode(entry[0])), key=key, reverse=bool(options["r"]))

    def mark(self, mode: int) -> str:
        if self.options["p"] or self.options["F"]:
            if stat.S_ISDIR(mode):
                return "/"
            if self.options["F"]:
                return "@" if stat.S_ISLNK(mode) else "*" if stat.S_ISREG(mode) and mode & 0o111 else ""
        return ""

    async def show(self, entries: list, folder: str, total: bool = False) -> None:
        options, process = self.options, self.process
        if options["l"] or options["n"]:
            if total:
                await put(process, f"total {sum(blocks(info) for _, info in entries)}\n")
            for name, info in entries:
                await put(process, self.long(name, info, folder) + "\n")
            return
        names = [(f"{info.ino:7} " if options["i"] else "") + (f"{blocks(info):6} " if options["s"] else "") + name + self.mark(info.mode)
                 for name, info in entries]
        if (process.fds.get(1) and process.stdout.isatty() and not options["1"]) or options["C"] or options["x"]:
            terminal = process.stdout.terminal
            await put(process, columns(names, terminal.columns if terminal else 80))
        else:
            await put(process, "".join(name + "\n" for name in names))

    def long(self, name: str, info, folder: str) -> str:
        options = self.options
        at = time.gmtime(info.mtime)
        when = time.strftime("%b %e %H:%M" if abs(time.time() - info.mtime) < HALF_YEAR else "%b %e  %Y", at) if hasattr(time,
                                                                                                                         "strftime") else ""
        if options["!"] and any(key == "full-time" for key, _ in options.pairs):
            when = time.strftime("%Y-%m-%d %H:%M:%S +0000", at)
        when = when.replace("%e", f"{at.tm_mday:2}")
        user = str(info.uid) if options["n"] else self.users.get(info.uid, info.uid)
        group = str(info.gid) if options["n"] else self.groups.get(info.gid, info.gid)
        size = f"{human(info.size):>9}" if options["h"] else f"{info.size:9}"
        if stat.S_ISCHR(info.mode):
            size = f"{1:4},{3:4}"
        inode = f"{info.ino:7} " if options["i"] else ""
        used = f"{blocks(info):6} " if options["s"] else ""
        text = f"{inode}{used}{mode_string(info.mode)} {info.nlink:4} {user:<8} {group:<8} {size} {when} {name}{self.mark(info.mode)}"
        if stat.S_ISLNK(info.mode):
            text += f" -> {self.process.fs.readlink(f'{folder}/{name}' if folder else name)}"
        return text


def blocks(info) -> int:
    """KiB a file takes on disk."""
    return 0 if stat.S_ISLNK(info.mode) or stat.S_ISCHR(info.mode) else -(-info.size // 4096) * 4



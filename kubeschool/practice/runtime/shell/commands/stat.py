"""stat."""
from __future__ import annotations

import re
import stat as kinds
import time

from ._applet import Usage, applet, complain, group_names, put, user_names

KINDS = {kinds.S_IFREG: "regular file", kinds.S_IFDIR: "directory", kinds.S_IFLNK: "symbolic link", kinds.S_IFCHR: "character special file",
         kinds.S_IFIFO: "fifo", kinds.S_IFSOCK: "socket", kinds.S_IFBLK: "block special file"}


@applet("stat", "[-ltf] [-c FMT] FILE...", "Lltfc:", {"format=": "c"})
async def stat(process, options, arguments):
    if not arguments:
        raise Usage
    status = 0
    users, groups = user_names(process), group_names(process)
    for name in arguments:
        try:
            info = process.fs.stat(name, follow=bool(options["L"]))
        except OSError as problem:
            await complain(process, f"can't stat '{name}': {problem.strerror}")
            status = 1
            continue
        kind = KINDS[kinds.S_IFMT(info.mode)]
        if kind == "regular file" and not info.size:
            kind = "regular empty file"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(info.mtime)) + f".{int(info.mtime % 1 * 1e9):09} +0000"
        blocks = -(-info.size // 4096) * 8
        shown = f"'{name}' -> '{process.fs.readlink(name)}'" if kinds.S_ISLNK(info.mode) else name
        values = {"n": name, "N": shown, "s": info.size, "b": blocks, "B": 512, "o": 4096, "F": kind, "i": info.ino,
                  "h": info.nlink, "a": f"{kinds.S_IMODE(info.mode):o}", "A": kinds.filemode(info.mode), "u": info.uid, "g": info.gid,
                  "U": users.get(info.uid, "UNKNOWN"), "G": groups.get(info.gid, "UNKNOWN"), "x": when, "y": when, "z": when,
                  "X": int(info.mtime), "Y": int(info.mtime), "Z": int(info.mtime), "f": f"{info.mode:x}", "d": 64768, "D": "fd00",
                  "t": "0", "T": "0", "%": "%"}
        if options["c"]:
            await put(process, re.sub(r"%(.)", lambda match, values=values: str(values.get(match[1], match[0])), options["c"]) + "\n")
            continue
        await put(process, f"  File: {shown}\n"
                           f"  Size: {info.size:<10}\tBlocks: {blocks:<10} IO Block: 4096   {kind}\n"
                           f"Device: fd00h/64768d\tInode: {info.ino:<10}  Links: {info.nlink}\n"
                           f"Access: ({kinds.S_IMODE(info.mode):04o}/{kinds.filemode(info.mode)})  "
                           f"Uid: ({info.uid:5}/{users.get(info.uid, 'UNKNOWN'):>8})   "
                           f"Gid: ({info.gid:5}/{groups.get(info.gid, 'UNKNOWN'):>8})\n"
                           f"Access: {when}\nModify: {when}\nChange: {when}\n")
    return status

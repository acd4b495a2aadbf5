"""chmod."""
import re
import stat

from ._applet import Failure, Usage, applet, complain, put

WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}


def parse_mode(text: str, mode: int, is_directory: bool, umask: int) -> int:
    """The mode after applying 644 or u+x,go=r to `mode`. Raises Failure."""
    if re.fullmatch("[0-7]{1,4}", text):
        return int(text, 8)
    for clause in text.split(","):
        match = re.fullmatch(r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)", clause)
        if not match:
            raise Failure(f"invalid mode '{text}'")
        who = 0
        for letter in match[1]:
            who |= WHO[letter]
        mask = who or 0o7777 & ~umask
        for operator, letters in re.findall(r"([-+=])([rwxXstugo]*)", match[2]):
            bits = 0
            for letter in letters:
                if letter == "X":
                    bits |= 0o111 if is_directory or mode & 0o111 else 0
                elif letter in "ugo":
                    copied = mode >> {"u": 6, "g": 3, "o": 0}[letter] & 7
                    bits |= copied * 0o111
                else:
                    bits |= BITS[letter]
            bits &= mask
            mode = mode | bits if operator == "+" else mode & ~bits if operator == "-" else mode & ~((who or 0o7777) & 0o777) | bits
    return mode


@applet("chmod", "[-Rcvf] MODE[,MODE]... FILE...", "RcvfrwxX:")
async def chmod(process, options, arguments):
    words = [word for word in process.argv[1:] if not re.fullmatch(r"-[Rcvf]+", word)]
    if len(words) < 2:
        raise Usage
    mode, *names = words
    fs, status = process.fs, 0
    recursive = any("R" in word for word in process.argv[1:] if re.fullmatch(r"-[Rcvf]+", word))

    async def change(path: str) -> None:
        nonlocal status
        try:
            info = fs.stat(path)
            is_folder = stat.S_ISDIR(info.mode)
            new = parse_mode(mode, stat.S_IMODE(info.mode), is_folder, fs.umask)
            fs.chmod(path, new)
            if options["v"] or (options["c"] and new != stat.S_IMODE(info.mode)):
                await put(process, f"mode of '{path}' changed to {new:04o} ({stat.filemode(info.mode & ~0o7777 | new)[1:]})\n")
            if recursive and is_folder:
                for entry in fs.listdir(path):
                    if not fs.islink(f"{path}/{entry}"):
                        await change(f"{path.rstrip('/')}/{entry}")
        except OSError as problem:
            status = 1
            await complain(process, f"{path}: {problem.strerror}")

    for name in names:
        await change(name)
    return status

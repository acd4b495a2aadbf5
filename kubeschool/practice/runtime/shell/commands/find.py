"""find."""
import re
import stat
import time
from functools import partial

from .. import patterns
from ..pace import Pace
from ._applet import COMMANDS, complain, number, put
from .chmod import parse_mode

TYPES = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK, "c": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO,
         "s": stat.S_IFSOCK}


class FindError(Exception):
    pass


class Quit(Exception):
    """-quit."""


class Found:
    def __init__(self, path: str, info, depth: int):
        self.path, self.info, self.depth, self.prune = path, info, depth, False

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2] or self.path


class _Expression:
    """Tests become coroutines (found) -> bool."""

    def __init__(self, process, words: list[str]):
        self.process, self.words, self.at = process, words, 0
        self.acts = False
        self.min, self.max, self.depth_first = 0, 10 ** 6, False
        self.batches: list[tuple[list[str], list[str]]] = []
        self.status = 0

    def parse(self):
        if not self.words:
            return self.always
        expression = self.either()
        if self.at < len(self.words):
            raise FindError(f"unrecognized: {self.words[self.at]}")
        return expression

    def take(self, *words: str) -> bool:
        if self.at < len(self.words) and self.words[self.at] in words:
            self.at += 1
            return True
        return False

    def value(self, test: str) -> str:
        if self.at >= len(self.words):
            raise FindError(f"bad arg '{test}'")
        self.at += 1
        return self.words[self.at - 1]

    def either(self):
        tests = [self.both()]
        while self.take("-o", "-or"):
            tests.append(self.both())

        async def run(found):
            for test in tests:
                if await test(found):
                    return True
            return False
        return tests[0] if len(tests) == 1 else run

    def both(self):
        tests = [self.negated()]
        while self.at < len(self.words) and self.words[self.at] not in ("-o", "-or", ")"):
            self.take("-a", "-and")
            tests.append(self.negated())

        async def run(found):
            for test in tests:
                if not await test(found):
                    return False
            return True
        return tests[0] if len(tests) == 1 else run

    def negated(self):
        if self.take("!", "-not"):
            test = self.negated()

            async def run(found):
                return not await test(found)
            return run
        if self.take("("):
            test = self.either()
            if not self.take(")"):
                raise FindError("unmatched '('")
            return test
        return self.primary()

    @staticmethod
    async def always(found) -> bool:
        return True

    def primary(self):
        if self.at >= len(self.words):
            raise FindError("expression expected")
        test = self.words[self.at]
        self.at += 1
        simple = {"-name": self.match_name, "-iname": self.match_name, "-path": self.match_path, "-wholename": self.match_path,
                  "-ipath": self.match_path,
                  "-regex": self.match_regex, "-type": self.match_type, "-size": self.match_size, "-mtime": self.match_time,
                  "-mmin": self.match_time, "-perm": self.match_mode, "-user": self.match_user, "-uid": self.match_user,
                  "-group": self.match_group, "-gid": self.match_group, "-newer": self.match_newer}
        if test in simple:
            return partial(self._sync, simple[test], test, self.value(test))
        if test in ("-maxdepth", "-mindepth"):
            limit = number(self.value(test))
            if test == "-maxdepth":
                self.max = limit
            else:
                self.min = limit
            return self.always
        if test in ("-depth", "-xdev", "-follow"):
            self.depth_first |= test == "-depth"
            return self.always
        if test == "-true":
            return self.always
        if test == "-false":
            return partial(self._sync, lambda *_: False, "", "")
        if test == "-empty":
            return partial(self._sync, self.is_empty, "", "")
        if test == "-prune":
            return partial(self._sync, self.do_prune, "", "")
        if test in ("-print", "-print0", "-delete", "-quit"):
            self.acts = True
            self.depth_first |= test == "-delete"
            return partial(self.act, test)
        if test in ("-exec", "-ok"):
            self.acts = True
            command = []
            while (word := self.value(test)) != ";":
                if word == "+" and command and command[-1] == "{}":
                    batch: tuple[list[str], list[str]] = (command[:-1], [])
                    self.batches.append(batch)
                    return partial(self._sync, lambda _t, _v, found, paths=batch[1]: paths.append(found.path) or True, "", "")
                command.append(word)
            return partial(self.execute, command)
        raise FindError(f"unrecognized: {test}")

    async def _sync(self, function, test: str, value: str, found: Found) -> bool:
        return bool(function(test, value, found))

    def match_name(self, test: str, value: str, found: Found) -> bool:
        fold = str.lower if test[1] == "i" else str
        return patterns.matches(fold(value), fold(found.name))

    def match_path(self, test: str, value: str, found: Found) -> bool:
        fold = str.lower if test[1] == "i" else str
        return patterns.matches(fold(value), fold(found.path))

    def match_regex(self, test: str, value: str, found: Found) -> bool:
        return re.fullmatch(value, found.path) is not None

    def match_type(self, test: str, value: str, found: Found) -> bool:
        return stat.S_IFMT(found.info.mode) in [TYPES.get(letter) for letter in value.split(",")]

    def match_size(self, test: str, value: str, found: Found) -> bool:
        match = re.fullmatch(r"([-+]?)(\d+)([cwbkMG]?)", value)
        if not match:
            raise FindError(f"invalid number '{value}'")
        unit = {"c": 1, "w": 2, "b": 512, "": 512, "k": 1024, "M": 1 << 20, "G": 1 << 30}[match[3]]
        size, wanted = -(-found.info.size // unit), int(match[2])
        return size > wanted if match[1] == "+" else size < wanted if match[1] == "-" else size == wanted

    def match_time(self, test: str, value: str, found: Found) -> bool:
        age = int((time.time() - found.info.mtime) // (60 if test == "-mmin" else 86400))
        wanted = abs(number(value))
        return age > wanted if value[0] == "+" else age < wanted if value[0] == "-" else age == wanted

    def match_mode(self, test: str, value: str, found: Found) -> bool:
        mode = stat.S_IMODE(found.info.mode)
        wanted = parse_mode(value.lstrip("-/+"), 0, False, 0)
        return mode & wanted == wanted if value[0] == "-" else bool(mode & wanted) if value[0] in "/+" else mode == wanted

    def match_user(self, test: str, value: str, found: Found) -> bool:
        from ._applet import user_names
        return value in (str(found.info.uid), user_names(self.process).get(found.info.uid))

    def match_group(self, test: str, value: str, found: Found) -> bool:
        from ._applet import group_names
        return value in (str(found.info.gid), group_names(self.process).get(found.info.gid))

    def match_newer(self, test: str, value: str, found: Found) -> bool:
        return found.info.mtime > self.process.fs.stat(value).mtime

    def is_empty(self, test: str, value: str, found: Found) -> bool:
        if stat.S_ISDIR(found.info.mode):
            return not self.process.fs.listdir(found.path)
        return stat.S_ISREG(found.info.mode) and found.info.size == 0

    def do_prune(self, test: str, value: str, found: Found) -> bool:
        found.prune = True
        return True

    async def act(self, action: str, found: Found) -> bool:
        if action == "-quit":
            raise Quit
        if action == "-delete":
            if found.path in (".", ".."):
                return True
            (self.process.fs.rmdir if stat.S_ISDIR(found.info.mode) else self.process.fs.unlink)(found.path)
            return True
        await put(self.process, found.path + ("\0" if action == "-print0" else "\n"))
        return True

    async def execute(self, command: list[str], found: Found) -> bool:
        return await self.run([word.replace("{}", found.path) for word in command]) == 0

    async def run(self, argv: list[str]) -> int:
        try:
            return await self.process.spawn(argv).wait()
        except OSError as problem:
            await complain(self.process, f"{argv[0]}: {problem.strerror}")
            self.status = 1
            return 127


async def find(process) -> int:
    words = process.argv[1:]
    follow = False
    while words and words[0] in ("-L", "-H", "-P"):
        follow = words.pop(0) == "-L"
    split = next((index for index, word in enumerate(words) if word[0:1] == "-" or word in ("(", "!")), len(words))
    roots, words = words[:split] or ["."], words[split:]
    expression = _Expression(process, words)
    try:
        test = expression.parse()
    except FindError as problem:
        await complain(process, str(problem))
        return 1
    pace = Pace(process)

    async def visit(path: str, depth: int) -> None:
        await pace()
        try:
            info = process.fs.stat(path, follow=follow and process.fs.exists(path))
        except OSError as problem:
            await complain(process, f"{path}: {problem.strerror}")
            expression.status = 1
            return
        found = Found(path, info, depth)

        async def check() -> None:
            if depth >= expression.min:
                try:
                    if await test(found) and not expression.acts:
                        await put(process, path + "\n")
                except OSError as problem:
                    await complain(process, f"{problem.filename or path}: {problem.strerror}")
                    expression.status = 1
        if not expression.depth_first:
            await check()
        if stat.S_ISDIR(info.mode) and depth < expression.max and not found.prune:
            try:
                entries = process.fs.listdir(path)
            except OSError as problem:
                await complain(process, f"{path}: {problem.strerror}")
                expression.status = 1
                entries = []
            for entry in entries:
                await visit(f"{path.rstrip('/') if path != '/' else ''}/{entry}", depth + 1)
        if expression.depth_first:
            await check()

    try:
        for root in roots:
            await visit(root, 0)
        for command, paths in expression.batches:
            if paths and await expression.run([*command, *paths]):
                expression.status = 1
    except FindError as problem:
        await complain(process, str(problem))
        return 1
    except Quit:
        pass
    return expression.status


COMMANDS["find"] = find

"""test and [ (and [[, which busybox treats alike)."""
import stat

from ._applet import COMMANDS, complain

UNARY = set("bcdefghknprstuwxzLSGO")
BINARY = {"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"}


class TestSyntax(Exception):
    pass


async def test(process) -> int:
    words = process.argv[1:]
    closing = {"[": "]", "[[": "]]"}.get(process.argv[0].rpartition("/")[2])
    if closing:
        if not words or words[-1] != closing:
            await complain(process, f"missing {closing}")
            return 2
        words = words[:-1]
    try:
        return int(not _Test(process, words).value())
    except TestSyntax as problem:
        await complain(process, str(problem))
        return 2


class _Test:
    """XCU test: up to four words by their count, more by precedence (! before -a before -o)."""

    def __init__(self, process, words: list[str]):
        self.process, self.fs, self.words, self.at = process, process.fs, words, 0

    def value(self) -> bool:
        words = self.words
        if not words:
            return False
        if len(words) == 1:
            return words[0] != ""
        if len(words) == 3 and words[1] in BINARY:
            return self.binary(words[0], words[1], words[2])
        if words[0] == "!" and len(words) in (2, 3, 4) and not (len(words) == 4 and words[1] == "("):
            return not _Test(self.process, words[1:]).value()
        result = self.either()
        if self.at < len(words):
            raise TestSyntax(f"{words[self.at]}: unknown operand")
        return result

    def peek(self, ahead: int = 0) -> str | None:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else None

    def either(self) -> bool:
        result = self.both()
        while self.peek() == "-o":
            self.at += 1
            other = self.both()
            result = result or other
        return result

    def both(self) -> bool:
        result = self.negation()
        while self.peek() == "-a":
            self.at += 1
            other = self.negation()
            result = result and other
        return result

    def negation(self) -> bool:
        if self.peek() == "!":
            self.at += 1
            return not self.negation()
        return self.primary()

    def primary(self) -> bool:
        word = self.peek()
        if word is None:
            raise TestSyntax("argument expected")
        if word == "(" and self.peek(1) not in BINARY:
            self.at += 1
            result = self.either()
            if self.peek() != ")":
                raise TestSyntax("closing paren expected")
            self.at += 1
            return result
        if self.peek(1) in BINARY and self.peek(2) is not None:
            self.at += 3
            return self.binary(word, self.words[self.at - 2], self.words[self.at - 1])
        if len(word) == 2 and word[0] == "-" and word[1] in UNARY and self.peek(1) is not None:
            self.at += 2
            return self.unary(word[1], self.words[self.at - 1])
        if self.peek(1) in BINARY:
            raise TestSyntax(f"{self.peek(1)}: argument expected")
        self.at += 1
        return word != ""

    def binary(self, left: str, operator: str, right: str) -> bool:
        match operator:
            case "=" | "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case ">":
                return left > right
            case "-nt" | "-ot" | "-ef":
                first, second = self.stat(left), self.stat(right)
                if not first or not second:
                    return False
                if operator == "-ef":
                    return first.ino == second.ino
                return first.mtime > second.mtime if operator == "-nt" else first.mtime < second.mtime
        a, b = self.integer(left), self.integer(right)
        return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}[operator]

    @staticmethod
    def integer(text: str) -> int:
        try:
            if "_" in text:
                raise ValueError
            return int(text)
        except ValueError:
            raise TestSyntax(f"{text}: bad number") from None

    def stat(self, path: str, follow: bool = True):
        try:
            return self.fs.stat(path, follow)
        except OSError:
            return None

    def unary(self, letter: str, word: str) -> bool:
        match letter:
            case "n":
                return word != ""
            case "z":
                return word == ""
            case "t":
                stream = self.process.fds.get(self.integer(word))
                return stream is not None and stream.isatty()
            case "r" | "w" | "x":
                return self.fs.access(word, {"r": 4, "w": 2, "x": 1}[letter])
        found = self.stat(word, follow=letter not in "hL")
        if not found:
            return False
        match letter:
            case "e":
                return True
            case "s":
                return found.size > 0
            case "O":
                return found.uid == self.process.uid
            case "G":
                return found.gid == self.process.gid
            case "u":
                return bool(found.mode & stat.S_ISUID)
            case "g":
                return bool(found.mode & stat.S_ISGID)
            case "k":
                return bool(found.mode & stat.S_ISVTX)
        kind = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "b": stat.S_IFBLK, "c": stat.S_IFCHR, "p": stat.S_IFIFO, "S": stat.S_IFSOCK,
                "h": stat.S_IFLNK, "L": stat.S_IFLNK}[letter]
        return stat.S_IFMT(found.mode) == kind


COMMANDS["test"] = COMMANDS["["] = COMMANDS["[["] = test

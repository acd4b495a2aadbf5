"""The interactive prompt's line editor: arrows, history, completion, the emacs keys of busybox `libbb/lineedit.c`."""
import codecs
import re
import unicodedata

from .interpreter import BUILTINS, Interrupted

KEYS = {"\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down", "\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left",
        "\x1bOD": "left",
        "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home", "\x1b[7~": "home", "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end",
        "\x1b[8~": "end",
        "\x1b[3~": "delete", "\x1b[1;5C": "word right", "\x1b[1;5D": "word left", "\x1bf": "word right", "\x1bb": "word left",
        "\x01": "home", "\x05": "end", "\x02": "left", "\x06": "right", "\x10": "up", "\x0e": "down", "\x08": "backspace",
        "\x7f": "backspace",
        "\x04": "end of file", "\x0b": "cut to end", "\x15": "cut to start", "\x17": "cut word", "\x0c": "clear", "\t": "complete",
        "\r": "enter", "\n": "enter", "\x03": "interrupt"}
KEY = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|[a-z])|.", re.S)
PARTIAL = re.compile(r"\x1b(?:\[[0-9;]*|O)?$")
HISTORY_SIZE = 255


class LineEditor:
    def __init__(self, shell):
        self.shell = shell
        self.history: list[str] = shell.history
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.waiting = ""

    async def read_line(self, prompt: str) -> str | None:
        """A line with its newline; None at ^D. ^C raises Interrupted."""
        terminal = self.shell.process.terminal
        self.prompt, self.text, self.cursor, self.shown = prompt, "", 0, 0
        self.at_history, self.typed = len(self.history), ""
        terminal.raw = True
        try:
            self._write(prompt.replace("\n", "\r\n"))
            while True:
                while not self.waiting or PARTIAL.match(self.waiting):
                    data = await self.shell.process.stdin.read()
                    if not data:
                        return None
                    self.waiting += self.decoder.decode(data)
                match = KEY.match(self.waiting)
                self.waiting = self.waiting[match.end():]
                key = KEYS.get(match[0])
                if key == "enter":
                    self._write("\n")
                    self._remember()
                    return self.text + "\n"
                if key == "interrupt":
                    self._write("^C")
                    raise Interrupted
                if key == "end of file" and not self.text:
                    self._write("\n")
                    return None
                if key:
                    self._do("delete" if key == "end of file" else key)
                elif match[0] >= " ":
                    self._insert(match[0])
        finally:
            terminal.raw = False

    def _remember(self) -> None:
        if self.text.strip() and (not self.history or self.history[-1] != self.text):
            self.history.append(self.text)
            del self.history[:-HISTORY_SIZE]

    def _write(self, text: str) -> None:
        self.shell.process.terminal.write(text.replace("\r\n", "\n").encode())

    def _insert(self, text: str) -> None:
        self.text = self.text[:self.cursor] + text + self.text[self.cursor:]
        self.cursor += len(text)
        if self.cursor == len(self.text):
            self._write(text)
        else:
            rest = self.text[self.cursor:]
            self._write(text + rest + "\b" * width(rest))

    def _replace(self, text: str, cursor: int) -> None:
        """Shows another line with the cursor at `cursor`."""
        self._write("\b" * width(self.text[:self.cursor]) + text + "\x1b[J" + "\b" * width(text[cursor:]))
        self.text, self.cursor = text, cursor

    def _do(self, key: str) -> None:
        text, cursor = self.text, self.cursor
        match key:
            case "left":
                self._move(max(cursor - 1, 0))
            case "right":
                self._move(min(cursor + 1, len(text)))
            case "home":
                self._move(0)
            case "end":
                self._move(len(text))
            case "word left":
                self._move(self._word_start())
            case "word right":
                match = re.compile(r"\W*\w*").match(text, cursor)
                self._move(match.end())
            case "backspace" if cursor:
                self._replace(text[:cursor - 1] + text[cursor:], cursor - 1)
            case "delete" if cursor < len(text):
                self._replace(text[:cursor] + text[cursor + 1:], cursor)
            case "cut to end":
                self._replace(text[:cursor], cursor)
            case "cut to start":
                self._replace(text[cursor:], 0)
            case "cut word":
                start = self._word_start(r"\S*\s*$")
                self._replace(text[:start] + text[cursor:], start)
            case "up" | "down":
                self._browse(-1 if key == "up" else 1)
            case "clear":
                self._write("\x1b[H\x1b[J" + self.prompt.rpartition("\n")[2] + text + "\b" * width(text[cursor:]))
            case "complete":
                self._complete()

    def _word_start(self, pattern: str = r"\w*\W*$") -> int:
        return re.search(pattern, self.text[:self.cursor]).start()

    def _move(self, cursor: int) -> None:
        if cursor < self.cursor:
            self._write("\b" * width(self.text[cursor:self.cursor]))
        else:
            self._write(self.text[self.cursor:cursor])
        self.cursor = cursor

    def _browse(self, step: int) -> None:
        target = self.at_history + step
        if not 0 <= target <= len(self.history):
            return
        if self.at_history == len(self.history):
            self.typed = self.text
        self.at_history = target
        line = self.history[target] if target < len(self.history) else self.typed
        self._replace(line, len(line))

    def _complete(self) -> None:
        """Completes the word before the cursor: a command where one is expected, else a path."""
        before = self.text[:self.cursor]
        word = re.search(r"(?:\\.|[^\s;&|<>()\"'=])*$", before)[0]
        is_command = not re.search(r"[^\s;&|(]\s*$", before[:len(before) - len(word)]) and "/" not in word
        matches = sorted(self._commands(word) if is_command else self._paths(word))
        if not matches:
            return
        common = matches[0]
        for match in matches[1:]:
            while not match.startswith(common):
                common = common[:-1]
        if len(common) > len(word):
            ending = " " if len(matches) == 1 and not common.endswith("/") else ""
            self._insert(common[len(word):] + ending)
        elif len(matches) == 1:
            if not common.endswith("/"):
                self._insert(" ")
        else:
            names = [match.rstrip("/").rpartition("/")[2] + ("/" if match.endswith("/") else "") for match in matches]
            listing = columns(names, self.shell.process.terminal.columns)
            self._write("\n" + listing + self.prompt + self.text + "\b" * width(self.text[self.cursor:]))

    def _commands(self, prefix: str) -> set[str]:
        names = set(BUILTINS) | set(self.shell.functions) | set(self.shell.aliases)
        for folder in (self.shell.get("PATH") or "").split(":"):
            try:
                names.update(self.shell.fs.listdir(folder or "."))
            except OSError:
                pass
        return {name for name in names if name.startswith(prefix)}

    def _paths(self, word: str) -> set[str]:
        typed = re.sub(r"\\(.)", r"\1", word)
        folder, slash, prefix = typed.rpartition("/")
        where = folder + slash
        looked_in = (self.shell.home("") or "") + where[1:] if where.startswith("~/") else where
        try:
            names = self.shell.fs.listdir(looked_in or ".")
        except OSError:
            return set()
        found = set()
        for name in names:
            if name.startswith(prefix) and (prefix or not name.startswith(".")):
                path = word[:len(word) - len(prefix)] if not slash else word.rpartition("/")[0] + "/"
                escaped = re.sub(r"([\s\\\"'$&;|<>()*?\[\]])", r"\\\1", name)
                found.add(path + escaped + ("/" if self.shell.fs.isdir(looked_in + name) else ""))
        return found


def width(text: str) -> int:
    """Terminal cells."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1 for char in text)


def columns(names: list[str], total: int) -> str:
    """Names in columns, down first, as `ls` on a terminal."""
    if not names:
        return ""
    cell = max(width(name) for name in names) + 2
    across = max(total // cell, 1)
    rows = -(-len(names) // across)
    lines = []
    for row in range(rows):
        cells = names[row::rows]
        lines.append("".join(name + " " * (cell - width(name)) for name in cells[:-1]) + cells[-1] + "\n")
    return "".join(lines)

"""echo. No getopt: `echo -nx` is text."""
import re

from ...shell.parser import unescape
from ._applet import COMMANDS, put


async def echo(process) -> int:
    words = process.argv[1:]
    newline, escapes = True, False
    while words and re.fullmatch("-[neE]+", words[0]):
        for letter in words.pop(0)[1:]:
            newline = newline and letter != "n"
            escapes = letter == "e" if letter in "eE" else escapes
    text = " ".join(words)
    if escapes:
        before, stop, _ = split_at_c(text)
        text, newline = unescape(before, octal_zero=True), newline and not stop
    await put(process, text + ("\n" if newline else ""))
    return 0


def split_at_c(text: str) -> tuple[str, str, str]:
    """Around the first \\c, which ends the output."""
    match = re.match(r"((?:[^\\]|\\[^c])*)(\\c)?(.*)", text, re.S)
    return match[1] if match[2] else text, match[2] or "", match[3]


COMMANDS["echo"] = echo

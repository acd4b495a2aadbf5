"""sort."""
import itertools
import re
from functools import cmp_to_key

from ._applet import Failure, applet, encode, inputs, lines, put

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
SCALE = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


class Key:
    """-k F[.C][letters][,F[.C][letters]]."""

    def __init__(self, text: str, default: str):
        match = re.fullmatch(r"(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?", text)
        if not match:
            raise Failure("bad field specification")
        self.first, self.first_char = int(match[1]) - 1, int(match[2] or 1) - 1
        self.last, self.last_char = int(match[4] or 0) - 1 if match[4] else None, int(match[5] or 0)
        self.letters = (match[3] or "") + (match[6] or "") or default

    def text(self, line: str, separator: str | None) -> str:
        if separator:
            spans, at = [], 0
            for part in line.split(separator):
                spans.append((at, at + len(part)))
                at += len(part) + 1
        else:
            spans = [match.span() for match in re.finditer(r"\s*\S+", line)]
        if self.first >= len(spans):
            return ""
        start = spans[self.first][0] + self.first_char
        if self.last is None or self.last >= len(spans):
            end = len(line)
        else:
            end = spans[self.last][0] + self.last_char if self.last_char else spans[self.last][1]
        text = line[start:end]
        return text.lstrip() if "b" in self.letters else text


def value(text: str, letters: str):
    if "n" in letters or "g" in letters:
        match = re.match(r"\s*(-?\d*\.?\d*(?:[eE][-+]?\d+)?)", text)
        try:
            return float(match[1])
        except ValueError:
            return 0.0
    if "h" in letters:
        match = re.match(r"\s*(-?\d*\.?\d*)([kKMGTP]?)", text)
        return (SCALE[match[2]], float(match[1])) if match[1] not in ("", "-", ".") else (0, 0.0)
    if "M" in letters:
        word = text.strip()[:3].lower()
        return MONTHS.index(word) + 1 if word in MONTHS else 0
    if "V" in letters:
        return [(1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]
    if "d" in letters:
        text = "".join(char for char in text if char.isalnum() or char.isspace())
    return encode(text.upper() if "f" in letters else text)


@applet("sort", "[-nrughMcszbdfiokt] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]]] [-t CHAR] [FILE]...", "nrughMcszbdfiVo:k:t:S:T:mC",
        {"reverse": "r", "numeric-sort": "n", "unique": "u", "key=": "k", "field-separator=": "t"}, status=2)
async def sort(process, options, arguments):
    letters = "".join(letter for letter in "nghMVbdf" if options[letter])
    keys = [Key(text, letters + ("r" if options["r"] else "")) for text in options.all("k")]
    separator = options["t"] or None
    texts = []
    async for _name, stream in inputs(process, arguments):
        if stream is None:
            return 2
        async for line in lines(process, stream):
            texts.append(line.rstrip(b"\n").decode("utf-8", "surrogateescape"))

    def compare(a: str, b: str) -> int:
        for key in keys:
            x, y = value(key.text(a, separator), key.letters), value(key.text(b, separator), key.letters)
            if x != y:
                return (-1 if x < y else 1) * (-1 if "r" in key.letters else 1)
        if not keys:
            x, y = value(a, letters), value(b, letters)
            if x != y:
                return (-1 if x < y else 1) * (-1 if options["r"] else 1)
        return 0

    def last_resort(a: str, b: str) -> int:
        result = compare(a, b)
        if result or options["s"] or options["u"]:
            return result
        x, y = encode(a), encode(b)
        return ((x > y) - (x < y)) * (-1 if options["r"] else 1)

    if options["c"]:
        for line, (before, after) in enumerate(itertools.pairwise(texts), 1):
            if compare(before, after) > (-1 if options["u"] else 0):
                await put(process, f"Check line {line}\n", 2)
                return 1
        return 0
    texts.sort(key=cmp_to_key(last_resort))
    if options["u"]:
        texts = [text for index, text in enumerate(texts) if index == 0 or compare(texts[index - 1], text) != 0]
    output = "".join(text + "\n" for text in texts)
    if options["o"]:
        process.fs.write(options["o"], encode(output))
    else:
        await put(process, output)

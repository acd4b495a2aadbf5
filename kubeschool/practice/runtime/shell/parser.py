"""POSIX shell grammar (XCU 2.10) as busybox ash reads it: text -> syntax tree, one complete line at a time.

Recursive descent rather than tree-sitter-bash: that grammar has no error tokens to quote (ash says which token was unexpected and
which it wanted), takes `done` and `a;;b` as commands, gives `! a | b` and `cat <<A; cat <<B` the wrong shape, and splits
`a\\<newline>b` in two words.
Messages follow busybox `shell/ash.c` (synexpect, raise_error_syntax).
"""
import math
import re
from dataclasses import dataclass, field

KEYWORDS = {"!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while", "{", "}"}
LIST_ENDS = {"esac", "fi", "done", "}", ")", "then", "else", "elif", "do", ";;"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
OPERATOR = re.compile(r"&&|\|\||;;|[;&|()]")
REDIRECTION = re.compile(r"([0-9]?)(<<-|<<|<&|<>|>>|>&|>\||<|>)|(&>>?)")
LENGTH = re.compile(r"#([A-Za-z0-9_@*$!]|[-?#]\})")
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
WORD_END = frozenset(" \t\n;&|<>()")


class ShellSyntaxError(Exception):
    """ash's message; `incomplete` when more input could make the command valid."""

    def __init__(self, message: str, incomplete: bool = False):
        super().__init__(message)
        self.incomplete = incomplete


# --- words ---

@dataclass(slots=True)
class Literal:
    text: str
    quoted: bool


@dataclass(slots=True)
class Parameter:
    """${name OPERATOR word}. operator: "", "length", "bad" (ash complains when it expands it), one of :- - := = :? ? :+ + # ## % %%,
    ":" (offset, length), "/" or "//" (pattern, replacement)."""
    name: str
    quoted: bool
    operator: str = ""
    word: "Word | None" = None
    second: "Word | None" = None


@dataclass(slots=True)
class Substitution:
    """$(list) or `list`."""
    body: "Node | None"
    quoted: bool


@dataclass(slots=True)
class Arithmetic:
    expression: "Word"
    quoted: bool


@dataclass(slots=True)
class Word:
    """`plain` is the text of a word without any quoting or expansion."""
    parts: list
    plain: str | None = None


# --- commands ---

@dataclass(slots=True)
class Redirect:
    """operator: < > >> >| <> <& >& &> &>> or << (target: the here-document's Word)."""
    fd: int
    operator: str
    target: Word


@dataclass(slots=True)
class Simple:
    assignments: list[tuple[str, Word]]
    words: list[Word]
    redirects: list[Redirect]
    line: int = 0


@dataclass(slots=True)
class Pipeline:
    commands: list
    negated: bool


@dataclass(slots=True)
class AndOr:
    left: "Node"
    operator: str
    right: "Node"


@dataclass(slots=True)
class Sequence:
    """Commands one after the other; (node, in the background?)."""
    items: list[tuple["Node", bool]]


@dataclass(slots=True)
class Subshell:
    body: "Node"
    redirects: list[Redirect]


@dataclass(slots=True)
class Group:
    body: "Node"
    redirects: list[Redirect]


@dataclass(slots=True)
class If:
    """clauses: (condition, body) of if and every elif."""
    clauses: list[tuple["Node", "Node"]]
    otherwise: "Node | None"
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Loop:
    """while, or until when `until`."""
    condition: "Node"
    body: "Node"
    until: bool
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class For:
    """words None: over "$@"."""
    name: str
    words: list[Word] | None
    body: "Node"
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    word: Word
    items: list[tuple[list[Word], "Node | None"]]
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    name: str
    body: "Node"


Node = Simple | Pipeline | AndOr | Sequence | Subshell | Group | If | Loop | For | Case | Function


@dataclass(slots=True)
class Token:
    """kind: word, operator, redirection, newline, end."""
    kind: str
    text: str = ""
    word: Word | None = None
    fd: int | None = None

    @property
    def keyword(self) -> str | None:
        """The reserved word or operator this is, where one may stand."""
        if self.kind == "operator":
            return self.text
        return self.word.plain if self.kind == "word" and self.word.plain in KEYWORDS else None

    def describe(self, keywords: bool) -> str:
        if self.kind == "operator" or (keywords and self.keyword):
            return f'"{self.keyword}"'
        return {"end": "end of file"}.get(self.kind, self.kind)


def assignment_in(word: Word) -> tuple[str, Word] | None:
    """(name, value) when the word is `name=value`."""
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Literal) or first.quoted or not (match := ASSIGNMENT.match(first.text)):
        return None
    rest = first.text[match.end():]
    parts = ([Literal(rest, False)] if rest else []) + word.parts[1:]
    return match[1], Word(parts, word.plain[match.end():] if word.plain is not None else None)


class Parser:
    """`next_command()` gives the tree of one complete line. `more`: input may still grow, so an open here-document is incomplete."""

    def __init__(self, text: str, *, line: int = 0, more: bool = False, aliases: dict[str, str] | None = None):
        self.text, self.pos, self.more = text, 0, more
        self.aliases = {} if aliases is None else aliases
        self._token: Token | None = None
        self._token_start = 0
        self._heredocs: list[tuple[Redirect, str, bool, bool]] = []
        self._base_line, self._counted = line, (0, 0)

    @property
    def line(self) -> int:
        position, lines = self._counted
        lines += self.text.count("\n", position, self.pos)
        self._counted = (self.pos, lines)
        return self._base_line + lines

    # --- tokens ---

    def _skip_blanks(self) -> None:
        text = self.text
        while self.pos < len(text):
            if text[self.pos] in " \t":
                self.pos += 1
            elif text.startswith("\\\n", self.pos):
                self.pos += 2
            elif text[self.pos] == "#":
                end = text.find("\n", self.pos)
                self.pos = len(text) if end < 0 else end
            else:
                return

    def peek(self) -> Token:
        if self._token is None:
            self._skip_blanks()
            self._token_start = self.pos
            self._token = self._read_token()
        return self._token

    def take(self) -> Token:
        token = self.peek()
        self._token = None
        return token

    def _read_token(self) -> Token:
        text = self.text
        if self.pos >= len(text):
            if self._heredocs:
                self._read_heredocs()
            return Token("end")
        if text[self.pos] == "\n":
            self.pos += 1
            self._read_heredocs()
            return Token("newline", "\n")
        if match := REDIRECTION.match(text, self.pos):
            self.pos = match.end()
            digit, operator, both = match.groups()
            return Token("redirection", operator or both, fd=int(digit) if digit else None)
        if match := OPERATOR.match(text, self.pos):
            self.pos = match.end()
            return Token("operator", match[0])
        return Token("word", word=self._word())

    def _unexpected(self, expected: str | None = None, keywords: bool = True) -> ShellSyntaxError:
        token = self.peek()
        message = f"syntax error: unexpected {token.describe(keywords)}"
        if expected:
            message += " (expecting word)" if expected == "word" else f' (expecting "{expected}")'
        return ShellSyntaxError(message, incomplete=token.kind == "end")

    def _expect(self, keyword: str) -> None:
        if self.peek().keyword != keyword:
            raise self._unexpected(keyword)
        self.take()

    def _skip_newlines(self) -> None:
        while self.peek().kind == "newline":
            self.take()

    # --- grammar ---

    def next_command(self) -> Node | None:
        """One line's commands; None at the end of the input. A blank line is an empty Sequence."""
        token = self.peek()
        if token.kind == "end":
            return None
        if token.kind == "newline":
            self.take()
            return Sequence([])
        node = self._list(line_only=True)
        if self.peek().kind not in ("newline", "end"):
            raise self._unexpected(keywords=self.peek().keyword in LIST_ENDS)
        self.take()
        return node

    def _list(self, line_only: bool = False, may_be_empty: bool = False) -> Node | None:
        items: list[tuple[Node, bool]] = []
        if not line_only:
            self._skip_newlines()
            token = self.peek()
            if token.kind == "end" or (may_be_empty and token.keyword in LIST_ENDS):
                return None
        while True:
            node = self._and_or()
            background = self.peek().keyword == "&"
            items.append((node, background))
            if self.peek().keyword in ("&", ";"):
                self.take()
            elif self.peek().kind != "newline" or line_only:
                break
            if not line_only:
                self._skip_newlines()
            token = self.peek()
            if token.kind in ("end", "newline") or token.keyword in LIST_ENDS:
                break
        return items[0][0] if len(items) == 1 and not items[0][1] else Sequence(items)

    def _and_or(self) -> Node:
        left = self._pipeline()
        while (operator := self.peek().keyword) in ("&&", "||"):
            self.take()
            self._skip_newlines()
            left = AndOr(left, operator, self._pipeline())
        return left

    def _pipeline(self) -> Node:
        negated = self.peek().keyword == "!"
        if negated:
            self.take()
        commands = [self._command()]
        while self.peek().keyword == "|":
            self.take()
            self._skip_newlines()
            commands.append(self._command())
        return commands[0] if len(commands) == 1 and not negated else Pipeline(commands, negated)

    def _command(self) -> Node:
        token = self.peek()
        compound = {"if": self._if, "while": self._loop, "until": self._loop, "for": self._for, "case": self._case,
                    "{": self._group, "(": self._subshell}.get(token.keyword)
        if compound:
            node = compound()
            while self.peek().kind == "redirection":
                node.redirects.append(self._redirect())
            return node
        if token.keyword or token.kind in ("newline", "end"):
            raise self._unexpected()
        return self._simple()

    def _if(self) -> If:
        clauses, otherwise = [], None
        while self.peek().keyword in ("if", "elif"):
            self.take()
            condition = self._list()
            self._expect("then")
            clauses.append((condition, self._list()))
        if self.peek().keyword == "else":
            self.take()
            otherwise = self._list()
        self._expect("fi")
        return If(clauses, otherwise)

    def _loop(self) -> Loop:
        until = self.take().keyword == "until"
        condition = self._list()
        return Loop(condition, self._do_group(), until)

    def _do_group(self) -> Node:
        self._expect("do")
        body = self._list()
        self._expect("done")
        return body

    def _for(self) -> For:
        self.take()
        name = self.peek().word
        if self.peek().kind != "word" or not name.plain or not NAME.fullmatch(name.plain):
            raise ShellSyntaxError("syntax error: bad for loop variable", incomplete=self.peek().kind == "end")
        self.take()
        self._skip_newlines()
        words = None
        if self.peek().keyword == "in":
            self.take()
            words = []
            while self.peek().kind == "word":
                words.append(self.take().word)
            if self.peek().kind != "newline" and self.peek().keyword != ";":
                raise self._unexpected(keywords=False)
            self.take()
        elif self.peek().keyword == ";":
            self.take()
        self._skip_newlines()
        return For(name.plain, words, self._do_group())

    def _case(self) -> Case:
        self.take()
        if self.peek().kind != "word":
            raise self._unexpected("word")
        word = self.take().word
        self._skip_newlines()
        self._expect("in")
        self._skip_newlines()
        items = []
        while self.peek().keyword != "esac":
            if self.peek().keyword == "(":
                self.take()
            patterns = []
            while True:
                if self.peek().kind == "word":
                    patterns.append(self.take().word)
                elif self.peek().kind != "end":
                    raise self._unexpected(keywords=False)
                if self.peek().keyword != "|":
                    break
                self.take()
            self._expect(")")
            body = self._list(may_be_empty=True)
            items.append((patterns, body))
            if self.peek().keyword == ";;":
                self.take()
            elif self.peek().keyword != "esac":
                raise self._unexpected(";;")
            self._skip_newlines()
        self.take()
        return Case(word, items)

    def _group(self) -> Group:
        self.take()
        body = self._list()
        self._expect("}")
        return Group(body, [])

    def _subshell(self) -> Subshell:
        self.take()
        body = self._list()
        self._expect(")")
        return Subshell(body, [])

    def _simple(self) -> Node:
        command = Simple([], [], [], self.line)
        expanding: set[str] = set()
        also_after = math.inf
        """The position from which the next word may be an alias too: where the value of one that ends in a blank ends."""
        while True:
            token = self.peek()
            if token.kind == "redirection":
                command.redirects.append(self._redirect())
            elif token.kind == "word":
                assignment = not command.words and assignment_in(token.word)
                if assignment:
                    command.assignments.append(assignment)
                elif (not command.words or self._token_start >= also_after) and token.word.plain in self.aliases.keys() - expanding:
                    value = self.aliases[token.word.plain]
                    expanding.add(token.word.plain)
                    also_after = self._token_start + len(value) if value.endswith((" ", "\t")) else math.inf
                    self.text = self.text[:self._token_start] + value + " " + self.text[self.pos:]
                    self.pos, self._token, self._counted = self._token_start, None, (self._token_start, self._counted[1])
                    if self.peek().keyword:
                        return self._command()
                    continue
                else:
                    if self._token_start >= also_after:
                        also_after = math.inf
                    command.words.append(token.word)
                self.take()
                if len(command.words) == 1 and token.word.plain == "function" and self.peek().kind == "word":
                    return self._bash_function()
            elif token.keyword == "(" and len(command.words) == 1 and not command.assignments and not command.redirects:
                return self._function(command.words[0])
            else:
                return command

    def _function(self, name: Word) -> Function:
        self.take()
        self._skip_blanks()
        if self.peek().keyword != ")":
            raise self._unexpected(")", keywords=False)
        self.take()
        if not name.plain or not NAME.fullmatch(name.plain):
            raise ShellSyntaxError("syntax error: bad function name")
        self._skip_newlines()
        return Function(name.plain, self._command())

    def _bash_function(self) -> Function:
        """`function name { …; }`, with or without ()."""
        name = self.take().word
        if self.peek().keyword == "(":
            return self._function(name)
        self._skip_newlines()
        return Function(name.plain, self._command())

    def _redirect(self) -> Redirect:
        token = self.take()
        if self.peek().kind != "word":
            raise self._unexpected(keywords=False)
        start = self._token_start
        target = self.take().word
        fd = token.fd if token.fd is not None else 0 if token.text[0] == "<" else 1
        redirect = Redirect(fd, token.text[:2] if token.text == "<<-" else token.text, target)
        if token.text.startswith("<<"):
            raw = self.text[start:self.pos]
            delimiter = "".join(part.text for part in target.parts if isinstance(part, Literal)) if any(c in raw for c in "\\'\"") else raw
            self._heredocs.append((redirect, delimiter, delimiter != raw, token.text == "<<-"))
        return redirect

    def _read_heredocs(self) -> None:
        waiting, self._heredocs = self._heredocs, []
        for redirect, delimiter, raw, strip_tabs in waiting:
            lines, ended = [], False
            while self.pos < len(self.text) and not ended:
                end = self.text.find("\n", self.pos)
                line = self.text[self.pos:] if end < 0 else self.text[self.pos:end + 1]
                self.pos += len(line)
                while not raw and line.endswith("\\\n") and not line.endswith("\\\\\n") and self.pos < len(self.text):
                    end = self.text.find("\n", self.pos)
                    more = self.text[self.pos:] if end < 0 else self.text[self.pos:end + 1]
                    self.pos += len(more)
                    line = line[:-2] + more
                if strip_tabs:
                    line = line.lstrip("\t")
                ended = line.rstrip("\n") == delimiter
                if not ended:
                    lines.append(line)
            if not ended and self.more:
                raise ShellSyntaxError("syntax error: unexpected end of file", incomplete=True)
            body = "".join(lines)
            redirect.target = Word([Literal(body, True)]) if raw else Parser(body)._heredoc()

    def _heredoc(self) -> Word:
        return Word(self._scan("", quoted=True, escapes="$`\\"))

    # --- words ---

    def _word(self) -> Word:
        start = self.pos
        parts = self._scan(WORD_END)
        plain = self.text[start:self.pos]
        is_plain = len(parts) == 1 and isinstance(parts[0], Literal) and not parts[0].quoted and parts[0].text == plain
        return Word(parts, plain if is_plain else None)

    def _scan(self, stop, *, quoted: bool = False, escapes: str = "$`\"\\", brace: bool = False) -> list:
        """Word parts up to a character in `stop` (not taken). `quoted`: as inside double quotes; `brace`: inside ${…}."""
        parts: list = []
        text = self.text

        def literal(value: str, is_quoted: bool) -> None:
            if parts and isinstance(parts[-1], Literal) and parts[-1].quoted == is_quoted:
                parts[-1].text += value
            else:
                parts.append(Literal(value, is_quoted))

        while self.pos < len(text):
            char = text[self.pos]
            if char in stop:
                break
            if char == "\\":
                following = text[self.pos + 1:self.pos + 2]
                self.pos += 2
                if following == "\n":
                    continue
                if quoted and following not in escapes:
                    literal("\\" + following, True)
                else:
                    literal(following or "\\", True)
            elif char == "'" and not quoted:
                literal(self._single_quoted(), True)
            elif char == '"' and (brace or not quoted):
                self.pos += 1
                inner = self._scan('"', quoted=True)
                if self.pos >= len(text):
                    raise ShellSyntaxError("syntax error: unterminated quoted string", incomplete=True)
                self.pos += 1
                for part in inner or [Literal("", True)]:
                    literal(part.text, True) if isinstance(part, Literal) else parts.append(part)
            elif char == "$":
                part = self._dollar(quoted)
                literal(part, quoted or part != "$") if isinstance(part, str) else parts.append(part)
            elif char == "`":
                parts.append(self._backquoted(quoted))
            else:
                literal(char, quoted)
                self.pos += 1
        return parts

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.pos + 1)
        if end < 0:
            raise ShellSyntaxError("syntax error: unterminated quoted string", incomplete=True)
        value = self.text[self.pos + 1:end]
        self.pos = end + 1
        return value

    def _dollar(self, quoted: bool):
        text = self.text
        following = text[self.pos + 1:self.pos + 2]
        if following == "{":
            self.pos += 2
            return self._braces(quoted)
        if text.startswith("$((", self.pos):
            return self._arithmetic(quoted)
        if following == "(":
            self.pos += 2
            return Substitution(self._nested(), quoted)
        if following == "'" and not quoted:
            return self._ansi_quoted()
        match = PARAMETER.match(text, self.pos + 1)
        if match:
            name = match[0][0] if match[0].isdigit() else match[0]
            self.pos += 1 + len(name)
            return Parameter(name, quoted)
        self.pos += 1
        return "$"

    def _nested(self) -> Node | None:
        """The list inside $( ), which shares this text."""
        saved, saved_start, self._token = self._token, self._token_start, None
        heredocs, self._heredocs = self._heredocs, []
        body = self._list(may_be_empty=True)
        self._expect(")")
        self._token, self._token_start, self._heredocs = saved, saved_start, heredocs
        return body

    def _backquoted(self, quoted: bool) -> Substitution:
        self.pos += 1
        body = []
        while True:
            if self.pos >= len(self.text):
                raise ShellSyntaxError("syntax error: EOF in backquote substitution", incomplete=True)
            char = self.text[self.pos]
            if char == "`":
                break
            if char == "\\" and self.text[self.pos + 1:self.pos + 2] in (("`", "\\", "$", '"') if quoted else ("`", "\\", "$")):
                self.pos += 1
                char = self.text[self.pos]
            body.append(char)
            self.pos += 1
        self.pos += 1
        parser, items = Parser("".join(body), aliases=self.aliases), []
        while (node := parser.next_command()) is not None:
            items.append((node, False))
        return Substitution(Sequence(items), quoted)

    def _arithmetic(self, quoted: bool) -> Arithmetic:
        self.pos += 3
        parts: list = []
        depth = 0
        while self.pos < len(self.text):
            parts += self._scan("()", quoted=True, brace=True)
            if self.pos >= len(self.text):
                break
            char = self.text[self.pos]
            if char == ")" and depth == 0:
                if self.text.startswith("))", self.pos):
                    self.pos += 2
                    return Arithmetic(Word(parts), quoted)
                break
            depth += 1 if char == "(" else -1
            parts.append(Literal(char, True))
            self.pos += 1
        raise ShellSyntaxError("syntax error: missing '))'", incomplete=self.pos >= len(self.text))

    def _braces(self, quoted: bool) -> Parameter:
        text = self.text
        length = bool(LENGTH.match(text, self.pos))
        if length:
            self.pos += 1
        match = PARAMETER.match(text, self.pos)
        if not match:
            return self._bad_substitution(quoted)
        self.pos = match.end()
        if length:
            return self._closed(Parameter(match[0], quoted, "length"))
        operator = re.compile(r":[-=?+]|[-=?+]|##?|%%?|//?|:|").match(text, self.pos)[0]
        self.pos += len(operator)
        word = second = None
        if operator == ":":
            if text[self.pos:self.pos + 1] == "}":
                raise ShellSyntaxError("syntax error: missing '}'")
            word = Word(self._scan(":}", quoted=True, brace=True))
            if text[self.pos:self.pos + 1] == ":":
                self.pos += 1
                second = Word(self._scan("}", quoted=True, brace=True))
        elif operator in ("/", "//"):
            word = Word(self._scan("/}", brace=True))
            second = Word([])
            if text[self.pos:self.pos + 1] == "/":
                self.pos += 1
                second = Word(self._scan("}", brace=True))
        elif operator in ("#", "##", "%", "%%"):
            word = Word(self._scan("}", brace=True))
        elif operator:
            word = Word(self._scan("}", quoted=quoted, escapes="$`\"\\}", brace=True))
        return self._closed(Parameter(match[0], quoted, operator, word, second))

    def _closed(self, parameter: Parameter) -> Parameter:
        if self.text[self.pos:self.pos + 1] != "}":
            return self._bad_substitution(parameter.quoted)
        self.pos += 1
        return parameter

    def _bad_substitution(self, quoted: bool) -> Parameter:
        self._scan("}", quoted=quoted, brace=True)
        if self.pos >= len(self.text):
            raise ShellSyntaxError("syntax error: missing '}'", incomplete=True)
        self.pos += 1
        return Parameter("", quoted, "bad")

    def _ansi_quoted(self) -> str:
        """$'…' (a bash form busybox takes)."""
        match = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.S).match(self.text, self.pos)
        if not match:
            raise ShellSyntaxError("syntax error: unterminated quoted string", incomplete=True)
        self.pos = match.end()
        return unescape(match[1])


ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}


def unescape(text: str, octal_zero: bool = False) -> str:
    """Backslash escapes of $'…' and printf formats (\\NNN), or with `octal_zero` of echo -e and %b (\\0NNN)."""
    octal = r"0[0-7]{0,3}|[1-7][0-7]{0,2}" if octal_zero else r"[0-7]{1,3}"

    def replace(match: re.Match) -> str:
        escape = match[1]
        if escape[0] == "x" and len(escape) > 1:
            return bytes([int(escape[1:], 16)]).decode("utf-8", "surrogateescape")
        if escape[0].isdigit():
            return bytes([int(escape, 8) & 255]).decode("utf-8", "surrogateescape")
        return ESCAPES.get(escape, match[0])

    return re.sub(rf"\\(x[0-9a-fA-F]{{1,2}}|{octal}|.)", replace, text, flags=re.S)

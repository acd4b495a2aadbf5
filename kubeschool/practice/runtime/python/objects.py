"""What interpreted programs are made of, besides None, bool, int, float, str, bytes, list, dict, tuple, set and range."""
import ast
from collections.abc import Callable
from dataclasses import dataclass, field

PLAIN = (type(None), bool, int, float, str, bytes, list, dict, tuple, set, frozenset, range)
_METHODS = {
    str: """capitalize casefold center count encode endswith find format index isalnum isalpha isascii isdecimal isdigit isidentifier
            islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust
            rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill""",
    bytes: """count decode endswith find hex index join lower lstrip partition replace rfind rsplit rstrip split splitlines startswith strip
              upper""",
    list: "append clear copy count extend index insert pop remove reverse sort",
    dict: "clear copy get items keys pop popitem setdefault update values",
    set: """add clear copy difference discard intersection isdisjoint issubset issuperset pop remove symmetric_difference union update""",
    tuple: "count index", int: "bit_length", float: "is_integer",
}
METHODS = {kind: frozenset(names.split()) for kind, names in _METHODS.items()}
"""The methods of built-in types that programs may call; there is no way to any other attribute."""
MOST, MOST_BYTES, MOST_BITS, MOST_NESTED = 1_000_000, 64 << 20, 1_000_000, 50_000
"""Elements, bytes of text, bits of a number that a single operation may make, and containers it may go through."""


class Raised(Exception):
    """An exception of the interpreted program."""

    def __init__(self, value: "Instance"):
        super().__init__()
        self.value = value
        self.frames: list[tuple[str, str, int]] = []


@dataclass(eq=False)
class Class:
    name: str
    bases: "tuple[Class, ...]" = ()
    attributes: dict = field(default_factory=dict)

    def find(self, name: str):
        """(found, value) along the bases."""
        if name in self.attributes:
            return True, self.attributes[name]
        for base in self.bases:
            found, value = base.find(name)
            if found:
                return True, value
        return False, None

    def is_a(self, other: "Class") -> bool:
        return self is other or any(base.is_a(other) for base in self.bases)


@dataclass(eq=False)
class Instance:
    kind: Class
    attributes: dict = field(default_factory=dict)


@dataclass(eq=False)
class Scope:
    values: dict
    outer: "Scope | None" = None
    globals: set = field(default_factory=set)
    nonlocals: set = field(default_factory=set)


@dataclass(eq=False)
class Function:
    name: str
    arguments: ast.arguments
    body: list | ast.expr
    scope: Scope
    defaults: list
    keyword_defaults: list


@dataclass(eq=False)
class Bound:
    function: object
    owner: object


@dataclass(eq=False)
class Builtin:
    """`run(interpreter, *arguments, **keywords)`, a function or a coroutine function. `kind`: the type that it makes."""

    name: str
    run: Callable
    kind: type | None = None


@dataclass(eq=False)
class Module:
    name: str
    attributes: dict


def _exceptions() -> dict[str, Class]:
    tree = {
        "BaseException": "", "SystemExit": "BaseException", "KeyboardInterrupt": "BaseException", "Exception": "BaseException",
        "ArithmeticError": "Exception", "ZeroDivisionError": "ArithmeticError", "OverflowError": "ArithmeticError",
        "AssertionError": "Exception", "AttributeError": "Exception", "EOFError": "Exception", "ImportError": "Exception",
        "ModuleNotFoundError": "ImportError", "LookupError": "Exception", "IndexError": "LookupError", "KeyError": "LookupError",
        "MemoryError": "Exception", "NameError": "Exception", "UnboundLocalError": "NameError", "OSError": "Exception",
        "FileNotFoundError": "OSError", "FileExistsError": "OSError", "IsADirectoryError": "OSError", "NotADirectoryError": "OSError",
        "PermissionError": "OSError", "ConnectionError": "OSError", "ConnectionRefusedError": "ConnectionError",
        "ConnectionResetError": "ConnectionError", "TimeoutError": "OSError", "RuntimeError": "Exception",
        "NotImplementedError": "RuntimeError", "RecursionError": "RuntimeError", "StopIteration": "Exception", "SyntaxError": "Exception",
        "TypeError": "Exception", "ValueError": "Exception", "UnicodeError": "ValueError",
    }
    found: dict[str, Class] = {}
    for name, base in tree.items():
        found[name] = Class(name, (found[base],) if base else ())
    return found


EXCEPTIONS = _exceptions()


def error(name: str, *args) -> Raised:
    return Raised(Instance(EXCEPTIONS[name], {"args": args}))


def translated(problem: BaseException) -> Raised:
    """What an operation of the host's Python raised, as an exception of the program."""
    if isinstance(problem, OSError):
        name = next((kind.__name__ for kind in type(problem).__mro__ if kind.__name__ in EXCEPTIONS), "OSError")
        where = f": {problem.filename!r}" if problem.filename else ""
        raised = error(name, f"[Errno {problem.errno}] {problem.strerror}{where}" if problem.errno else str(problem))
        raised.value.attributes |= {"errno": problem.errno, "strerror": problem.strerror}
        return raised
    name = next((kind.__name__ for kind in type(problem).__mro__ if kind.__name__ in EXCEPTIONS), "RuntimeError")
    return error(name, *(arg if isinstance(arg, PLAIN) else str(arg) for arg in problem.args))


def bounded(*values) -> None:
    """Raises MemoryError for more than MOST_NESTED containers in one another, each counted as often as it is reached: comparing, hashing
    or printing them would never end."""
    waiting, count = [value for value in values if isinstance(value, list | tuple | dict | set)], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_NESTED:
            raise error("MemoryError")
        waiting += [each for each in value if isinstance(each, list | tuple | dict | set)]
        if isinstance(value, dict):
            waiting += [each for each in value.values() if isinstance(each, list | tuple | dict | set)]


def type_name(value) -> str:
    match value:
        case Instance():
            return value.kind.name
        case Class():
            return "type"
        case Function() | Bound():
            return "function"
        case Builtin():
            return "type" if value.kind else "builtin_function_or_method"
        case Module():
            return "module"
    return type(value).__name__

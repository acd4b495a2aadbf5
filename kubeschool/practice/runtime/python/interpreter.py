"""Walks the syntax tree of a program. Everything a program can reach goes through `attribute`, `call` and the operations here."""
import ast
import asyncio
import inspect
import operator
import re
import sys
from collections.abc import AsyncIterator
from contextvars import ContextVar

from ..process import SIGINT, Process
from ..shell.pace import Pace
from .objects import (
    EXCEPTIONS,
    METHODS,
    MOST,
    MOST_BITS,
    MOST_BYTES,
    Bound,
    Builtin,
    Class,
    Function,
    Instance,
    Module,
    Raised,
    Scope,
    bounded,
    error,
    translated,
    type_name,
)

BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
          ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
          ast.LShift: operator.lshift, ast.RShift: operator.rshift}
UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert}
COMPARE = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
           ast.Gt: operator.gt, ast.GtE: operator.ge}
MISSING = (ast.Yield, ast.YieldFrom, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await, ast.Match, ast.TryStar)
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w*)(?:!([rs]))?(?::([^{}]*))?\}")
WIDE = ("center", "ljust", "rjust", "zfill")
RESIDENT, MOST_MEMORY = 9 << 20, 256 << 20
"""What Python takes before a program does, and what a program may take where nothing else limits it; in bytes."""
STEPS, ALLOCATED = 20_000, 8 << 20
"""How many steps, and bytes, may pass between two looks at what the program holds."""


class Break(Exception):
    pass


class Continue(Exception):
    pass


class Return(Exception):
    def __init__(self, value):
        self.value = value


class Interpreter:
    def __init__(self, process: Process, argv: list[str]):
        from .modules import builtins
        self.process, self.argv = process, argv
        self.builtins = builtins()
        self.globals = Scope({"__name__": "__main__"})
        self.modules: dict[str, Module] = {}
        self.pace = Pace(process)
        self._frames: ContextVar[list[list]] = ContextVar("frames")
        self.scopes: list[Scope] = [self.globals]
        self.steps = self.allocated = 0
        self.signals: dict[int, object] = {}
        self.pending: list[int] = []
        self.file, self.lines = "<string>", []
        self.unbuffered = bool(process.env.get("PYTHONUNBUFFERED")) or process.stdout.isatty()
        self.buffer = bytearray()

    @property
    def frames(self) -> list[list]:
        """[function, line] of the calls in progress, in this task."""
        return self._frames.get()

    def enter(self) -> None:
        """Begins a call from outside: the program itself, or a request to its server."""
        self._frames.set([["<module>", 0]])

    # --- output ---

    def write(self, data: bytes, flush: bool = False) -> None:
        """Standard output: held back until 8 kB or the end unless a terminal reads it, as Python does."""
        self.buffer += data
        if flush or self.unbuffered or len(self.buffer) > 8192:
            self.flush()

    def flush(self) -> None:
        data, self.buffer = bytes(self.buffer), bytearray()
        if data:
            self.process.stdout.write(data)

    # --- running ---

    async def run(self, source: str, file: str) -> int:
        """The exit code of a program."""
        self.file, self.lines = file, source.splitlines()
        try:
            tree = ast.parse(source, file)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
            line = getattr(problem, "lineno", 0) or 0
            text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
            self._complain(f'  File "{file}", line {line}\n    {text}\nSyntaxError: {getattr(problem, "msg", None) or problem}\n')
            return 1
        for node in ast.walk(tree):
            if isinstance(node, MISSING):
                self._complain(f'{file}, line {node.lineno}: {type(node).__name__} is not simulated in the practice cluster\'s Python\n')
                return 1
        self.signals[SIGINT] = None
        self.process.on_signal(SIGINT, self.pending.append)
        self.enter()
        self.process.memory = RESIDENT
        try:
            await self.block(tree.body, self.globals)
        except Raised as raised:
            return await self.uncaught(raised)
        finally:
            self.flush()
        return 0

    def _complain(self, text: str) -> None:
        self.process.stderr.write(text.encode("utf-8", "replace"))

    async def uncaught(self, raised: Raised) -> int:
        kind, args = raised.value.kind, raised.value.attributes.get("args", ())
        if kind.is_a(EXCEPTIONS["SystemExit"]):
            code = args[0] if args else None
            if code is None or isinstance(code, int):
                return int(code or 0) & 255
            self._complain(f"{code}\n")
            return 1
        self.flush()
        self._complain(await self.traceback(raised))
        return 130 if kind.is_a(EXCEPTIONS["KeyboardInterrupt"]) else 1

    async def traceback(self, raised: Raised) -> str:
        lines = ["Traceback (most recent call last):"]
        for name, line in raised.frames:
            lines.append(f'  File "{self.file}", line {line}, in {name}')
            if 0 < line <= len(self.lines) and self.file != "<string>":
                lines.append("    " + self.lines[line - 1].strip())
        words = await self.text(raised.value)
        return "\n".join([*lines, raised.value.kind.name + (f": {words}" if words else "")]) + "\n"

    async def step(self) -> None:
        self.steps += 1
        if self.steps > STEPS or self.allocated > ALLOCATED:
            self.weigh()
        await self.pace()
        while self.pending:
            number = self.pending.pop(0)
            handler = self.signals.get(number)
            if handler is not None:
                await self.call(handler, [number, None], {})
            elif number == SIGINT:
                raise error("KeyboardInterrupt")

    def weigh(self) -> None:
        """Counts what the program holds as its memory; over the container's limit it is OOM-killed."""
        self.steps = self.allocated = 0
        seen: set[int] = set()
        waiting: list = [scope.values for scope in self.scopes]
        size = 0
        while waiting:
            value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            size += sys.getsizeof(value)
            if isinstance(value, dict):
                waiting += [*value.keys(), *value.values()]
            elif isinstance(value, list | tuple | set):
                waiting += value
            elif isinstance(value, Instance | Class):
                waiting.append(value.attributes)
            elif isinstance(value, Function):
                waiting.append(value.scope.values)
        self.process.memory = RESIDENT + size
        if size > MOST_MEMORY:
            raise error("MemoryError")

    async def sleep(self, seconds: float) -> None:
        while (seconds := await self.process.sleep(seconds)) > 0:
            await self.step()

    # --- statements ---

    async def block(self, body: list, scope: Scope) -> None:
        for node in body:
            await self.statement(node, scope)

    async def statement(self, node: ast.stmt, scope: Scope) -> None:
        self.frames[-1][1] = node.lineno
        await self.step()
        try:
            await getattr(self, "do_" + type(node).__name__)(node, scope)
        except (Raised, Break, Continue, Return, asyncio.CancelledError) as problem:
            if isinstance(problem, Raised) and not problem.frames:
                problem.frames = [tuple(frame) for frame in self.frames]
            raise
        except AttributeError as problem:
            if f"do_{type(node).__name__}" in str(problem) or "ev_" in str(problem):
                raise error("NotImplementedError", f"{type(node).__name__} is not simulated in the practice cluster") from None
            raise self._placed(translated(problem)) from None
        except BrokenPipeError:
            raise
        except Exception as problem:
            raise self._placed(translated(problem)) from None

    def _placed(self, raised: Raised) -> Raised:
        raised.frames = [tuple(frame) for frame in self.frames]
        return raised

    async def do_Expr(self, node, scope):
        await self.value(node.value, scope)

    async def do_Pass(self, node, scope):
        pass

    async def do_Assign(self, node, scope):
        value = await self.value(node.value, scope)
        for target in node.targets:
            await self.assign(target, value, scope)

    async def do_AnnAssign(self, node, scope):
        if node.value:
            await self.assign(node.target, await self.value(node.value, scope), scope)

    async def do_AugAssign(self, node, scope):
        before = await self.value(_loaded(node.target), scope)
        after = self.binary(type(node.op), before, await self.value(node.value, scope))
        await self.assign(node.target, after, scope)

    async def assign(self, target, value, scope: Scope) -> None:
        match target:
            case ast.Name():
                self._home(target.id, scope)[target.id] = value
            case ast.Tuple() | ast.List():
                values, count = list(await self.iterate(value)), len(target.elts)
                star = next((i for i, each in enumerate(target.elts) if isinstance(each, ast.Starred)), None)
                if star is not None and len(values) >= count - 1:
                    after = count - star - 1
                    end = len(values) - after
                    values = [*values[:star], values[star:end], *values[end:]]
                if len(values) != count:
                    short = len(values) < count
                    raise error("ValueError", f"not enough values to unpack (expected {count}, got {len(values)})" if short else
                                f"too many values to unpack (expected {count})")
                for each, part in zip(target.elts, values, strict=True):
                    await self.assign(each.value if isinstance(each, ast.Starred) else each, part, scope)
            case ast.Attribute():
                owner = await self.value(target.value, scope)
                if not isinstance(owner, Instance | Class):
                    raise error("AttributeError", f"'{type_name(owner)}' object attribute '{target.attr}' is read-only")
                owner.attributes[target.attr] = value
            case ast.Subscript():
                owner, index = await self.value(target.value, scope), await self.index(target.slice, scope)
                if isinstance(owner, Instance):
                    await self.call(self.attribute(owner, "__setitem__"), [index, value], {})
                elif isinstance(owner, list | dict):
                    owner[index] = value
                else:
                    raise error("TypeError", f"'{type_name(owner)}' object does not support item assignment")

    def _home(self, name: str, scope: Scope) -> dict:
        if name in scope.globals:
            return self.globals.values
        if name in scope.nonlocals:
            outer = scope.outer
            while outer and name not in outer.values:
                outer = outer.outer
            if outer:
                return outer.values
        return scope.values

    async def do_Delete(self, node, scope):
        for target in node.targets:
            if isinstance(target, ast.Name):
                del scope.values[target.id]
            elif isinstance(target, ast.Subscript):
                owner = await self.value(target.value, scope)
                if isinstance(owner, list | dict):
                    del owner[await self.index(target.slice, scope)]
            elif isinstance(target, ast.Attribute) and isinstance(owner := await self.value(target.value, scope), Instance):
                del owner.attributes[target.attr]

    async def do_If(self, node, scope):
        await self.block(node.body if await self.truth(await self.value(node.test, scope)) else node.orelse, scope)

    async def do_While(self, node, scope):
        while await self.truth(await self.value(node.test, scope)):
            try:
                await self.block(node.body, scope)
            except Break:
                return
            except Continue:
                continue
        await self.block(node.orelse, scope)

    async def do_For(self, node, scope):
        for item in await self.iterate(await self.value(node.iter, scope)):
            await self.assign(node.target, item, scope)
            try:
                await self.block(node.body, scope)
            except Break:
                return
            except Continue:
                continue
        await self.block(node.orelse, scope)

    async def do_Break(self, node, scope):
        raise Break

    async def do_Continue(self, node, scope):
        raise Continue

    async def do_Return(self, node, scope):
        raise Return(await self.value(node.value, scope) if node.value else None)

    async def do_Global(self, node, scope):
        scope.globals.update(node.names)

    async def do_Nonlocal(self, node, scope):
        scope.nonlocals.update(node.names)

    async def do_FunctionDef(self, node, scope):
        found = await self.function(node.name, node.args, node.body, scope)
        for decorator in reversed(node.decorator_list):
            found = await self.call(await self.value(decorator, scope), [found], {})
        self._home(node.name, scope)[node.name] = found

    async def function(self, name, arguments, body, scope) -> Function:
        defaults = [await self.value(default, scope) for default in arguments.defaults]
        return Function(name, arguments, body, scope, defaults, [await self.value(d, scope) if d else None for d in arguments.kw_defaults])

    async def do_ClassDef(self, node, scope):
        bases = [await self.value(base, scope) for base in node.bases]
        inner = Scope({}, scope)
        await self.block(node.body, inner)
        made = Class(node.name, tuple(base for base in bases if isinstance(base, Class)), inner.values)
        self._home(node.name, scope)[node.name] = made

    async def do_Import(self, node, scope):
        for alias in node.names:
            module = self.load(alias.name)
            self._home("", scope)[alias.asname or alias.name.partition(".")[0]] = module if alias.asname else self.load(
                alias.name.partition(".")[0])

    async def do_ImportFrom(self, node, scope):
        module = self.load(node.module or "")
        for alias in node.names:
            if alias.name not in module.attributes:
                raise error("ImportError", f"cannot import name '{alias.name}' from '{module.name}'")
            scope.values[alias.asname or alias.name] = module.attributes[alias.name]

    def load(self, name: str) -> Module:
        from .modules import MODULES
        if name not in MODULES:
            raise error("ModuleNotFoundError", f"No module named '{name}'")
        if name not in self.modules:
            self.modules[name] = Module(name, MODULES[name](self))
        return self.modules[name]

    async def do_Raise(self, node, scope):
        if node.exc is None:
            raise self._handled[-1] if getattr(self, "_handled", None) else error("RuntimeError", "No active exception to reraise")
        value = await self.value(node.exc, scope)
        if isinstance(value, Class):
            value = await self.call(value, [], {})
        if not isinstance(value, Instance) or not value.kind.is_a(EXCEPTIONS["BaseException"]):
            raise error("TypeError", "exceptions must derive from BaseException")
        raise Raised(value)

    async def do_Assert(self, node, scope):
        if not await self.truth(await self.value(node.test, scope)):
            raise error("AssertionError", *([await self.value(node.msg, scope)] if node.msg else []))

    async def do_Try(self, node, scope):
        try:
            try:
                await self.block(node.body, scope)
            except Raised as raised:
                await self._handle(node, raised, scope)
            else:
                await self.block(node.orelse, scope)
        except (Raised, Break, Continue, Return):
            await self.block(node.finalbody, scope)
            raise
        await self.block(node.finalbody, scope)

    async def _handle(self, node, raised: Raised, scope) -> None:
        for handler in node.handlers:
            wanted = await self.value(handler.type, scope) if handler.type else EXCEPTIONS["BaseException"]
            kinds = [kind for kind in (wanted if isinstance(wanted, tuple) else (wanted,)) if isinstance(kind, Class)]
            if any(raised.value.kind.is_a(kind) for kind in kinds):
                if handler.name:
                    scope.values[handler.name] = raised.value
                self._handled = [*getattr(self, "_handled", []), raised]
                try:
                    await self.block(handler.body, scope)
                finally:
                    self._handled.pop()
                return
        raise raised

    async def do_With(self, node, scope):
        entered = []
        for item in node.items:
            manager = await self.value(item.context_expr, scope)
            value = await self.call(self.attribute(manager, "__enter__"), [], {})
            entered.insert(0, manager)
            if item.optional_vars:
                await self.assign(item.optional_vars, value, scope)
        try:
            await self.block(node.body, scope)
        except (Raised, Break, Continue, Return):
            await self._leave(entered)
            raise
        await self._leave(entered)

    async def _leave(self, managers: list) -> None:
        for manager in managers:
            await self.call(self.attribute(manager, "__exit__"), [None, None, None], {})

    # --- expressions ---

    async def value(self, node: ast.expr, scope: Scope):
        return await getattr(self, "ev_" + type(node).__name__)(node, scope)

    async def ev_Constant(self, node, scope):
        return node.value

    async def ev_Name(self, node, scope):
        if node.id in scope.globals and node.id in self.globals.values:
            return self.globals.values[node.id]
        place = scope
        while place:
            if node.id in place.values:
                return place.values[node.id]
            place = place.outer
        if node.id in self.builtins:
            return self.builtins[node.id]
        raise error("NameError", f"name '{node.id}' is not defined")

    async def ev_NamedExpr(self, node, scope):
        value = await self.value(node.value, scope)
        await self.assign(node.target, value, scope)
        return value

    async def ev_JoinedStr(self, node, scope):
        return "".join([part.value if isinstance(part, ast.Constant) else await self._formatted(part, scope) for part in node.values])

    async def _formatted(self, node: ast.FormattedValue, scope) -> str:
        value = await self.value(node.value, scope)
        if node.conversion in (114, 115):
            value = await (self.repr if node.conversion == 114 else self.text)(value)
        return await self.format(value, await self.value(node.format_spec, scope) if node.format_spec else "")

    async def format(self, value, spec: str) -> str:
        if not spec:
            return await self.text(value)
        if re.search(r"\d{4}", spec):
            raise error("ValueError", "Too many decimal digits in format string")
        if isinstance(value, Instance | Class | Function | Module | Builtin | Bound):
            raise error("TypeError", f"unsupported format string passed to {type_name(value)}.__format__")
        return format(value, spec)

    async def ev_List(self, node, scope):
        return await self._elements(node.elts, scope)

    async def ev_Tuple(self, node, scope):
        return tuple(await self._elements(node.elts, scope))

    async def ev_Set(self, node, scope):
        found = await self._elements(node.elts, scope)
        bounded(*found)
        return set(found)

    async def _elements(self, nodes, scope) -> list:
        found = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += await self.iterate(await self.value(node.value, scope))
            else:
                found.append(await self.value(node, scope))
        return found

    async def ev_Dict(self, node, scope):
        found = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                found.update(await self.value(value, scope))
            else:
                bounded(name := await self.value(key, scope))
                found[name] = await self.value(value, scope)
        return found

    async def ev_BinOp(self, node, scope):
        return self.binary(type(node.op), await self.value(node.left, scope), await self.value(node.right, scope))

    def binary(self, kind: type, left, right):
        if not (type(left) in METHODS or isinstance(left, bool)) or not (
                type(right) in METHODS or isinstance(right, bool) or (kind is ast.Mod and isinstance(left, str))):
            raise error("TypeError", f"unsupported operand type(s): '{type_name(left)}' and '{type_name(right)}'")
        if isinstance(left, int) and isinstance(right, int) and (
                left.bit_length() * (max(right, 0) if kind is ast.Pow else 1) + (right if kind is ast.LShift else 0) > MOST_BITS):
            raise error("MemoryError")
        if kind is ast.Mult:
            for many, count in ((left, right), (right, left)):
                if isinstance(many, str | bytes | list | tuple) and isinstance(count, int) and (
                        len(many) * count > (MOST_BYTES if isinstance(many, str | bytes) else MOST)):
                    raise error("MemoryError")
        if kind is ast.Mod and isinstance(left, str):
            if re.search(r"\d{4}|\*", left):
                raise error("ValueError", "width too big")
            bounded(right)
            right = tuple(map(_printable, right)) if isinstance(right, tuple) else right if isinstance(right, dict) else _printable(right)
        if kind is ast.Mod and isinstance(left, bytes):
            raise error("TypeError", "unsupported operand type(s) for %: 'bytes'")
        result = BINARY[kind](left, right)
        if isinstance(result, str | bytes | list | tuple):
            self.allocated += len(result)
        return result

    async def ev_UnaryOp(self, node, scope):
        value = await self.value(node.operand, scope)
        return not await self.truth(value) if isinstance(node.op, ast.Not) else UNARY[type(node.op)](value)

    async def ev_BoolOp(self, node, scope):
        wanted = isinstance(node.op, ast.Or)
        for each in node.values:
            value = await self.value(each, scope)
            if await self.truth(value) == wanted:
                break
        return value

    async def ev_IfExp(self, node, scope):
        return await self.value(node.body if await self.truth(await self.value(node.test, scope)) else node.orelse, scope)

    async def ev_Compare(self, node, scope):
        left = await self.value(node.left, scope)
        for kind, each in zip(node.ops, node.comparators, strict=True):
            right = await self.value(each, scope)
            match kind:
                case ast.Is() | ast.IsNot():
                    good = (left is right) == isinstance(kind, ast.Is)
                case ast.In() | ast.NotIn():
                    bounded(left, *([right] if isinstance(right, list | tuple) else []))
                    inside = left in right if type(right) in METHODS or isinstance(right, range) else left in await self.iterate(right)
                    good = inside == isinstance(kind, ast.In)
                case _:
                    bounded(left, right)
                    good = COMPARE[type(kind)](left, right)
            if not good:
                return False
            left = right
        return True

    async def ev_Subscript(self, node, scope):
        owner, index = await self.value(node.value, scope), await self.index(node.slice, scope)
        if isinstance(owner, Instance):
            return await self.call(self.attribute(owner, "__getitem__"), [index], {})
        if not isinstance(owner, str | bytes | list | tuple | dict | range):
            raise error("TypeError", f"'{type_name(owner)}' object is not subscriptable")
        return owner[index]

    async def index(self, node, scope):
        if isinstance(node, ast.Slice):
            return slice(*[await self.value(part, scope) if part else None for part in (node.lower, node.upper, node.step)])
        bounded(found := await self.value(node, scope))
        return found

    async def ev_Lambda(self, node, scope):
        return await self.function("<lambda>", node.args, node.body, scope)

    async def ev_ListComp(self, node, scope):
        found = []
        async for inner in self._inner(node.generators, scope):
            found.append(await self.value(node.elt, inner))
        return found

    ev_GeneratorExp = ev_ListComp

    async def ev_SetComp(self, node, scope):
        found = await self.ev_ListComp(node, scope)
        bounded(*found)
        return set(found)

    async def ev_DictComp(self, node, scope):
        found = {}
        async for inner in self._inner(node.generators, scope):
            bounded(key := await self.value(node.key, inner))
            found[key] = await self.value(node.value, inner)
        return found

    async def _inner(self, generators, scope: Scope) -> AsyncIterator[Scope]:
        """A scope for each round of a comprehension."""
        if not generators:
            yield scope
            return
        first, *rest = generators
        for item in await self.iterate(await self.value(first.iter, scope)):
            await self.step()
            inner = Scope({}, scope)
            await self.assign(first.target, item, inner)
            if all([await self.truth(await self.value(test, inner)) for test in first.ifs]):
                async for innermost in self._inner(rest, inner):
                    yield innermost

    async def ev_Attribute(self, node, scope):
        return self.attribute(await self.value(node.value, scope), node.attr)

    def attribute(self, owner, name: str):
        match owner:
            case Instance():
                if name in owner.attributes:
                    return owner.attributes[name]
                found, value = owner.kind.find(name)
                if found:
                    return Bound(value, owner) if isinstance(value, Function | Builtin) else value
                if name == "__class__":
                    return owner.kind
            case Class():
                found, value = owner.find(name)
                if found:
                    return value
                if name == "__name__":
                    return owner.name
            case Module():
                if name in owner.attributes:
                    return owner.attributes[name]
                raise error("AttributeError", f"module '{owner.name}' has no attribute '{name}'")
            case Function() | Builtin():
                if name == "__name__":
                    return owner.name
            case _:
                if name in METHODS.get(type(owner), ()):
                    return Bound(name, owner)
        kind = f"type object '{owner.name}'" if isinstance(owner, Class) else f"'{type_name(owner)}' object"
        raise error("AttributeError", f"{kind} has no attribute '{name}'")

    async def ev_Call(self, node, scope):
        called = await self.value(node.func, scope)
        if isinstance(called, Builtin) and called.name == "super":
            return await self._super(scope)
        arguments = await self._elements(node.args, scope)
        keywords = {}
        for keyword in node.keywords:
            value = await self.value(keyword.value, scope)
            keywords |= {keyword.arg: value} if keyword.arg else value
        return await self.call(called, arguments, keywords)

    async def _super(self, scope: Scope):
        while scope.outer and "self" not in scope.values:
            scope = scope.outer
        owner = scope.values.get("self")
        bases = owner.kind.bases if isinstance(owner, Instance) else ()
        return Instance(Class("super", bases), owner.attributes if isinstance(owner, Instance) else {})

    async def call(self, called, arguments: list, keywords: dict):
        match called:
            case Bound(function=str() as name, owner=owner):
                return await self._method(owner, name, arguments, keywords)
            case Bound():
                return await self.call(called.function, [called.owner, *arguments], keywords)
            case Builtin():
                result = called.run(self, *arguments, **keywords)
                return await result if inspect.isawaitable(result) else result
            case Class():
                made = Instance(called)
                if called.is_a(EXCEPTIONS["BaseException"]):
                    made.attributes["args"] = tuple(arguments)
                found, start = called.find("__init__")
                if found:
                    await self.call(start, [made, *arguments], keywords)
                return made
            case Function():
                return await self._run(called, arguments, keywords)
            case Instance() if called.kind.find("__call__")[0]:
                return await self.call(self.attribute(called, "__call__"), arguments, keywords)
        raise error("TypeError", f"'{type_name(called)}' object is not callable")

    async def _method(self, owner, name: str, arguments: list, keywords: dict):
        """A method of a built-in type, with a limit on what it may make."""
        if name not in METHODS.get(type(owner), ()):
            raise error("AttributeError", f"'{type_name(owner)}' object has no attribute '{name}'")
        if name == "sort":
            from .modules import sort
            owner[:] = await sort(self, owner, **keywords)
            return None
        if name == "format":
            return await self._format(owner, arguments, keywords)
        if name in ("extend", "update", "join", "union", "difference", "intersection") and arguments and type(arguments[0]) is not set:
            arguments = [arguments[0] if isinstance(arguments[0], dict) else list(await self.iterate(arguments[0])), *arguments[1:]]
        size = max((argument for argument in arguments if isinstance(argument, int)), default=0) if name in WIDE else 0
        if name == "join":
            size = sum(len(each) for each in arguments[0] if isinstance(each, str | bytes)) + len(owner) * len(arguments[0])
        elif name == "replace" and len(arguments) > 1:
            size = len(owner) + owner.count(arguments[0]) * len(arguments[1])
        if size > MOST_BYTES:
            raise error("MemoryError")
        self.allocated += size
        bounded(*arguments, *([owner] if name in ("index", "count", "remove") else []))
        result = getattr(owner, name)(*arguments, **keywords)
        return list(result) if name in ("items", "keys", "values") else result

    async def _format(self, text: str, arguments: list, keywords: dict) -> str:
        """str.format of positions and names; no attributes or indexes."""
        out, at, position = [], 0, 0
        for found in PLACEHOLDER.finditer(text):
            out.append(text[at:found.start()])
            at = found.end()
            if found[0] in ("{{", "}}"):
                out.append(found[0][0])
                continue
            name = found[1]
            if name.isdigit() or not name:
                index = int(name) if name else position
                position += not name
                if index >= len(arguments):
                    raise error("IndexError", f"Replacement index {index} out of range for positional args tuple")
                value = arguments[index]
            elif name in keywords:
                value = keywords[name]
            else:
                raise error("KeyError", name)
            out.append(await self.format(await self.repr(value) if found[2] == "r" else value, found[3] or ""))
        rest = text[at:]
        if "{" in rest or "}" in rest:
            raise error("ValueError", "Single '}' encountered in format string" if "}" in rest else "expected '}' before end of string")
        return "".join([*out, rest])

    async def _run(self, function: Function, arguments: list, keywords: dict):
        scope = Scope(self._bind(function, arguments, keywords), function.scope)
        self.scopes.append(scope)
        self.frames.append([function.name, self.frames[-1][1] if self.frames else 0])
        try:
            if isinstance(function.body, ast.expr):
                return await self.value(function.body, scope)
            await self.block(function.body, scope)
        except Return as returned:
            return returned.value
        finally:
            self.frames.pop()
            self.scopes.remove(scope)

    def _bind(self, function: Function, arguments: list, keywords: dict) -> dict:
        declared = function.arguments
        names = [each.arg for each in (*declared.posonlyargs, *declared.args)]
        values, rest = dict(zip(names, arguments, strict=False)), dict(keywords)
        if len(arguments) > len(names) and not declared.vararg:
            raise error("TypeError", f"{function.name}() takes {len(names)} positional argument{'s' * (len(names) != 1)} but "
                                     f"{len(arguments)} {'were' if len(arguments) != 1 else 'was'} given")
        if declared.vararg:
            values[declared.vararg.arg] = tuple(arguments[len(names):])
        for name in (*names, *(each.arg for each in declared.kwonlyargs)):
            if name in rest:
                if name in values:
                    raise error("TypeError", f"{function.name}() got multiple values for argument '{name}'")
                values[name] = rest.pop(name)
        for name, default in zip(names[len(names) - len(function.defaults):], function.defaults, strict=True):
            values.setdefault(name, default)
        for each, default, node in zip(declared.kwonlyargs, function.keyword_defaults, declared.kw_defaults, strict=True):
            if node is not None:
                values.setdefault(each.arg, default)
        missing = [f"'{name}'" for name in (*names, *(each.arg for each in declared.kwonlyargs)) if name not in values]
        if missing:
            plural = "s" * (len(missing) > 1)
            words = f"{len(missing)} required positional argument{plural}: {' and '.join(missing)}"
            raise error("TypeError", f"{function.name}() missing {words}")
        if declared.kwarg:
            values[declared.kwarg.arg] = rest
        elif rest:
            raise error("TypeError", f"{function.name}() got an unexpected keyword argument '{next(iter(rest))}'")
        return values

    # --- what values are ---

    async def iterate(self, value):
        """What a for loop goes over: a list, or something as harmless."""
        if isinstance(value, str | bytes | tuple | range):
            return value
        if isinstance(value, list | dict | set):
            return list(value)
        if isinstance(value, Instance) and value.kind.find("__iter__")[0]:
            return await self.iterate(await self.call(self.attribute(value, "__iter__"), [], {}))
        raise error("TypeError", f"'{type_name(value)}' object is not iterable")

    async def collect(self, value) -> list:
        """A list of what can be iterated; MemoryError for what is too long."""
        found = await self.iterate(value)
        if len(found) > MOST:
            raise error("MemoryError")
        return list(found)

    async def truth(self, value) -> bool:
        if isinstance(value, Instance):
            for name in ("__bool__", "__len__"):
                if value.kind.find(name)[0]:
                    return bool(await self.call(self.attribute(value, name), [], {}))
            return True
        return True if isinstance(value, Class | Function | Module | Builtin | Bound) else bool(value)

    async def text(self, value) -> str:
        """str(value)."""
        if isinstance(value, str):
            return value
        if isinstance(value, Instance):
            if value.kind.find("__str__")[0]:
                return await self.call(self.attribute(value, "__str__"), [], {})
            if value.kind.is_a(EXCEPTIONS["BaseException"]):
                args = value.attributes.get("args", ())
                if value.kind.is_a(EXCEPTIONS["KeyError"]) and len(args) == 1:
                    return await self.repr(args[0])
                return await self.text(args[0]) if len(args) == 1 else await self.repr(args) if args else ""
        return await self.repr(value)

    async def repr(self, value) -> str:
        bounded(value)
        match value:
            case Instance():
                if value.kind.find("__repr__")[0]:
                    return await self.call(self.attribute(value, "__repr__"), [], {})
                if value.kind.is_a(EXCEPTIONS["BaseException"]):
                    return f"{value.kind.name}({', '.join([await self.repr(each) for each in value.attributes.get('args', ())])})"
                return f"<__main__.{value.kind.name} object>"
            case Class():
                return f"<class '__main__.{value.name}'>"
            case Function():
                return f"<function {value.name}>"
            case Builtin():
                return f"<class '{value.name}'>" if value.kind else f"<built-in function {value.name}>"
            case Bound():
                return "<bound method>"
            case Module():
                return f"<module '{value.name}'>"
            case list():
                return "[" + ", ".join([await self.repr(each) for each in value]) + "]"
            case tuple():
                return "(" + ", ".join([await self.repr(each) for each in value]) + ("," * (len(value) == 1)) + ")"
            case set():
                return "{" + ", ".join([await self.repr(each) for each in value]) + "}" if value else "set()"
            case dict():
                return "{" + ", ".join([f"{await self.repr(k)}: {await self.repr(v)}" for k, v in value.items()]) + "}"
        return repr(value)


def _loaded(target: ast.expr) -> ast.expr:
    """The target of `x += 1` as an expression."""
    copied = type(target)(**{name: getattr(target, name) for name in target._fields if name != "ctx"}, ctx=ast.Load())
    return ast.copy_location(copied, target)


def _printable(value):
    return value if type(value) in METHODS or isinstance(value, bool | type(None)) else f"<{type_name(value)} object>"

"""The built-in functions, and the modules a program may import. Each sees the container: its files, its processes, its network."""
import ast
import json
import math
import posixpath
import random
import time

from ..http_server import Request, Response, listen
from ..process import SIGNALS
from ..shell.commands._http import exchange, parse_url
from .http_files import SERVER, file_response
from .objects import EXCEPTIONS, PLAIN, Builtin, Class, Instance, Module, Raised, bounded, error, translated, type_name

VERSION = "3.13.9"


def _plain(name: str, run, kind: type | None = None) -> Builtin:
    """A function of the host's that takes plain values only."""
    def checked(interpreter, *arguments, **keywords):
        for argument in (*arguments, *keywords.values()):
            if not isinstance(argument, PLAIN):
                raise error("TypeError", f"{name}() does not take a '{type_name(argument)}' here")
        return run(*arguments, **keywords)
    return Builtin(name, checked, kind)


async def sort(interpreter, values, key=None, reverse=False) -> list:
    values = await interpreter.collect(values)
    if key is None:
        bounded(values)
        return sorted(values, reverse=bool(reverse))
    keyed = [(await interpreter.call(key, [value], {}), value) for value in values]
    bounded([each for each, _ in keyed])
    return [value for _, value in sorted(keyed, key=lambda pair: pair[0], reverse=bool(reverse))]


async def _print(interpreter, *values, sep=" ", end="\n", file=None, flush=False):
    text = str(sep if sep is not None else " ").join([await interpreter.text(value) for value in values])
    text += str("\n" if end is None else end)
    if isinstance(file, Instance):
        await interpreter.call(interpreter.attribute(file, "write"), [text], {})
    else:
        interpreter.write(text.encode("utf-8", "replace"), bool(flush))


async def _open(interpreter, path, mode="r", encoding=None, **_):
    if not isinstance(path, str) or set(mode) - set("rwabt+x"):
        raise error("ValueError", f"invalid mode: '{mode}'")
    fs = interpreter.process.fs
    if "r" in mode:
        data = fs.read(path)
        if fs.isdir(path):
            raise error("IsADirectoryError", f"[Errno 21] Is a directory: '{path}'")
    else:
        data = b""
        if "w" in mode or "x" in mode:
            fs.write(path, b"")
    return _file(interpreter, path, mode, data)


def _file(interpreter, path: str, mode: str, data: bytes) -> Instance:
    position, fs, text = 0, interpreter.process.fs, "b" not in mode

    def shown(part: bytes):
        return part.decode("utf-8", "replace") if text else part

    def read(_, size=-1):
        nonlocal position
        end = len(data) if size is None or size < 0 else position + size
        part, position = data[position:end], min(end, len(data))
        return shown(part)

    def readline(_):
        nonlocal position
        end = data.find(b"\n", position) + 1 or len(data)
        part, position = data[position:end], end
        return shown(part)

    def readlines(_):
        return [shown(line) for line in read_raw().splitlines(keepends=True)]

    def read_raw() -> bytes:
        nonlocal position
        part, position = data[position:], len(data)
        return part

    def write(_, value):
        if not isinstance(value, str if text else bytes):
            raise error("TypeError", f"write() argument must be str, not {type_name(value)}")
        fs.append(path, value.encode("utf-8", "replace") if text else value)
        return len(value)

    def nothing(_, *arguments):
        return None
    made = Instance(Class("TextIOWrapper" if text else "BufferedReader"))
    own = {"read": read, "readline": readline, "readlines": readlines, "write": write, "close": nothing, "flush": nothing,
           "__exit__": nothing, "__enter__": lambda _: made, "__iter__": readlines}
    made.kind.attributes = {name: Builtin(name, _without_self(run)) for name, run in own.items()}
    made.attributes["name"] = path
    return made


def _without_self(run):
    return lambda interpreter, owner, *arguments, **keywords: run(interpreter, *arguments, **keywords)


async def _input(interpreter, prompt=""):
    interpreter.write(str(prompt).encode(), True)
    line = await interpreter.process.stdin.readline()
    if not line:
        raise error("EOFError", "EOF when reading a line")
    return line.decode("utf-8", "replace").removesuffix("\n")


async def _int(interpreter, value=0, base=10):
    if not isinstance(value, int | float | str | bytes):
        raise error("TypeError", f"int() argument must be a string, a bytes-like object or a real number, not '{type_name(value)}'")
    return int(value, base) if isinstance(value, str | bytes) else int(value)


async def _len(interpreter, value):
    if isinstance(value, Instance):
        return await interpreter.call(interpreter.attribute(value, "__len__"), [], {})
    if not isinstance(value, str | bytes | list | dict | tuple | set | range):
        raise error("TypeError", f"object of type '{type_name(value)}' has no len()")
    return len(value)


async def _isinstance(interpreter, value, kinds):
    return any(
        (isinstance(kind, Class) and isinstance(value, Instance) and value.kind.is_a(kind))
        or (isinstance(kind, Builtin) and kind.kind is not None and isinstance(value, kind.kind))
        for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))


async def _best(interpreter, values, default, pick):
    key, given = values.pop("key", None), values["values"]
    found = await interpreter.collect(given[0] if len(given) == 1 else list(given))
    if not found:
        if default is not None:
            return default
        raise error("ValueError", "iterable argument is empty")
    keyed = [(await interpreter.call(key, [value], {}) if key else value, i, value) for i, value in enumerate(found)]
    bounded([each[0] for each in keyed])
    return pick(keyed)[2]


async def _max(interpreter, *values, key=None, default=None):
    return await _best(interpreter, {"values": values, "key": key}, default, lambda found: max(found, key=lambda each: (each[0], -each[1])))


async def _min(interpreter, *values, key=None, default=None):
    return await _best(interpreter, {"values": values, "key": key}, default, lambda found: min(found, key=lambda each: each[:2]))


def builtins() -> dict:
    async def sum_(interpreter, values, start=0):
        total = start
        for value in await interpreter.collect(values):
            total = interpreter.binary(ast.Add, total, value)
        return total

    async def map_(interpreter, function, *values):
        columns = [await interpreter.collect(each) for each in values]
        return [await interpreter.call(function, list(row), {}) for row in zip(*columns, strict=False)]

    async def filter_(interpreter, function, values):
        return [value for value in await interpreter.collect(values)
                if await interpreter.truth(value if function is None else await interpreter.call(function, [value], {}))]

    async def list_(interpreter, values=()):
        return await interpreter.collect(values)

    async def dict_(interpreter, values=(), **keywords):
        return {**(values if isinstance(values, dict) else {key: value for key, value in await interpreter.collect(values)}), **keywords}

    async def type_(interpreter, value):
        if isinstance(value, Instance):
            return value.kind
        known = (each for each in found.values() if isinstance(each, Builtin) and each.kind is type(value))
        return next(known, Builtin(type_name(value), None))

    async def getattr_(interpreter, owner, name, *default):
        try:
            return interpreter.attribute(owner, name)
        except Raised:
            if default:
                return default[0]
            raise

    async def hasattr_(interpreter, owner, name):
        try:
            interpreter.attribute(owner, name)
        except Raised:
            return False
        return True

    async def exit_(interpreter, code=None):
        raise error("SystemExit", *(() if code is None else (code,)))

    def collected(make, kind=None):
        async def run(interpreter, values=()):
            bounded(found := await interpreter.collect(values))
            return make(found)
        return Builtin(kind.__name__ if kind else make.__name__, run, kind)

    async def all_(interpreter, values):
        return all([await interpreter.truth(value) for value in await interpreter.collect(values)])

    async def any_(interpreter, values):
        return any([await interpreter.truth(value) for value in await interpreter.collect(values)])

    async def enumerate_(interpreter, values, start=0):
        return list(enumerate(await interpreter.collect(values), start))

    async def zip_(interpreter, *values):
        return list(zip(*[await interpreter.collect(each) for each in values], strict=False))

    async def bytes_(interpreter, value=b"", encoding="utf-8"):
        if isinstance(value, int):
            if not 0 <= value <= 64 << 20:
                raise error("MemoryError")
            interpreter.allocated += value
            return bytes(value)
        return value.encode(encoding) if isinstance(value, str) else bytes(await interpreter.collect(value))

    async def next_text(interpreter, value=""):
        return await interpreter.text(value)

    async def repr_(interpreter, value):
        return await interpreter.repr(value)

    async def bool_(interpreter, value=False):
        return await interpreter.truth(value)

    found = {
        "print": Builtin("print", _print), "open": Builtin("open", _open), "input": Builtin("input", _input),
        "int": Builtin("int", _int, int), "float": _plain("float", float, float), "str": Builtin("str", next_text, str),
        "bool": Builtin("bool", bool_, bool), "list": Builtin("list", list_, list), "dict": Builtin("dict", dict_, dict),
        "tuple": collected(tuple, tuple), "set": collected(set, set), "bytes": Builtin("bytes", bytes_, bytes),
        "bytearray": Builtin("bytearray", bytes_), "range": _plain("range", range, range),
        "len": Builtin("len", _len), "sorted": Builtin("sorted", sort), "reversed": collected(lambda values: values[::-1]),
        "sum": Builtin("sum", sum_), "min": Builtin("min", _min), "max": Builtin("max", _max), "map": Builtin("map", map_),
        "filter": Builtin("filter", filter_), "all": Builtin("all", all_), "any": Builtin("any", any_),
        "enumerate": Builtin("enumerate", enumerate_), "zip": Builtin("zip", zip_), "repr": Builtin("repr", repr_),
        "type": Builtin("type", type_), "isinstance": Builtin("isinstance", _isinstance), "getattr": Builtin("getattr", getattr_),
        "hasattr": Builtin("hasattr", hasattr_), "exit": Builtin("exit", exit_), "quit": Builtin("quit", exit_),
        "super": Builtin("super", None), "object": Class("object"),
        **{name: _plain(name, run) for name, run in (("abs", abs), ("round", round), ("chr", chr), ("ord", ord), ("hex", hex), ("bin", bin),
                                                     ("oct", oct), ("divmod", divmod))},
        **EXCEPTIONS, "IOError": EXCEPTIONS["OSError"],
    }
    return found


# --- modules ---

def _os(interpreter) -> dict:
    process = interpreter.process

    def listdir(_, path="."):
        return process.fs.listdir(path)

    def makedirs(_, path, exist_ok=False, mode=0o777):
        if process.fs.isdir(path) and exist_ok:
            return
        process.fs.mkdir(path, mode, parents=True)
    return {
        "environ": process.env, "getenv": Builtin("getenv", lambda _, name, default=None: process.env.get(name, default)),
        "getcwd": Builtin("getcwd", lambda _: process.cwd), "getpid": Builtin("getpid", lambda _: process.pid),
        "getuid": Builtin("getuid", lambda _: process.uid), "listdir": Builtin("listdir", listdir),
        "chdir": Builtin("chdir", lambda _, path: process.chdir(path)), "makedirs": Builtin("makedirs", makedirs),
        "mkdir": Builtin("mkdir", lambda _, path, mode=0o777: process.fs.mkdir(path, mode)),
        "remove": Builtin("remove", lambda _, path: process.fs.unlink(path)), "_exit": Builtin("_exit", _exit), "sep": "/", "linesep": "\n",
        "path": Module("posixpath", {
            "exists": Builtin("exists", lambda _, path: process.fs.exists(path)),
            "isfile": Builtin("isfile", lambda _, path: process.fs.isfile(path)),
            "isdir": Builtin("isdir", lambda _, path: process.fs.isdir(path)),
            "getsize": Builtin("getsize", lambda _, path: process.fs.stat(path).size),
            **{name: _plain(name, getattr(posixpath, name)) for name in ("join", "basename", "dirname", "splitext")},
        }),
    }


async def _exit(interpreter, code):
    interpreter.buffer.clear()
    raise error("SystemExit", code)


def _stream(interpreter, name: str) -> Instance:
    def write(_, owner, text):
        data = text.encode("utf-8", "replace")
        interpreter.write(data) if name == "stdout" else interpreter.process.stderr.write(data)
        return len(text)

    async def read(_, owner):
        return (await interpreter.process.stdin.read_all()).decode("utf-8", "replace")

    async def readline(_, owner):
        return (await interpreter.process.stdin.readline()).decode("utf-8", "replace")

    async def lines(_, owner):
        return (await read(_, owner)).splitlines(keepends=True)
    own = {"write": write, "flush": lambda _, owner: interpreter.flush(), "read": read, "readline": readline, "__iter__": lines}
    return Instance(Class("TextIOWrapper", (), {key: Builtin(key, run) for key, run in own.items()}))


def _sys(interpreter) -> dict:
    return {
        "argv": interpreter.argv, "exit": interpreter.builtins["exit"], "version": f"{VERSION} (simulated) [practice]", "platform": "linux",
        "version_info": tuple(map(int, VERSION.split("."))), "executable": "/usr/local/bin/python",
        **{name: _stream(interpreter, name) for name in ("stdin", "stdout", "stderr")},
    }


def _time(interpreter) -> dict:
    async def sleep(_, seconds):
        if not isinstance(seconds, int | float) or seconds < 0:
            raise error("ValueError", "sleep length must be non-negative")
        await interpreter.sleep(seconds)
    return {"sleep": Builtin("sleep", sleep), "time": Builtin("time", lambda _: time.time()),
            "monotonic": Builtin("monotonic", lambda _: time.monotonic() * interpreter.process.clock.speed),
            "perf_counter": Builtin("perf_counter", lambda _: time.perf_counter() * interpreter.process.clock.speed),
            "strftime": Builtin("strftime", lambda _, form, *rest: time.strftime(str(form)[:200], time.gmtime())),
            "ctime": Builtin("ctime", lambda _: time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime()))}


def _datetime(interpreter) -> dict:
    def now(_, *zone):
        moment = time.time()
        parts = time.gmtime(moment)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", parts) + f".{int(moment % 1 * 1e6):06}"
        own = {"isoformat": lambda *_: stamp.replace(" ", "T"), "__str__": lambda *_: stamp, "timestamp": lambda *_: moment,
               "strftime": lambda _i, owner, form: time.strftime(str(form)[:200], parts)}
        made = Instance(Class("datetime", (), {name: Builtin(name, run) for name, run in own.items()}))
        names = ("year", "month", "day", "hour", "minute", "second")
        made.attributes |= dict(zip(names, parts[:6], strict=True))
        return made
    return {"datetime": Class("datetime", (), {"now": Builtin("now", now), "utcnow": Builtin("utcnow", now)})}


def _json(interpreter) -> dict:
    def dumps(_, value, indent=None, sort_keys=False, ensure_ascii=True, default=None):
        bounded(value)
        return json.dumps(value, indent=min(indent, 16) if isinstance(indent, int) else None, sort_keys=bool(sort_keys),
                          ensure_ascii=bool(ensure_ascii))

    def loads(_, text):
        try:
            return json.loads(text)
        except ValueError as problem:
            raise error("ValueError", str(problem)) from None

    async def load(_, file):
        return loads(_, await interpreter.call(interpreter.attribute(file, "read"), [], {}))

    async def dump(_, value, file, **keywords):
        await interpreter.call(interpreter.attribute(file, "write"), [dumps(_, value, **keywords)], {})
    own = {"dumps": dumps, "loads": loads, "load": load, "dump": dump}
    return {name: Builtin(name, run) for name, run in own.items()} | {"JSONDecodeError": EXCEPTIONS["ValueError"]}


def _random(interpreter) -> dict:
    source = random.Random()

    async def choice(_, values):
        values = await interpreter.collect(values)
        if not values:
            raise error("IndexError", "Cannot choose from an empty sequence")
        return source.choice(values)

    def shuffle(_, values):
        source.shuffle(values)
    return {"choice": Builtin("choice", choice), "shuffle": Builtin("shuffle", shuffle), "random": _plain("random", source.random),
            "randint": _plain("randint", source.randint), "uniform": _plain("uniform", source.uniform),
            "randrange": _plain("randrange", source.randrange), "seed": _plain("seed", source.seed)}


def _math(interpreter) -> dict:
    names = ("sqrt", "floor", "ceil", "sin", "cos", "tan", "log", "log2", "log10", "exp", "pow", "gcd", "isclose", "hypot", "fabs", "atan2")

    def factorial(_, number):
        if number > 20_000:
            raise error("MemoryError")
        return math.factorial(number)
    return {"pi": math.pi, "e": math.e, "inf": math.inf, "factorial": Builtin("factorial", factorial),
            **{name: _plain(name, getattr(math, name)) for name in names}}


def _signal(interpreter) -> dict:
    def signal(_, number, handler):
        before = interpreter.signals.get(number)
        interpreter.signals[number] = handler
        interpreter.process.on_signal(number, interpreter.pending.append)
        return before

    async def pause(_):
        await interpreter.process.sleep(math.inf)
        await interpreter.step()
    return {"signal": Builtin("signal", signal), "pause": Builtin("pause", pause), "SIG_DFL": None, "SIG_IGN": None,
            **{f"SIG{name}": number for name, number in SIGNALS.items()}}


def _socket(interpreter) -> dict:
    def hostname(_):
        return interpreter.process.fs.read("/etc/hostname").decode().strip()

    async def by_name(_, name):
        return (await interpreter.process.network.resolve(name))[0]
    return {"gethostname": Builtin("gethostname", hostname), "gethostbyname": Builtin("gethostbyname", by_name), "gaierror":
            EXCEPTIONS["OSError"]}


def _urllib_request(interpreter) -> dict:
    async def urlopen(_, url, timeout=300):
        address = parse_url(url)
        if address.scheme == "https":
            raise error("OSError", "TLS is not simulated in practice containers; use http")
        try:
            reader, writer = await interpreter.process.network.connect(address.host, address.port)
        except OSError as problem:
            raise error("OSError", f"<urlopen error {translated(problem).value.attributes['args'][0]}>") from None
        try:
            response = await exchange(reader, writer, "GET", address, [("User-Agent", f"Python-urllib/{VERSION[:4]}"),
                                                                       ("Connection", "close")])
            data = b"".join([part async for part in response.body])
        finally:
            writer.close()
        if response.status >= 400:
            raise error("OSError", f"HTTP Error {response.status}: {response.reason}")
        made = _file(interpreter, url, "rb", data)
        made.attributes |= {"status": response.status, "code": response.status}
        return made
    return {"urlopen": Builtin("urlopen", urlopen)}


def _http_server(interpreter) -> dict:
    """http.server's HTTPServer and its two handlers."""
    process = interpreter.process

    def send_response(_, owner, code, message=None):
        owner.attributes["_status"] = code
        log(_, owner, f'"{owner.attributes["requestline"]}" {code} -')

    def send_header(_, owner, name, value):
        owner.attributes["_headers"].append((str(name), str(value)))

    def log(_, owner, text, *values):
        stamp = time.strftime("%d/%b/%Y %H:%M:%S", time.gmtime())
        text = text % tuple(map(str, values)) if values and text.count("%s") == len(values) else text
        process.stderr.write(f"{owner.attributes['client_address'][0]} - - [{stamp}] {text}\n".encode())

    def send_error(_, owner, code, message=None):
        send_response(_, owner, code)
        owner.attributes["_headers"].append(("Content-Type", "text/html;charset=utf-8"))
        owner.attributes["_body"] += f"<p>Error code: {code}</p>\n<p>Message: {message or ''}.</p>\n".encode()

    def write(_, owner, data):
        if not isinstance(data, bytes):
            raise error("TypeError", f"a bytes-like object is required, not '{type_name(data)}'")
        owner.attributes["_body"] += data
        return len(data)
    base = Class("BaseHTTPRequestHandler", (), {
        "send_response": Builtin("send_response", send_response), "send_header": Builtin("send_header", send_header),
        "end_headers": Builtin("end_headers", lambda _, owner: None), "log_message": Builtin("log_message", log),
        "send_error": Builtin("send_error", send_error), "flush": Builtin("flush", lambda _, owner: None),
        "address_string": Builtin("address_string", lambda _, owner: owner.attributes["client_address"][0]),
    })
    simple = Class("SimpleHTTPRequestHandler", (base,), {})

    async def answer(kind: Class, request: Request) -> Response | None:
        interpreter.enter()
        owner = Instance(kind, {"path": request.target, "command": request.method, "client_address": request.client, "_headers": [],
                                "_body": b"", "_status": 200, "requestline": f"{request.method} {request.target} HTTP/{request.version}"})
        owner.attributes["headers"] = _file_like({"get": lambda _, me, name, default=None: request.header(name) or default,
                                                  "__getitem__": lambda _, me, name: request.header(name) or None})
        owner.attributes["wfile"] = _file_like({"write": lambda _, me, data: write(_, owner, data), "flush": lambda _, me: None})
        body = _file(interpreter, "request", "rb", request.body)
        owner.attributes["rfile"] = body
        found, method = kind.find(f"do_{request.method}")
        if not found and kind.is_a(simple) and request.method in ("GET", "HEAD"):
            response = file_response(process, request)
            log(None, owner, f'"{owner.attributes["requestline"]}" {response.status} -')
            return response
        if not found:
            send_error(None, owner, 501, f"Unsupported method ('{request.method}')")
        else:
            try:
                await interpreter.call(method, [owner], {})
            except Raised as raised:
                process.stderr.write(("-" * 40 + f"\nException occurred during processing of request from {request.client}\n"
                                      + await interpreter.traceback(raised) + "-" * 40 + "\n").encode())
                return None
        headers = [("Server", SERVER.format(VERSION)), *owner.attributes["_headers"]]
        return Response(owner.attributes["_status"], owner.attributes["_body"], headers, "", version="1.0")

    def make(_, owner, address, kind):
        owner.attributes |= {"server_address": tuple(address), "_kind": kind, "server_port": address[1]}
        owner.attributes["_listener"] = listen(process, address[1], lambda request: answer(kind, request), address[0] or "0.0.0.0")

    async def serve_forever(_, owner):
        while True:
            await process.sleep(math.inf)
            await interpreter.step()

    def close(_, owner, *rest):
        owner.attributes["_listener"].close()
    own = {"__init__": make, "serve_forever": serve_forever, "server_close": close, "shutdown": close, "__exit__": close,
           "__enter__": lambda _, owner: owner}
    server = Class("HTTPServer", (), {name: Builtin(name, run) for name, run in own.items()})
    return {"HTTPServer": server, "ThreadingHTTPServer": server, "BaseHTTPRequestHandler": base, "SimpleHTTPRequestHandler": simple}


def _file_like(own: dict) -> Instance:
    return Instance(Class("object", (), {name: Builtin(name, run) for name, run in own.items()}))


def _logging(interpreter) -> dict:
    form = {"text": "{level}:root:{words}", "level": 30}

    def configure(_, level=30, format=None, **rest):
        form["level"] = level
        if format:
            form["text"] = format.replace("%(message)s", "{words}").replace("%(levelname)s", "{level}").replace("%(asctime)s", "{time}")

    def logger(level: str, number: int):
        async def log(_, *arguments):
            words = arguments[-1 if isinstance(arguments[0], Instance) and len(arguments) > 1 else 0]
            if number >= form["level"]:
                stamp = time.strftime("%Y-%m-%d %H:%M:%S,000", time.gmtime())
                text = form["text"].replace("{level}", level).replace("{time}", stamp).replace("{words}", await interpreter.text(words))
                interpreter.process.stderr.write(text.encode() + b"\n")
        return Builtin(level.lower(), log)
    levels = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
    own = {name.lower(): logger(name, number) for name, number in levels.items()}
    return {**levels, **own, "basicConfig": Builtin("basicConfig", configure),
            "getLogger": Builtin("getLogger", lambda _, *name: Instance(Class("Logger", (), own)))}


MODULES = {
    "os": _os, "os.path": lambda interpreter: _os(interpreter)["path"].attributes, "sys": _sys, "time": _time, "datetime": _datetime,
    "json": _json, "random": _random, "math": _math, "signal": _signal, "socket": _socket, "logging": _logging,
    "urllib": lambda interpreter: {"request": interpreter.load("urllib.request")}, "urllib.request": _urllib_request,
    "http": lambda interpreter: {"server": interpreter.load("http.server")}, "http.server": _http_server,
    "platform": lambda interpreter: {"node": Builtin("node", lambda _: interpreter.process.fs.read("/etc/hostname").decode().strip()),
                                     "python_version": Builtin("python_version", lambda _: VERSION)},
}
"""{name: its attributes for one interpreter}."""

"""The python image: what its small Python can run, that it says what it can't, and that nothing gets out of it."""
import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from image_pods import Pods

from kubeschool.practice.runtime.filesystem import Directory, File
from kubeschool.practice.runtime.runtime import Mount

IMAGE = "python:3.13-slim"


@pytest.fixture
async def pods():
    pods = Pods()
    yield pods
    pods.stop()


async def python(pods, source, *args, **config):
    """(exit code, log) of a script."""
    mount = Mount("/app", Directory({"main.py": File(source.encode())}))
    return await (await pods.start(IMAGE, command=("python", "/app/main.py", *args), mounts=[mount], **config)).ended()


TEXT = (Path(__file__).parent / "data" / "python_programs.txt").read_text()
PROGRAM = re.compile(r"^=== (.*)\n((?:.*\n)*?)--- prints\n((?:(?!=== ).*\n)*)", re.M)
PROGRAMS = {name: (source, output) for name, source, output in PROGRAM.findall(TEXT)}


@pytest.mark.parametrize("name", set(PROGRAMS) - {"files", "modules"})
def test_what_is_expected_is_what_python_prints(name):
    source, expected = PROGRAMS[name]
    assert subprocess.run([sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True).stdout == expected


@pytest.mark.parametrize("name", PROGRAMS)
async def test_programs(pods, name):
    source, expected = PROGRAMS[name]
    assert await python(pods, source, "x", env=[("COLOUR", "blue")]) == (0, expected)


@pytest.mark.parametrize(("source", "code", "log"), [
    ("import sys\nprint('out')\nsys.exit(3)\n", 3, "out\n"), ("raise SystemExit('words')", 1, "words\n"), ("exit()", 0, ""),
    ("def f():\n    return {}['x']\n\nf()\n", 1, 'Traceback (most recent call last):\n  File "/app/main.py", line 4, in <module>\n    f()\n'
     '  File "/app/main.py", line 2, in f\n    return {}[\'x\']\nKeyError: \'x\'\n'),
    ("print('a'\n", 1, '  File "/app/main.py", line 1\n    print(\'a\'\nSyntaxError: \'(\' was never closed\n'),
    ("import flask\n", 1, 'Traceback (most recent call last):\n  File "/app/main.py", line 1, in <module>\n    import flask\n'
     "ModuleNotFoundError: No module named 'flask'\n"),
    ("def g():\n    yield 1\n", 1, "/app/main.py, line 2: Yield is not simulated in the practice cluster's Python\n"),
    ("1 + 'a'\n", 1, 'Traceback (most recent call last):\n  File "/app/main.py", line 1, in <module>\n    1 + \'a\'\n'
     "TypeError: unsupported operand type(s) for +: 'int' and 'str'\n"),
])
async def test_ends_and_errors(pods, source, code, log):
    assert await python(pods, source) == (code, log)


async def test_the_command_line(pods):
    pod = await pods.start(IMAGE, "sleep", "1000000")
    assert await pod.run("python --version; python3 -c 'import sys; print(sys.argv)' a; echo 'print(6*7)' | python -; python /none.py") == (
        2, "Python 3.13.9\n['-c', 'a']\n42\n/usr/local/bin/python: can't open file '/none.py': [Errno 2] No such file or directory\n")
    assert (await pod.run("pip install flask"))[1] == "ERROR: pip is not simulated: a practice container reaches no package index\n"
    assert (await pod.run("python", terminal=True))[1].startswith("This Python is simulated")


async def test_http_server_serves_files(pods):
    mount = Mount("/srv", Directory({"a.txt": File(b"hi\n"), "sub": Directory()}))
    pod = await pods.start(IMAGE, command=("python", "-m", "http.server", "8080", "--directory", "/srv"), mounts=[mount])
    await pod.listens(8080)
    answer = await pod.get("/a.txt", 8080)
    assert (answer.line, answer.body, answer.headers["Content-type"]) == ("HTTP/1.0 200 OK", "hi\n", "text/plain")
    assert '<li><a href="sub/">sub/</a></li>' in (await pod.get("/", 8080)).body
    assert (await pod.get("/../../etc/passwd", 8080)).line == "HTTP/1.0 404 File not found"
    assert re.fullmatch(r'172\.18\.0\.2 - - \[\d\d/\w{3}/\d{4} [\d:]{8}\] "GET /a\.txt HTTP/1\.1" 200 -', pod.log.splitlines()[0])


WEB_APP = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
visits = {"count": 0}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")
        elif self.path == "/broken":
            return {}["missing"]
        else:
            visits["count"] += 1
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"host": os.environ["HOSTNAME"], "visits": visits["count"]}).encode())

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(self.rfile.read(size).upper())

print("listening", flush=True)
HTTPServer(("", 8080), Handler).serve_forever()
"""


async def test_a_web_app(pods):
    mount = Mount("/app", Directory({"app.py": File(WEB_APP.encode())}))
    pod = await (await pods.start(IMAGE, command=("python", "/app/app.py"), mounts=[mount])).listens(8080)
    assert (await pod.get("/", 8080)).body == '{"host": "web", "visits": 1}'
    answer = await pod.get("/x", 8080)
    assert (answer.body, answer.headers["Content-Type"]) == ('{"host": "web", "visits": 2}', "application/json")
    assert ((await pod.get("/", 8080, "POST", "abc")).body, (await pod.get("/healthz", 8080)).body) == ("ABC", "ok")
    assert (await pod.get("/", 8080, "DELETE")).status == 501
    assert await pod.run("python", "-c", "from urllib.request import urlopen\nprint(urlopen('http://localhost:8080/healthz').read().decode())"
                         ) == (0, "ok\n")
    reader, writer = await pods.network.connect("172.18.0.2", pod.ip, 8080)
    writer.write(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.read() == b""
    assert "KeyError: 'missing'" in pod.log and pod.container.running


async def test_output_waits_in_a_buffer_unless_told_otherwise(pods):
    source = "import time\nprint('now')\ntime.sleep(10000000)\n"
    for name, env, expected in (("held", [], ""), ("free", [("PYTHONUNBUFFERED", "1")], "now\n")):
        pod = await pods.start(IMAGE, command=("python", "-c", source), env=env, name=name)
        async with asyncio.timeout(5):
            while 1 not in pod.container.processes.processes or not pod.container.processes.processes[1]._sleeper:
                await asyncio.sleep(0.001)
        assert pod.log == expected


async def test_signals(pods):
    source = ("import signal, sys, time\ndef bye(number, frame):\n    print('bye', number)\n    sys.exit(0)\n"
              "signal.signal(signal.SIGTERM, bye)\nprint('ready', flush=True)\nwhile True:\n    time.sleep(1000000)\n")
    pod = await pods.start(IMAGE, command=("python", "-c", source))
    await pod.logged("ready")
    await pod.container.stop(30)
    assert (pod.container.exit.code, pod.log) == (0, "ready\nbye 15\n")
    deaf = await pods.start(IMAGE, command=("python", "-u", "-c", "print(1)\nwhile True:\n    pass"), name="deaf")
    await deaf.logged("1\n")
    await deaf.container.stop(30)
    assert deaf.container.exit.code == 137


async def test_memory_counts(pods):
    code, _ = await python(pods, "kept = []\nwhile True:\n    kept.append('x' * 1000000)\n", memory_limit=50 << 20)
    assert code == 137
    code, log = await python(pods, "kept = []\nwhile True:\n    kept.append('x' * 4000000)\n")
    assert code == 1 and log.endswith("MemoryError\n")


ESCAPES = [
    "().__class__", "().__class__.__bases__[0].__subclasses__()", "print.__self__", "(lambda: 0).__globals__", "''.__class__.mro()",
    "'{0.__class__}'.format(1)", "'{0[a]}'.format({})", "f'{().__class__}'", "getattr((), '__class__')", "import os\nos.system('id')",
    "import subprocess", "import ctypes", "import importlib", "__import__('os')", "eval('1')", "exec('1')", "compile('1', '', 'eval')",
    "globals()", "vars()", "open.__globals__", "import sys\nsys.modules", "import sys\nsys._getframe()", "import os\nos.fork()",
    "import json\njson.dumps.__globals__", "import os\nos.path.genericpath", "class A: pass\nA.__mro__", "class A: pass\nA().__dict__",
    "import http.server\nhttp.server.os", "try:\n    1/0\nexcept Exception as e:\n    e.__traceback__", "'%(a.b)s' % (1,)", "breakpoint()",
    "type(1).__subclasses__()", "int.from_bytes", "b''.__reduce__()", "[].__init_subclass__", "import time\ntime.__loader__",
]


@pytest.mark.parametrize("source", ESCAPES)
async def test_nothing_leads_out_of_the_container(pods, source):
    code, log = await python(pods, source)
    assert code == 1 and re.search(r"^(\w+Error)", log.splitlines()[-1]), log


@pytest.mark.parametrize("source", [
    "'a' * 10**10", "10 ** 10 ** 10", "1 << 10 ** 10", "[0] * 10**9", "list(range(10**12))", "sum(range(10**10))",
    "'{:1000000000}'.format(1)", "'%1000000000d' % 1", "f'{1:>1000000000}'", "'a'.ljust(10**10)", "bytes(10**10)",
    "('a' * 10**6).replace('a', 'b' * 10**6)",
    "def f(): f()\nf()", "a = 'a' * 10**6\n''.join([a] * 10**6)", "import math\nmath.factorial(10**9)",
    "x = 10 ** 290000\nwhile True: x = x * x",
    *(f"a, b = [], []\nfor i in range(90): a, b = [a, a], [b, b]\n{use}" for use in (
        "a == b", "print(a)", "a in [b]", "import json\njson.dumps(a)", "sorted([a, b])", "[a].index(b)", "str(a)", "max(a, b)")),
    "a = ()\nfor i in range(90): a = (a, a)\n{a: 1}", "a = ()\nfor i in range(90): a = (a, a)\nset([a])",
    "a = ()\nfor i in range(90): a = (a, a)\n{}.get(a)", "a = ()\nfor i in range(90): a = (a, a)\n'%s' % (a,)",
])
async def test_nothing_takes_the_machine(pods, source):
    before = time.monotonic()
    code, log = await python(pods, source)
    assert code == 1 and re.search(r"(Memory|Recursion|Value|Overflow)Error", log.splitlines()[-1]), log
    assert time.monotonic() - before < 10


async def test_a_killed_program_does_not_go_on_in_its_finally(pods):
    source = "print(1)\ntry:\n    while True: pass\nfinally:\n    while True: print(2)\n"
    pod = await pods.start(IMAGE, command=("python", "-u", "-c", source))
    await pod.logged("1\n")
    pod.container.signal(9)
    assert await pod.ended() == (137, "1\n")

"""The nginx program: its command line, the master process and its workers.

Signals and log lines: `src/os/unix/ngx_process_cycle.c`, `ngx_process.c`, `src/core/nginx.c`.
"""
import asyncio
import errno
import math
import posixpath
from dataclasses import dataclass
from itertools import cycle

from ...network.network import Listener, Writer
from ..process import SIGCHLD, SIGHUP, SIGINT, SIGNALS, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, Process
from .configuration import Configuration, ConfigurationError, load
from .server import Site, log_time

MASTER_MEMORY, WORKER_MEMORY = 1_600 << 10, 900 << 10
TEMPORARY = ("client_temp", "proxy_temp", "fastcgi_temp", "uwsgi_temp", "scgi_temp")
NAMES = {number: f"SIG{name}" for name, number in SIGNALS.items()}
SENDABLE = {"stop": SIGTERM, "quit": SIGQUIT, "reload": SIGHUP, "reopen": SIGUSR1}


@dataclass(frozen=True)
class Build:
    """What one image's nginx was built as."""

    version: str
    compiler: str
    openssl: str
    pid_file: str = "/run/nginx.pid"


@dataclass
class Options:
    configuration: str = "/etc/nginx/nginx.conf"
    globals: str = ""
    test: int = 0
    quiet: bool = False
    signal: str = ""


def program(build: Build):
    async def nginx(process: Process) -> int:
        return await main(process, build)
    return nginx


async def main(process: Process, build: Build) -> int:
    def say(words: str) -> None:
        process.stderr.write(f"{words}\n".encode())

    options = Options()
    words = iter(process.argv[1:])
    for word in words:
        if not word.startswith("-"):
            say(f'nginx: invalid option: "{word}"')
            return 1
        for position, letter in enumerate(word[1:], 1):
            if letter in "vV?h":
                say(f"nginx version: nginx/{build.version}")
                if letter == "V":
                    say(f"built by {build.compiler} \nbuilt with {build.openssl}\nTLS SNI support enabled\nconfigure arguments: "
                        "--prefix=/etc/nginx --sbin-path=/usr/sbin/nginx --conf-path=/etc/nginx/nginx.conf "
                        f"--error-log-path=/var/log/nginx/error.log --http-log-path=/var/log/nginx/access.log --pid-path={build.pid_file} "
                        "--user=nginx --group=nginx --with-http_ssl_module --with-http_stub_status_module --with-http_v2_module")
                if letter in "?h":
                    say(USAGE)
                return 0
            if letter in "tT":
                options.test = 2 if letter == "T" else 1
            elif letter == "q":
                options.quiet = True
            elif letter in "scgpe":
                value = word[position + 1:] or next(words, None)
                if value is None:
                    say(f'nginx: option "-{letter}" requires {NEEDS[letter]}')
                    return 1
                if letter == "s" and value not in SENDABLE:
                    say(f'nginx: invalid option: "-s {value}"')
                    return 1
                name = {"s": "signal", "c": "configuration", "g": "globals"}.get(letter)
                if name:
                    setattr(options, name, value)
                break
            else:
                say(f'nginx: invalid option: "{letter}"')
                return 1
    options.configuration = posixpath.join("/etc/nginx", options.configuration)
    if options.globals and not options.globals.rstrip().endswith((";", "}")):
        options.globals += ";"
    return await Master(process, build, options).run()


NEEDS = {"s": "parameter", "c": "file name", "g": "parameter", "p": "directory name", "e": "file name"}
USAGE = """\
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: /etc/nginx/)
  -e filename   : set error log file (default: /var/log/nginx/error.log)
  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)
  -g directives : set global directives out of configuration file
"""


class Failed(Exception):
    """nginx cannot start; already reported."""


class Master:
    def __init__(self, process: Process, build: Build, options: Options):
        self.process, self.build, self.options = process, build, options
        self.site: Site | None = None
        self.workers: list[Process] = []
        self.turn = iter(())
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.signals: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self.pid_file = build.pid_file

    # --- words ---

    def early(self, level: str, words: str) -> None:
        """Before (or without) a working configuration: to the built-in error log and to stderr."""
        process = self.process
        if level != "notice":
            try:
                stream = process.fs.open("/var/log/nginx/error.log", "a", 0o644)
                stream.write(f"{log_time()} [{level}] {process.pid}#{process.pid}: {words}\n".encode())
                stream.close()
            except OSError:
                pass
        process.stderr.write(f"nginx: [{level}] {words}\n".encode())

    def fail(self, words: str) -> Failed:
        self.early("emerg", words)
        return Failed(words)

    def notice(self, words: str) -> None:
        self.site.log("notice", words)

    # --- starting ---

    async def run(self) -> int:
        options, process = self.options, self.process
        try:
            configuration = await self._load()
            if options.signal:
                return self._send(configuration)
            site = self._prepare(configuration)
            if options.test:
                site.close_logs()
                if not options.quiet:
                    self._tested("the configuration file {} syntax is ok", "configuration file {} test is successful")
                if options.test == 2:
                    self._dump(configuration)
                return 0
        except Failed:
            if options.test:
                self._tested("configuration file {} test failed")
            return 1
        if configuration.main.on("daemon", True):
            process.spawn(process.argv, program=self._daemon, new_group=True)
            return 0
        return await self._master(process, site)

    async def _daemon(self, process: Process) -> int:
        self.process = process
        return await self._master(process, self._prepare(await self._load()))

    def _tested(self, *lines: str) -> None:
        for line in lines:
            self.process.stderr.write(f"nginx: {line.format(self.options.configuration)}\n".encode())

    def _dump(self, configuration: Configuration) -> None:
        for path in configuration.files:
            self.process.stdout.write(f"# configuration file {path}:\n".encode() + self.process.fs.read(path) + b"\n")

    async def _load(self) -> Configuration:
        try:
            configuration = await load(self.process.fs, self.options.configuration, self.process.network.resolve, self.options.globals)
        except ConfigurationError as problem:
            raise self.fail(str(problem)) from None
        for words in configuration.warnings:
            self.early("warn", words)
        self.pid_file = configuration.main.args("pid", self.build.pid_file)[0]
        return configuration

    def _send(self, configuration: Configuration) -> int:
        """nginx -s: signals the master whose pid is in the pid file."""
        process, path = self.process, self.pid_file
        try:
            text = process.fs.read(path).decode().strip()
        except OSError as problem:
            self.early("error", f'open() "{path}" failed ({problem.errno}: {problem.strerror})')
            return 1
        if not text.isdigit() or int(text) == 0:
            self.early("error", f'invalid PID number "{text}" in "{path}"')
            return 1
        target = process.table.processes.get(int(text))
        if target is None:
            self.early("alert", f"kill({text}, {SENDABLE[self.options.signal]}) failed (3: No such process)")
            return 1
        Site(process, self.build, configuration).log("notice", "signal process started", process)
        target.signal(SENDABLE[self.options.signal], sender=process.pid)
        return 0

    def _prepare(self, configuration: Configuration) -> Site:
        """The user, the directories and the log files; raises Failed."""
        process = self.process
        fs = process.fs
        user = configuration.main.own("user")
        if user and process.uid != 0:
            self.early("warn", 'the "user" directive makes sense only if the master process runs with super-user privileges, ignored in '
                               f"{user[0].file}:{user[0].line}")
        self.user = (process.uid, process.gid)
        if process.uid == 0:
            name = user[0].args[0] if user else "nginx"
            found = _user(fs, name)
            if found is None:
                raise self.fail(f'getpwnam("{name}") failed' + (f" in {user[0].file}:{user[0].line}" if user else ""))
            self.user = found
        for name in TEMPORARY:
            path = f"/var/cache/nginx/{name}"
            if not fs.isdir(path):
                try:
                    fs.mkdir(path, 0o700)
                    fs.chown(path, *self.user)
                except OSError as problem:
                    raise self.fail(f'mkdir() "{path}" failed ({problem.errno}: {problem.strerror})') from None
        site = Site(process, self.build, configuration)
        try:
            site.open_logs()
            if not self.options.test:
                fs.write(self.pid_file, b"%d\n" % process.pid)
        except OSError as problem:
            raise self.fail(f'open() "{problem.filename}" failed ({problem.errno}: {problem.strerror})') from None
        return site

    async def _master(self, process: Process, site: Site) -> int:
        for number in (SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD):
            process.on_signal(number, lambda n: self.signals.put_nowait((n, process.signal_sender)))
        process.memory = MASTER_MEMORY
        process.argv = [f"nginx: master process {' '.join(process.argv)}"]
        try:
            await self._bind(site)
        except Failed:
            return 1
        self.site = site
        for words in ('using the "epoll" event method', f"nginx/{self.build.version}", f"built by {self.build.compiler} ",
                      f"OS: Linux {process.container.runtime.machine.kernel}", "getrlimit(RLIMIT_NOFILE): 1048576:1048576"):
            self.notice(words)
        self._start_workers()
        while True:
            number, sender = await self.signals.get()
            if await self._handle(number, sender):
                return 0

    async def _bind(self, site: Site) -> None:
        """Opens what the configuration listens on and closes what it no longer does; raises Failed after nginx's five tries."""
        wanted = site.configuration.addresses()
        for _ in range(5):
            clashes = []
            for address in wanted:
                if address not in self.listeners:
                    try:
                        self.listeners[address] = self.process.network.listen(address[1], self._accept(address), address[0])
                    except OSError as problem:
                        shown = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
                        if problem.errno == errno.EADDRNOTAVAIL:
                            raise self.fail(f"bind() to {shown} failed (99: {problem.strerror})") from None
                        self.early("emerg", f"bind() to {shown} failed (98: {problem.strerror})")
                        clashes.append(address)
            if not clashes:
                break
            site.log("notice", "try again to bind() after 500ms")
            await asyncio.sleep(self.process.clock.real(0.5))
        else:
            raise self.fail("still could not bind()")
        for address in set(self.listeners) - set(wanted):
            self.listeners.pop(address).close()

    def _accept(self, address: tuple[str, int]):
        async def accept(reader: asyncio.StreamReader, writer: Writer) -> None:
            site, worker = self.site, next(self.turn)
            await site.serve(site.configuration.addresses()[address], worker, reader, writer)
        return accept

    def _start_workers(self) -> None:
        self.notice("start worker processes")
        wanted = self.site.configuration.main.args("worker_processes", "1")[0]
        count = self.process.container.runtime.machine.cpus if wanted == "auto" else int(wanted)
        self.workers = [self._start_worker() for _ in range(count)]
        self.turn = cycle(self.workers)

    def _start_worker(self) -> Process:
        site = self.site
        uid, gid = self.user

        async def worker(process: Process) -> int:
            received: list[int] = []
            for number in (SIGTERM, SIGINT, SIGQUIT):
                process.on_signal(number, received.append)
            for number in (SIGHUP, SIGWINCH, SIGUSR1, SIGUSR2):
                process.on_signal(number, "ignore")
            process.memory = WORKER_MEMORY
            while not received:
                await process.sleep(math.inf)
            if received[0] == SIGQUIT:
                site.log("notice", "gracefully shutting down", process)
                await site.drain()
            site.log("notice", "exiting", process)
            site.log("notice", "exit", process)
            return 0

        process = self.process.spawn(["nginx: worker process"], program=worker, uid=uid, gid=gid)
        process.name = "nginx"
        self.notice(f"start worker process {process.pid}")
        return process

    # --- running ---

    async def _handle(self, number: int, sender: int) -> bool:
        """One signal; True when the master has ended."""
        if number == SIGCHLD:
            await self._worker_ended(sender)
            return False
        action = {SIGHUP: "reconfiguring", SIGUSR1: "reopening logs", SIGUSR2: "changing binary", SIGQUIT: "shutting down",
                  SIGTERM: "exiting", SIGINT: "exiting", SIGWINCH: "shutting down workers"}[number]
        if number == SIGWINCH:
            return False
        self.notice(f"signal {number} ({NAMES[number]}) received{f' from {sender}' if sender else ''}, {action}")
        if number == SIGHUP:
            await self._reload()
        elif number == SIGUSR1:
            self.site.open_logs()
        elif number in (SIGQUIT, SIGTERM, SIGINT):
            for listener in self.listeners.values():
                listener.close()
            await self._stop(self.workers, SIGQUIT if number == SIGQUIT else SIGTERM)
            self.notice("exit")
            try:
                self.process.fs.unlink(self.pid_file)
            except OSError:
                pass
            return True
        return False

    async def _stop(self, workers: list[Process], number: int) -> None:
        for worker in workers:
            worker.signal(number, sender=self.process.pid)
        for worker in workers:
            status = await worker.wait()
            self.notice(f"signal 17 (SIGCHLD) received from {worker.pid}")
            self.notice(f"worker process {worker.pid} exited with code {status}")

    async def _reload(self) -> None:
        self.notice("reconfiguring")
        try:
            site = self._prepare(await self._load())
            await self._bind(site)
        except Failed:
            return
        old_site, old_workers = self.site, self.workers
        self.site = site
        self.notice('using the "epoll" event method')
        self._start_workers()

        async def retire(process: Process) -> int:
            await self._stop(old_workers, SIGQUIT)
            old_site.close_logs()
            return 0
        task = asyncio.get_running_loop().create_task(retire(self.process))
        self.retiring = task

    async def _worker_ended(self, pid: int) -> None:
        worker = next((worker for worker in self.workers if worker.pid == pid), None)
        if worker is None or worker.killed_by is None:
            return
        worker.reap()
        self.notice(f"signal 17 (SIGCHLD) received from {pid}")
        self.site.log("alert", f"worker process {pid} exited on signal {worker.killed_by}")
        self.workers[self.workers.index(worker)] = self._start_worker()
        self.turn = cycle(self.workers)


def _user(fs, name: str) -> tuple[int, int] | None:
    try:
        lines = fs.read("/etc/passwd").decode().splitlines()
    except OSError:
        return None
    return next(((int(parts[2]), int(parts[3])) for parts in (line.split(":") for line in lines) if parts[0] == name), None)

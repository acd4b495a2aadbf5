"""agnhost's tools: connect, dns-suffix, etc-hosts, mounttest, logs-generator and others, each after its directory in
`test/images/agnhost`."""
import asyncio
import json
import random
import socket
import stat

from ..http_server import Request, Response
from .go import Duration, Run, http_error, routes, split_host_port, subcommand

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MAGIC = {"tmpfs": "tmpfs", "ext4": "61267", "proc": "40864", "sysfs": "1650812274"}
NEW_FILE = "mount-tester new file\n"


@subcommand("connect", "Attempts a TCP, UDP or SCTP connection and returns useful errors", timeout=Duration(0), protocol="tcp",
            udp_data="hostname", sctp_data="hostname")
async def connect(run: Run) -> int:
    def fail(words: str) -> int:
        run.process.stderr.write(f"{words}\n".encode())
        return 1

    if len(run.args) != 1:
        return fail(f"Error: accepts 1 arg(s), received {len(run.args)}")
    try:
        host, port = split_host_port(run.args[0])
    except ValueError as problem:
        return fail(f"UNKNOWN: {problem}")
    try:
        ip = (await run.process.network.resolve(host))[0]
    except socket.gaierror:
        return fail(f"DNS: lookup {host}: no such host")
    if run["protocol"] not in ("", "tcp", "udp"):
        return fail("Unsupported protocol")
    limit = run.clock.real(run["timeout"]) if run["timeout"] else None
    try:
        async with asyncio.timeout(limit):
            if run["protocol"] == "udp":
                if await run.process.network.ask(ip, port, run["udp-data"].encode() + b"\n") is None:
                    await asyncio.get_running_loop().create_future()
                return 0
            (await run.process.network.connect(ip, port))[1].close()
            return 0
    except TimeoutError:
        return fail("TIMEOUT")
    except ConnectionRefusedError:
        return fail("REFUSED")
    except OSError as problem:
        return fail(f"OTHER: dial tcp {ip}:{port}: connect: {(problem.strerror or str(problem)).lower()}")


def _resolver_line(run: Run, word: str) -> str | None:
    lines = run.process.fs.read("/etc/resolv.conf").decode().split("\n")
    return next((line for line in lines if line.startswith(word)), None)


@subcommand("dns-suffix", "Prints the host's DNS suffix list")
async def dns_suffix(run: Run) -> int:
    return _print_words(run, "search")


@subcommand("dns-server-list", "Prints the host's DNS Server list")
async def dns_server_list(run: Run) -> int:
    return _print_words(run, "nameserver")


def _print_words(run: Run, word: str) -> int:
    line = _resolver_line(run, word)
    if line is None:
        run.process.stderr.write(b"panic: Could not find DNS search list!\n")
        return 2
    run.out(",".join(line.split(" ")[1:]) + "\n")
    return 0


@subcommand("etc-hosts", "Prints the host's /etc/hosts file")
async def etc_hosts(run: Run) -> int:
    run.out(run.process.fs.read("/etc/hosts").decode() + "\n")
    return 0


@subcommand("entrypoint-tester", "Prints the args it's passed and exits")
async def entrypoint_tester(run: Run) -> int:
    run.out("[" + " ".join(run.process.argv) + "]\n")
    return 0


@subcommand("logs-generator", "Outputs lines of logs to stdout uniformly", {"t": "log-lines-total", "d": "run-duration"},
            log_lines_total=0, run_duration=Duration(0))
async def logs_generator(run: Run) -> int:
    total, seconds = run["log-lines-total"], run["run-duration"]
    if total <= 0:
        run.klog(f"Invalid total number of lines: {total}", "logs_generator.go:67", "F")
        return 255
    if seconds <= 0:
        run.klog(f"Invalid duration: {seconds:g}s", "logs_generator.go:71", "F")
        return 255
    for number in range(total):
        name = "".join(random.choices(ALPHABET, k=random.randrange(3, 5)))
        place = f"/api/v1/namespaces/{random.choice(('kube-system', 'default', 'ns'))}/pods/{name}"
        run.klog(f"{number} {random.choice(('GET', 'POST', 'PUT'))} {place} {random.randrange(200, 600)}", "logs_generator.go:76")
        await run.process.sleep(seconds / total)
    return 0


@subcommand("mounttest", "Creates files with given permissions and outputs FS type, owner, mode, permissions, contents of files",
            fs_type_="", file_mode_="", file_perm_="", file_owner_="", new_file_0644_="", new_file_0666_="", new_file_0660_="",
            new_file_0777_="", file_content_="", file_content_in_loop_="", retry_time_=180, break_on_expected_content_=True)
async def mounttest(run: Run) -> int:
    flags = {name.replace("-", "_"): value for name, value in run.flags.items()}
    fs, failed = run.process.fs, False
    fs.umask = 0

    def attempt(path: str, words: str, work) -> None:
        nonlocal failed
        if not path:
            return
        try:
            run.out(work())
        except OSError as problem:
            failed = True
            run.out(words.format(path=path) + f": {(problem.strerror or str(problem)).lower()}\n")

    def content(path: str) -> str:
        return f'content of file "{path}": {fs.read(path).decode("utf-8", "replace")}\n'

    def new(path: str, mode: int) -> str:
        fs.write(path, NEW_FILE.encode(), mode)
        return content(path)

    def kind(path: str) -> str:
        fs.stat(path)
        mount = max((m for m in fs.mounts if path == m or path.startswith(m.rstrip("/") + "/")), key=len, default=None)
        return f'mount type of "{path}": {MAGIC.get(fs.mounts[mount].kind, "61267") if mount else "794c7630"}\n'

    attempt(path := flags["fs_type"], 'error from statfs("{path}")', lambda: kind(path))
    for mode in (0o644, 0o666, 0o660, 0o777):
        attempt(made := flags[f"new_file_{mode:04o}"], 'error writing new file "{path}"', lambda made=made, mode=mode: new(made, mode))
    shown = flags["file_mode"]
    attempt(shown, 'error from Stat("{path}")', lambda: f'mode of file "{shown}": {_mode(fs, shown)}\n')
    allowed = flags["file_perm"]
    attempt(allowed, 'error from Stat("{path}")', lambda: f'perms of file "{allowed}": -{_mode(fs, allowed)[-9:]}\n')
    owned = flags["file_owner"]
    attempt(owned, 'error from stat("{path}")', lambda: "".join(
        f'owner {name} of "{owned}": {value}\n' for name, value in (("UID", fs.stat(owned).uid), ("GID", fs.stat(owned).gid))))
    read = flags["file_content"]
    attempt(read, 'error reading file content for "{path}"', lambda: content(read))
    if path := flags["file_content_in_loop"]:
        while run.age < flags["retry_time"]:
            try:
                text = content(path)
            except OSError as problem:
                run.out(f"Error reading file {path}: open {path}: {problem.strerror.lower()}, retrying\n")
            else:
                run.out(text)
                if flags["break_on_expected_content"]:
                    if fs.read(path).decode("utf-8", "replace") == NEW_FILE:
                        break
                    run.out(f"Unexpected content. Expected: {NEW_FILE}. Retrying")
            await run.process.sleep(2)
    return int(failed)


def _mode(fs, path: str) -> str:
    """Go's FileMode.String(): d, t, g and u before the nine letters, - when there are none."""
    found = fs.stat(path)
    bits = {"d": fs.isdir(path), "u": found.mode & stat.S_ISUID, "g": found.mode & stat.S_ISGID, "t": found.mode & stat.S_ISVTX}
    special = "".join(letter for letter, is_set in bits.items() if is_set)
    return (special or "-") + stat.filemode(stat.S_IFREG | (found.mode & 0o777))[1:]


@subcommand("net", "Creates webserver or runner for various networking tests", serve="", runner="", options="")
async def net(run: Run) -> int:
    if run["runner"]:
        return int(not await _runner(run, run["runner"], run["options"], run.log))
    if not run["serve"]:
        run.log("Must set either --serve or --runner")
        return 1

    async def handle(request: Request) -> Response:
        name = request.path.removeprefix("/run/")
        if name not in RUNNERS:
            return http_error(f"Invalid runner: '{name}'", 404)
        lines: list[str] = []
        good = await _runner(run, name, request.body.decode(), lines.append)
        return Response(200 if good else 500, "".join(line + "\n" for line in lines))
    if not run.serve(int(run["serve"].rpartition(":")[2]), routes({"/": handle})):
        return 1
    return await run.until_ended()


async def _runner(run: Run, name: str, options: str, log) -> bool:
    try:
        chosen = json.loads(options or "{}")
        await RUNNERS[name](run, chosen, log)
    except KeyError:
        log(f"Invalid runner: {name}")
    except (ValueError, OSError) as problem:
        log(f"Error: {problem}")
    else:
        return True
    return False


async def _close_wait_server(run: Run, options: dict, log) -> None:
    """Half-closes its side of one connection, then waits."""
    host, port = split_host_port(options["LocalAddr"])
    done = asyncio.get_running_loop().create_future()

    async def serve(reader, writer) -> None:
        log("Client connected")
        writer.write_eof()
        log(f"Server sent FIN, waiting {options.get('PostFinTimeoutSeconds', 0)} seconds")
        await run.clock.sleep(options.get("PostFinTimeoutSeconds", 0))
        if not done.done():
            done.set_result(None)
    listener = run.process.network.listen(port, serve, host or "0.0.0.0")
    log(f"Server listening on {options['LocalAddr']}")
    await done
    listener.close()
    log("Done")


async def _close_wait_client(run: Run, options: dict, log) -> None:
    reader, writer = await run.process.network.connect(*split_host_port(options["RemoteAddr"]))
    log("Connected to server")
    limit = options.get("TimeoutSeconds", 0)
    if await asyncio.wait_for(reader.read(1), run.clock.real(limit) if limit else None):
        raise OSError("Got data but expected EOF")
    log(f"Server has half-closed the connection, waiting {options.get('PostFinTimeoutSeconds', 0)} seconds")
    await run.clock.sleep(options.get("PostFinTimeoutSeconds", 0))
    if not options.get("LeakConnection"):
        writer.close()
    log("Done")


RUNNERS = {"nat-closewait-server": _close_wait_server, "nat-closewait-client": _close_wait_client}

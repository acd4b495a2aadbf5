"""wget: HTTP as busybox's does it."""
import asyncio
import posixpath
import socket
from urllib.parse import urljoin

from ._applet import Failure, Usage, applet, number, put
from ._http import exchange, parse_url

DEFAULT_TIMEOUT = 900
REDIRECTS = 5


@applet("wget", "[-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]\n\t[--post-data STR | --post-file FILE] [-Y on/off]\n"
                "\t[--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...", "cqSO:o:P:U:T:Y:t:",
        {"spider": "!", "header=": "H", "post-data=": "D", "post-file=": "F", "no-check-certificate": "-", "timeout=": "T", "quiet": "q",
         "output-document=": "O", "server-response": "S", "user-agent=": "U", "tries=": "t", "continue": "c"})
async def wget(process, options, arguments):
    if not arguments:
        raise Usage
    for url in arguments:
        await _Download(process, options).run(url)


class _Download:
    def __init__(self, process, options):
        self.process, self.options = process, options
        self.timeout = number(options["T"]) if options["T"] else DEFAULT_TIMEOUT

    async def say(self, text: str) -> None:
        if not self.options["q"]:
            await put(self.process, text, 2)

    async def limited(self, waiting):
        try:
            return await asyncio.wait_for(waiting, self.process.clock.real(self.timeout))
        except TimeoutError:
            raise Failure("download timed out") from None

    async def run(self, url: str) -> None:
        process, options = self.process, self.options
        method, body = "HEAD" if options["!"] else "GET", b""
        if options["D"] or options["F"]:
            method = "POST"
            body = options["D"].encode() if options["D"] else process.fs.read(options["F"])
        name = options["O"] or None
        if name and name != "-":
            process.fs.open(name, "w").close()
        for _ in range(REDIRECTS):
            try:
                address = parse_url(url)
            except ValueError:
                raise Failure(f"not an http or ftp url: {url}") from None
            response, writer = await self.request(address, method, body)
            try:
                if options["S"]:
                    await put(process, f"  HTTP/{response.version} {response.status} {response.reason}\n"
                              + "".join(f"  {key}: {value}\n" for key, value in response.headers) + "\n", 2)
                if response.status in (301, 302, 303, 307, 308) and (location := response.header("Location")):
                    url = urljoin(url if "://" in url else "http://" + url, location)
                    continue
                if response.status not in (200, 201, 202, 203, 204, 206):
                    raise Failure(f"server returned error: HTTP/{response.version} {response.status} {response.reason}".rstrip())
                if options["!"]:
                    await self.say("remote file exists\n")
                    return
                name = name or posixpath.basename(address.target.partition("?")[0]) or "index.html"
                if not options["O"] and options["P"]:
                    name = f"{options['P'].rstrip('/')}/{name}"
                await self.save(response, name)
                return
            finally:
                writer.close()
        raise Failure("too many redirections")

    async def request(self, address, method: str, body: bytes):
        process = self.process
        try:
            addresses = await process.network.resolve(address.host)
        except socket.gaierror:
            raise Failure(f"bad address '{address.host if address.port == 80 else address.authority}'") from None
        where = f"{addresses[0]}:{address.port}"
        await self.say(f"Connecting to {address.authority} ({where})\n")
        if address.scheme == "https":
            raise Failure("note: TLS certificate validation not implemented\nwget: TLS is not simulated")
        try:
            reader, writer = await self.limited(process.network.connect(addresses[0], address.port))
        except OSError as problem:
            raise Failure(f"can't connect to remote host ({addresses[0]}): {problem.strerror or 'Connection timed out'}") from None
        headers = [("User-Agent", self.options["U"] or "Wget"), ("Connection", "close")]
        for header in self.options.all("H"):
            key, _, value = header.partition(":")
            headers = [one for one in headers if one[0].lower() != key.lower()] + [(key, value.strip())]
        if method == "POST" and not any(key.lower() == "content-type" for key, _ in headers):
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        import h11
        try:
            return await self.limited(exchange(reader, writer, method, address, headers, body)), writer
        except (h11.RemoteProtocolError, ConnectionError):
            raise Failure("error getting response") from None

    async def save(self, response, name: str) -> None:
        process = self.process
        total = int(response.header("Content-Length") or 0)
        if name == "-":
            target = process.stdout.dup()
            await self.say("writing to stdout\n")
        else:
            if not self.options["O"] and process.fs.exists(name) and not self.options["c"]:
                raise Failure(f"can't open '{name}': File exists")
            try:
                target = process.fs.open(name, "w")
            except OSError as problem:
                raise Failure(f"can't open '{name}': {problem.strerror}") from None
            await self.say(f"saving to '{name}'\n")
        done = 0
        try:
            iterator = aiter(response.body)
            while (data := await self.limited(anext(iterator, None))) is not None:
                target.write(data)
                await target.drain()
                done += len(data)
        finally:
            target.close()
        await self.say(progress("-" if name == "-" else posixpath.basename(name), done, total or done))
        await self.say("written to stdout\n" if name == "-" else f"'{name}' saved\n")


def progress(name: str, done: int, total: int) -> str:
    """The last state of busybox's progress bar."""
    percent = done * 100 // total if total else 100
    bar = "*" * (percent * 32 // 100)
    return f"{name[:20]:<20} {percent:3}% |{bar:<32}| {done:5}  0:00:00 ETA\n"



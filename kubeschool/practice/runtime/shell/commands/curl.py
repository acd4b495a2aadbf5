"""curl (not busybox: images that have it put it in their /usr/bin). Messages and exit codes as curl 8."""
import asyncio
import base64
import posixpath
import re
import socket
import time
from urllib.parse import quote_plus, urljoin

from ._applet import applet, decode, encode, put
from ._http import exchange, parse_url

VERSION = "8.11.1"
LONG = {"silent": "s", "show-error": "S", "verbose": "v", "include": "i", "head": "I", "output=": "o", "remote-name": "O",
        "write-out=": "w",
        "header=": "H", "request=": "X", "data=": "d", "data-raw=": "d", "data-binary=": "d", "data-urlencode=": "U", "json=": "J",
        "location": "L",
        "insecure": "k", "max-time=": "m", "connect-timeout=": "T", "fail": "f", "user=": "u", "user-agent=": "A", "get": "G", "form=": "F",
        "resolve=": "R", "retry=": "t", "retry-delay=": "!", "retry-connrefused": "-", "retry-all-errors": "-", "compressed": "-",
        "http1.1": "-",
        "cookie=": "b", "referer=": "e", "url=": "@", "no-buffer": "N", "version": "V", "help": "h", "progress-bar": "#",
        "max-redirs=": "!",
        "ipv4": "4", "fail-with-body": "f", "no-progress-meter": "s", "cacert=": "!", "proxy=": "!", "noproxy=": "!", "parallel": "-",
        "path-as-is": "-"}


class CurlError(Exception):
    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


@applet("curl", "[options...] <url>", "sSviIo:Ow:H:X:d:Lkm:fu:A:GF:b:e:N46#Vhx:z:", LONG, status=2)
async def curl(process, options, arguments):
    if options["V"]:
        await put(process, f"curl {VERSION} (x86_64-pc-linux-gnu) simulated\nProtocols: http\n")
        return 0
    urls = [*options.all("@"), *arguments]
    if not urls:
        await put(process, "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2)
        return 2
    status = 0
    for url in urls:
        transfer = _Transfer(process, options)
        tries = 1 + int(options["t"] or 0)
        for attempt in range(tries):
            try:
                limit = float(options["m"]) if options["m"] else None
                await asyncio.wait_for(transfer.run(url), process.clock.real(limit) if limit else None)
                status = transfer.status
            except TimeoutError:
                error = CurlError(28,
                                  f"Operation timed out after {int(limit * 1000)} milliseconds with {transfer.received} bytes received")
            except CurlError as problem:
                error = problem
            except BrokenPipeError:
                raise
            except OSError as problem:
                error = CurlError(23, f"Failure writing output to destination: {problem.strerror}")
            else:
                break
            status = error.code
            if not options["s"] or options["S"]:
                await put(process, f"curl: ({error.code}) {error}\n", 2)
            if error.code not in (7, 28) or attempt == tries - 1:
                break
            await process.sleep(2 ** attempt)
        if options["w"]:
            await put(process, transfer.written(options["w"]))
    return status


class _Transfer:
    def __init__(self, process, options):
        self.process, self.options = process, options
        self.received, self.status, self.redirects = 0, 0, 0
        self.begun = False
        self.values: dict[str, object] = {"http_code": "000", "response_code": "000", "size_download": 0, "num_redirects": 0,
                                          "remote_ip": "", "remote_port": 0, "local_ip": "", "content_type": "", "url_effective": "",
                                          "http_version": "0", "exitcode": 0,
                                          "redirect_url": "", "scheme": "http", "method": "GET"}
        self.started = time.monotonic()

    def written(self, form: str) -> str:
        if form.startswith("@"):
            form = decode(self.process.fs.read(form[1:]))
        elapsed = f"{(time.monotonic() - self.started) * self.process.clock.speed:.6f}"

        def value(match: re.Match) -> str:
            if match[1].startswith("time_"):
                return elapsed
            return str(self.values.get(match[1], ""))
        text = re.sub(r"%\{(\w+)\}", value, form)
        return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("%%", "%")

    def body(self) -> bytes | None:
        options = self.options
        pieces = []
        for key, value in options.pairs:
            if key in ("d", "J"):
                pieces.append(decode(self.process.fs.read(value[1:])) if value.startswith("@") and value != "@-" else value)
            elif key == "U":
                name, equals, text = value.partition("=")
                pieces.append(f"{name}={quote_plus(text)}" if equals else quote_plus(value))
        return encode("&".join(pieces)) if pieces else None

    async def note(self, text: str) -> None:
        if self.options["v"]:
            await put(self.process, text, 2)

    async def run(self, url: str) -> None:
        options = self.options
        body = self.body()
        method = options["X"] or ("HEAD" if options["I"] else "POST" if body is not None and not options["G"] else "GET")
        if options["G"] and body:
            url += ("&" if "?" in url else "?") + decode(body)
            body = None
        while True:
            try:
                address = parse_url(url)
            except ValueError as problem:
                if str(problem).isalpha():
                    raise CurlError(1, f'Protocol "{problem}" not supported') from None
                raise CurlError(3, "URL rejected: Port number was not a decimal number between 0 and 65535") from None
            if not address.host:
                raise CurlError(3, "URL rejected: No host part in the URL")
            self.values["url_effective"], self.values["method"] = url if "://" in url else f"http://{url}", method
            response, writer = await self.request(address, method, body)
            try:
                location = response.header("Location")
                if options["L"] and response.status in (301, 302, 303, 307, 308) and location:
                    if options["i"] or options["I"]:
                        await self.output(self.head(response), address)
                    self.redirects += 1
                    self.values["num_redirects"] = self.redirects
                    if self.redirects > 50:
                        raise CurlError(47, "Maximum (50) redirects followed")
                    url = urljoin(url if "://" in url else "http://" + url, location)
                    if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                        method, body = "GET", None
                    await self.note(f"* Issue another request to this URL: '{url}'\n")
                    continue
                await self.receive(response, address, method)
                return
            finally:
                writer.close()

    async def request(self, address, method: str, body: bytes | None):
        process, options = self.process, self.options
        if address.scheme == "https":
            raise CurlError(35, "TLS is not simulated in practice containers; use http")
        pinned = [entry.split(":", 2) for entry in options.all("R")]
        chosen = next((ip for host, port, ip in pinned if host == address.host and int(port) == address.port), None)
        try:
            addresses = [chosen] if chosen else await process.network.resolve(address.host)
        except socket.gaierror:
            raise CurlError(6, f"Could not resolve host: {address.host}") from None
        await self.note(f"*   Trying {addresses[0]}:{address.port}...\n")
        limit = float(options["T"]) if options["T"] else 300
        started = time.monotonic()
        try:
            reader, writer = await asyncio.wait_for(process.network.connect(addresses[0], address.port), process.clock.real(limit))
        except TimeoutError:
            raise CurlError(28, f"Connection timed out after {int(limit * 1000)} milliseconds") from None
        except OSError:
            spent = int((time.monotonic() - started) * process.clock.speed * 1000)
            where = f"{address.host} port {address.port}"
            raise CurlError(7, f"Failed to connect to {where} after {spent} ms: Could not connect to server") from None
        await self.note(f"* Connected to {address.host} ({addresses[0]}) port {address.port}\n")
        local = writer.get_extra_info("sockname") or ("", 0)
        self.values.update(remote_ip=addresses[0], remote_port=address.port, local_ip=local[0])
        headers = [("Host", address.authority), ("User-Agent", options["A"] or f"curl/{VERSION}"), ("Accept", "*/*")]
        if user := options["u"] or address.user:
            headers.insert(1, ("Authorization", "Basic " + base64.b64encode(encode(user)).decode()))
        if options["b"]:
            headers.append(("Cookie", options["b"]))
        if options["e"]:
            headers.append(("Referer", options["e"]))
        if options["J"]:
            headers[-1:] = [("Accept", "application/json"), ("Content-Type", "application/json")]
        for header in options.all("H"):
            key, colon, value = header.partition(":")
            headers = [one for one in headers if one[0].lower() != key.lower()]
            if value.strip() and colon:
                headers.append((key, value.strip()))
        if body is not None:
            headers.append(("Content-Length", str(len(body))))
            if not any(key.lower() == "content-type" for key, _ in headers):
                headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        await self.note(f"> {method} {address.target} HTTP/1.1\n" + "".join(f"> {key}: {value}\n" for key, value in headers) + "> \n")
        import h11
        try:
            response = await exchange(reader, writer, method, address, headers, body or b"")
        except ConnectionResetError as problem:
            writer.close()
            if "empty" in str(problem):
                raise CurlError(52, "Empty reply from server") from None
            raise CurlError(56, "Recv failure: Connection reset by peer") from None
        except h11.RemoteProtocolError:
            writer.close()
            if reader.at_eof():
                raise CurlError(52, "Empty reply from server") from None
            raise CurlError(1, "Received HTTP/0.9 when not allowed") from None
        self.values.update(http_code=f"{response.status:03}", response_code=f"{response.status:03}", http_version=response.version,
                           content_type=response.header("Content-Type") or "", redirect_url=urljoin(str(self.values["url_effective"]),
                                                                                                    response.header("Location") or ""))
        if not response.header("Location"):
            self.values["redirect_url"] = ""
        await self.note("".join(f"< {line}\n" for line in self.head(response).split("\r\n")[:-1]))
        return response, writer

    @staticmethod
    def head(response) -> str:
        lines = [f"HTTP/{response.version} {response.status} {response.reason}", *(f"{key}: {value}" for key, value in response.headers)]
        return "\r\n".join(lines) + "\r\n\r\n"

    async def receive(self, response, address, method: str) -> None:
        options = self.options
        if options["f"] and response.status >= 400:
            raise CurlError(22, f"The requested URL returned error: {response.status}")
        if options["i"] or options["I"]:
            await self.output(self.head(response), address)
        if method == "HEAD":
            return
        wanted = int(response.header("Content-Length") or -1)
        import h11
        try:
            async for data in response.body:
                self.received += len(data)
                await self.output(data, address)
        except h11.RemoteProtocolError:
            raise CurlError(18, f"end of response with {wanted - self.received} bytes missing") from None
        if not self.received:
            await self.output(b"", address)
        self.values["size_download"] = self.received
        await self.note(f"* Connection #0 to host {address.host} left intact\n")

    async def output(self, data, address) -> None:
        name = self.options["o"] or (posixpath.basename(address.target.partition("?")[0]) if self.options["O"] else None)
        if self.options["O"] and not name:
            raise CurlError(23, "Remote file name has no length")
        if not name or name == "-":
            await put(self.process, data)
        elif self.begun:
            self.process.fs.append(name, encode(data))
        else:
            self.begun = True
            try:
                self.process.fs.write(name, encode(data))
            except OSError as problem:
                raise CurlError(23, f"client returned ERROR on write: {problem.strerror}") from None

"""nc: connect, listen, -z, -e, -u."""
import asyncio
import socket

from ...streams import Pipe, Sink
from ._applet import Failure, Usage, applet, number, put


@applet("nc", "[-zlvn] [-wN] [-p PORT] [-e PROG] [IPADDR PORT]", "zlLvnukw:p:e:i:s:f:", permute=False)
async def nc(process, options, arguments):
    words = list(arguments)
    timeout = number(options["w"]) if options["w"] else None
    program = None
    if options["e"]:
        program = [options["e"], *words[0 if options["l"] else 2:]]
    if options["l"] or options["L"]:
        port = number(options["p"]) if options["p"] else number(words[-1]) if words else 0
        return await listen(process, options, port, program)
    if "-e" in words:
        program = words[words.index("-e") + 1:]
        words = words[:words.index("-e")]
    rest = [word for word in words if not word.startswith("-")]
    flags = "".join(word[1:] for word in words if word.startswith("-"))
    if len(rest) < 2:
        raise Usage
    host, port = rest[0], number(rest[1])
    try:
        addresses = await process.network.resolve(host)
    except socket.gaierror:
        raise Failure(f"bad address '{host}'") from None
    if options["u"] or "u" in flags:
        return await datagrams(process, addresses[0], port, timeout)
    try:
        connecting = process.network.connect(addresses[0], port)
        reader, writer = await asyncio.wait_for(connecting, process.clock.real(timeout) if timeout else None)
    except TimeoutError:
        raise Failure("timed out") from None
    except OSError as problem:
        if (options["z"] or "z" in flags) and options["v"] is False and "v" not in flags:
            return 1
        named = f"{host} ({addresses[0]}:{port})" if options["v"] or "v" in flags else f"remote host ({addresses[0]})"
        if options["v"] or "v" in flags:
            raise Failure(f"{named}: {problem.strerror}") from None
        raise Failure(f"can't connect to {named}: {problem.strerror}") from None
    if options["v"] or "v" in flags:
        await put(process, f"{host} ({addresses[0]}:{port}) open\n", 2)
    try:
        if options["z"] or "z" in flags:
            return 0
        if program:
            return await attach(process, program, reader, writer)
        await both_ways(process, reader, writer)
    finally:
        writer.close()


async def datagrams(process, ip: str, port: int, timeout: int | None) -> int:
    """UDP: each line of standard input is a datagram, and its answer is printed."""
    while data := await process.stdin.read():
        try:
            answer = await process.network.ask(ip, port, data)
        except ConnectionRefusedError:
            return 1
        if answer:
            await put(process, answer)
    if timeout:
        await process.sleep(timeout)
    return 0


async def both_ways(process, reader, writer) -> None:
    """stdin to the connection, the connection to stdout, until the other side is done."""
    async def send() -> None:
        try:
            while data := await process.stdin.read():
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except ConnectionError:
            pass

    sending = asyncio.ensure_future(send())
    try:
        while data := await reader.read(65536):
            await put(process, data)
    except ConnectionError:
        pass
    finally:
        sending.cancel()


async def attach(process, program: list[str], reader, writer) -> int:
    """A program whose standard streams are the connection."""
    pipe = Pipe()

    async def feed() -> None:
        try:
            while data := await reader.read(65536):
                pipe.write(data)
                await pipe.drain()
        except OSError:
            pass
        pipe.close()

    feeding = asyncio.ensure_future(feed())
    try:
        child = process.spawn(program, stdin=pipe.reader, stdout=Sink(writer.write), stderr=Sink(writer.write))
        return await child.wait()
    except OSError as problem:
        raise Failure(f"can't execute '{program[0]}': {problem.strerror}", 127) from None
    finally:
        feeding.cancel()
        writer.close()


async def listen(process, options, port: int, program: list[str] | None) -> int:
    accepted: asyncio.Queue = asyncio.Queue()
    persistent = process.argv[1:].count("-l") > 1 or any(word.count("l") > 1 for word in process.argv[1:]
                                                         if word.startswith("-")) or options["k"]

    async def handle(reader, writer) -> None:
        if persistent and program:
            await attach(process, program, reader, writer)
            return
        done = asyncio.Event()
        await accepted.put((reader, writer, done))
        await done.wait()

    try:
        listener = process.network.listen(port, handle)
    except OSError as problem:
        raise Failure(f"bind: {problem.strerror}") from None
    if options["v"]:
        await put(process, f"listening on [::]:{listener.port} ...\n", 2)
    while True:
        reader, writer, done = await accepted.get()
        if not persistent:
            listener.close()
        if options["v"]:
            remote = writer.get_extra_info("peername")
            await put(process, f"connect to [::ffff:{writer.local[0]}]:{port} from [::ffff:{remote[0]}]:{remote[1]}\n", 2)
        try:
            if program:
                status = await attach(process, program, reader, writer)
            else:
                status = 0
                await both_ways(process, reader, writer)
        finally:
            writer.close()
            done.set()
        if not persistent:
            return status

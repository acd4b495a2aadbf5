"""tail."""
import asyncio
import re
from collections import deque

from ._applet import applet, complain, inputs, lines, number, put


@applet("tail", "[OPTIONS] [FILE]...", "n:c:fFqvs:0123456789", {"follow": "f", "retry": "q"})
async def tail(process, options, arguments):
    digits = "".join(key for key, _ in options.pairs if key.isdigit())
    if arguments and re.fullmatch(r"\+\d+", arguments[0]):
        digits, *arguments = arguments
    text = str(options["c"] or options["n"] or digits or "10")
    count, from_start = abs(number(text, suffixes=True)), text.startswith("+")
    by_bytes = "c" in options
    several = (len(arguments) > 1 or options["v"]) and not options["q"]
    shown, status = 0, 0
    following = []
    names = arguments or ["-"]
    async for name, stream in inputs(process, names, "can't open '{name}': {error}"):
        if stream is None:
            status = 1
            if options["F"]:
                following.append(_Followed(process, name, 0))
            continue
        if several:
            await put(process, ("\n" if shown else "") + f"==> {'standard input' if name == '-' else name} <==\n")
        shown += 1
        if by_bytes:
            data = await stream.read_all()
            await put(process, data[max(count - 1, 0):] if from_start else data[-count:] if count else b"")
        elif from_start:
            skip = count - 1
            async for line in lines(process, stream):
                if skip > 0:
                    skip -= 1
                else:
                    await put(process, line)
        else:
            last = deque(maxlen=count)
            async for line in lines(process, stream):
                last.append(line)
            await put(process, b"".join(last))
        if name != "-" and hasattr(stream, "position"):
            following.append(_Followed(process, name, stream.position))
    if status and not shown and not following:
        await complain(process, "no files")
    if not (options["f"] or options["F"]) or not following:
        return status
    output = asyncio.Queue()
    followers = [asyncio.ensure_future(followed.run(output)) for followed in following]
    last = following[-1].name
    try:
        while True:
            name, data = await output.get()
            if several and name != last:
                await put(process, f"\n==> {name} <==\n")
            last = name
            await put(process, data)
    finally:
        for follower in followers:
            follower.cancel()


class _Followed:
    def __init__(self, process, name: str, position: int):
        self.process, self.name, self.position = process, name, position

    async def run(self, output: asyncio.Queue) -> None:
        """Puts what is appended; starts again when the file is truncated or another one has its name (-F)."""
        fs = self.process.fs
        node = None
        while True:
            try:
                current = fs.lookup(self.name)
            except OSError:
                await asyncio.sleep(self.process.clock.real(1))
                continue
            if node is not None and current is not node and not hasattr(current, "changed"):
                return
            if node is not None and current is not node and current.read_at(0, self.position) != node.read_at(0, self.position):
                self.position = 0
            node = current
            if node.size < self.position:
                self.position = 0
            if node.size > self.position:
                data = node.read_at(self.position, node.size - self.position)
                self.position += len(data)
                await output.put((self.name, data))
                continue
            try:
                await asyncio.wait_for(node.changed(), max(self.process.clock.real(1), 0.05))
            except TimeoutError:
                pass



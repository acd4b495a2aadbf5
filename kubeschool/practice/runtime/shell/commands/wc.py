"""wc."""
from ._applet import applet, chunks, inputs, put


@applet("wc", "[-cmlwL] [FILE]...", "cmlwL")
async def wc(process, options, arguments):
    wanted = [letter for letter in "lwmcL" if options[letter]] or list("lwc")
    totals = dict.fromkeys("lwmcL", 0)
    status, files = 0, 0

    async def show(counts: dict[str, int], name: str) -> None:
        form = "%9d" if len(wanted) > 1 or len(arguments) > 1 else "%d"
        text = " ".join(form % counts[letter] for letter in wanted)
        await put(process, (text + (f" {name}" if name else "")) + "\n")

    async for name, stream in inputs(process, arguments):
        if stream is None:
            status = 1
            continue
        counts = dict.fromkeys("lwmcL", 0)
        data = bytearray()
        async for chunk in chunks(process, stream):
            data += chunk
        counts["l"], counts["w"], counts["c"] = data.count(b"\n"), len(data.split()), len(data)
        counts["m"] = len(data.decode("utf-8", "replace"))
        counts["L"] = max((len(line) for line in data.decode("utf-8", "replace").split("\n")), default=0)
        for letter in totals:
            totals[letter] = max(totals[letter], counts[letter]) if letter == "L" else totals[letter] + counts[letter]
        files += 1
        await show(counts, name if arguments else "")
    if len(arguments) > 1:
        await show(totals, "total")
    return status

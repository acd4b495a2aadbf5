"""uniq."""
import itertools

from ._applet import applet, inputs, lines, number, put


@applet("uniq", "[-cduiz] [-f,s,w N] [FILE [OUTFILE]]", "cduizf:s:w:")
async def uniq(process, options, arguments):
    def key(line: bytes) -> bytes:
        text = line.rstrip(b"\n")
        if options["f"]:
            text = b" ".join(text.split(b" ")[number(options["f"]):]) if b" " in text else b""
        if options["s"]:
            text = text[number(options["s"]):]
        if options["w"]:
            text = text[:number(options["w"])]
        return text.lower() if options["i"] else text

    async for _, stream in inputs(process, arguments[:1], "can't open '{name}': {error}"):
        if stream is None:
            return 1
        everything = [line async for line in lines(process, stream)]
        out = []
        for _, group in itertools.groupby(everything, key):
            same = list(group)
            if (options["d"] and len(same) == 1) or (options["u"] and len(same) > 1):
                continue
            line = same[0].rstrip(b"\n") + b"\n"
            out.append((f"{len(same):7} ".encode() if options["c"] else b"") + line)
        if len(arguments) > 1:
            process.fs.write(arguments[1], b"".join(out))
        else:
            await put(process, b"".join(out))

"""paste and fold."""
import itertools

from ._applet import applet, decode, inputs, lines, number, open_file, put


@applet("paste", "[-d DELIMITERS] [-s] [FILE]...", "d:s")
async def paste(process, options, arguments):
    from ...shell.parser import unescape
    marks = unescape(options["d"]) if options["d"] else "\t"
    columns = []
    for name in arguments or ["-"]:
        stream = open_file(process, name)
        columns.append([decode(line).removesuffix("\n") async for line in lines(process, stream)])
        stream.close()
    rows = columns if options["s"] else itertools.zip_longest(*columns, fillvalue="")
    for row in rows:
        text = ""
        for index, cell in enumerate(row):
            text += (marks[(index - 1) % len(marks)] if index else "") + cell
        await put(process, text + "\n")


@applet("fold", "[-bs] [-w WIDTH] [FILE]...", "bsw:")
async def fold(process, options, arguments):
    width = number(options["w"] or 80)
    async for _, stream in inputs(process, arguments):
        if stream is None:
            return 1
        async for line in lines(process, stream):
            text = decode(line).removesuffix("\n")
            while len(text) > width:
                cut = text.rfind(" ", 0, width) + 1 if options["s"] else 0
                await put(process, text[:cut or width] + "\n")
                text = text[cut or width:]
            await put(process, text + "\n")

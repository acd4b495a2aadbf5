"""tee."""
from ._applet import applet, chunks, complain, put, stdin


@applet("tee", "[-ai] [FILE]...", "ai")
async def tee(process, options, arguments):
    status, files = 0, []
    for name in arguments:
        try:
            files.append(process.fs.open(name, "a" if options["a"] else "w"))
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
    async for data in chunks(process, stdin(process)):
        for stream in files:
            stream.write(data)
        await put(process, data)
    for stream in files:
        stream.close()
    return status

"""gzip, gunzip, zcat."""
from ._applet import applet, complain, open_file, put


@applet("gzip gunzip zcat", "[-cfkdt123456789] [FILE]...", "cfkdtnqv123456789", {"stdout": "c", "decompress": "d", "keep": "k"})
async def gzip(process, options, arguments):
    import gzip as codec
    import zlib
    unpack = options["d"] or options["t"] or process.name != "gzip"
    to_stdout = options["c"] or process.name == "zcat" or not arguments
    level = next((int(key) for key in options if key.isdigit()), 6)
    status = 0
    for name in arguments or ["-"]:
        try:
            stream = open_file(process, name)
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1
            continue
        target = None
        if name != "-" and not to_stdout and not options["t"]:
            if unpack and not name.endswith((".gz", ".tgz")):
                await complain(process, f"{name}: unknown suffix - ignored")
                status = 1
                continue
            target = (name[:-4] + ".tar" if name.endswith(".tgz") else name[:-3]) if unpack else name + ".gz"
            if process.fs.exists(target) and not options["f"]:
                await complain(process, f"can't open '{target}': File exists")
                status = 1
                continue
        data = await stream.read_all()
        stream.close()
        if unpack:
            try:
                data = codec.decompress(data)
            except (OSError, EOFError, zlib.error):
                await complain(process, "no gzip/bzip2/xz magic" if process.name == "zcat" else "invalid magic"
                               if data[:2] != b"\x1f\x8b" else "corrupted data")
                status = 1
                continue
        else:
            data = codec.compress(data, level)
        if options["t"]:
            continue
        if target is None:
            await put(process, data)
        else:
            process.fs.write(target, data)
            if not options["k"]:
                process.fs.unlink(name)
    return status

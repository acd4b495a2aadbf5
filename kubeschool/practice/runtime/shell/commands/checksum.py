"""md5sum, sha1sum, sha256sum, sha512sum, cksum-like; and base64."""
import base64 as codec
import hashlib

from ._applet import applet, chunks, complain, decode, inputs, number, put


@applet("md5sum sha1sum sha256sum sha512sum sha3sum", "[-c[sw]] [FILE]...", "cswbt")
async def checksum(process, options, arguments):
    kind = {"sha3": "sha3_224"}.get(process.name[:-3], process.name[:-3])

    async def digest(stream) -> str:
        hasher = hashlib.new(kind)
        async for data in chunks(process, stream):
            hasher.update(data)
        return hasher.hexdigest()

    status, bad = 0, 0
    async for name, stream in inputs(process, arguments, "can't open '{name}': {error}"):
        if stream is None:
            status = 1
        elif options["c"]:
            for line in decode(await stream.read_all()).splitlines():
                wanted, _, path = line.partition("  ")
                try:
                    found = await digest(process.fs.open(path))
                except OSError as problem:
                    await complain(process, f"can't open '{path}': {problem.strerror}")
                    found = ""
                bad += found != wanted
                if not options["s"]:
                    await put(process, f"{path}: {'OK' if found == wanted else 'FAILED'}\n")
        else:
            await put(process, f"{await digest(stream)}  {name}\n")
    if bad:
        if not options["s"]:
            await complain(process, f"WARNING: {bad} of {bad} computed checksums did NOT match")
        status = 1
    return status


@applet("base64", "[-d] [-w COL] [FILE]", "dw:i", {"decode": "d", "wrap=": "w"})
async def base64(process, options, arguments):
    async for _, stream in inputs(process, arguments[:1]):
        if stream is None:
            return 1
        data = await stream.read_all()
        if options["d"]:
            kept = bytes(byte for byte in data if chr(byte).isalnum() or byte in b"+/=")
            if len(kept) % 4 or len(kept) != len(data.translate(None, b" \t\r\n")):
                whole = kept[:len(kept) // 4 * 4]
                await put(process, codec.b64decode(whole))
                await complain(process, "truncated input")
                return 1
            await put(process, codec.b64decode(kept))
        else:
            width = number(options["w"]) if "w" in options else 76
            text = decode(codec.b64encode(data))
            pieces = [text[at:at + width] for at in range(0, len(text), width)] if width else [text]
            await put(process, "".join(piece + ("\n" if width else "") for piece in pieces))

"""nslookup, as busybox 1.36 prints (FEATURE_NSLOOKUP_BIG)."""
import ipaddress

from ....network.network import NameNotFound
from ._applet import COMMANDS, put


async def nslookup(process) -> int:
    words = process.argv[1:]
    kinds = [word.partition("=")[2].upper() for word in words if word.startswith(("-type=", "-querytype=", "-q="))]
    names = [word for word in words if not word.startswith("-")]
    if not names:
        await put(process, "BusyBox multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n", 2)
        return 1
    name, server = names[0], names[1] if len(names) > 1 else None
    if server:
        server = (await process.network.resolve(server))[0]
    where = server or next(iter(process.network.resolver()[0]), "127.0.0.1")
    try:
        address = ipaddress.ip_address(name)
        queries = [(address.reverse_pointer, "PTR")]
    except ValueError:
        queries = [(name.rstrip("."), kind) for kind in kinds or ["A", "AAAA"]]
    out, status = [], 0
    try:
        for asked, kind in queries:
            try:
                answers = await process.network.query(asked, kind, where)
            except NameNotFound:
                out.append(f"** server can't find {asked}: NXDOMAIN\n\n")
                status = 1
                continue
            if not answers and kind not in ("A", "AAAA"):
                out.append(f"*** Can't find {asked}: No answer\n\n")
                status = 1
            for answer in answers:
                out.append(f"Name:\t{asked}\nAddress: {answer}\n" if kind in ("A", "AAAA") else f"{asked}\tname = {answer}\n"
                           if kind == "PTR"
                           else f"{asked}\t{kind.lower()} = {answer}\n")
            out.append("\n")
    except TimeoutError:
        await put(process, ";; connection timed out; no servers could be reached\n\n")
        return 1
    await put(process, f"Server:\t\t{where}\nAddress:\t{where}:53\n\n" + "".join(out))
    return status


COMMANDS["nslookup"] = nslookup

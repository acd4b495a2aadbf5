"""ip, ifconfig, route, netstat: the pod's network as seen from inside."""
from ._applet import COMMANDS, Failure, applet, put


def gateway(ip: str) -> str:
    return ip.rpartition(".")[0] + ".1"


def hardware(ip: str) -> str:
    return ":".join(f"{number:02x}" for number in (0xA6, 0x3C, *map(int, ip.split("."))))


def address_lines(ip: str) -> str:
    return (f"1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
            f"    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
            f"2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue \n"
            f"    link/ether {hardware(ip)} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet {ip}/24 brd {ip.rpartition('.')[0]}.255 scope global eth0\n       valid_lft forever preferred_lft forever\n")


async def ip(process) -> int:
    words = [word for word in process.argv[1:] if not word.startswith("-")]
    address = process.network.ip
    what = words[0] if words else ""
    if len(words) > 1 and words[1] in ("add", "del", "set", "flush", "append", "change", "replace"):
        await put(process, "ip: RTNETLINK answers: Operation not permitted\n", 2)
        return 2
    device = words[-1] if len(words) > 1 and words[-1] in ("lo", "eth0") else None
    if what and "address".startswith(what):
        text = address_lines(address)
        split = text.index("2: eth0")
        await put(process, text[:split] if device == "lo" else text[split:] if device == "eth0" else text)
    elif what and "link".startswith(what):
        kept = [line for line in address_lines(address).splitlines() if not line.startswith(("    inet", "       valid"))]
        await put(process, "\n".join(kept) + "\n")
    elif what and "route".startswith(what):
        gate = gateway(address)
        await put(process, f"default via {gate} dev eth0 \n{gate.rpartition('.')[0]}.0/24 via {gate} dev eth0  src {address} \n"
                           f"{gate} dev eth0 scope link  src {address} \n")
    elif what and "neigh".startswith(what):
        await put(process, f"{gateway(address)} dev eth0 lladdr {hardware(gateway(address))} ref 1 used 0/0/0 probes 1 REACHABLE\n")
    else:
        await put(process, "Usage: ip [OPTIONS] address|route|link|neigh [ARGS]\n", 2)
        return 1
    return 0


COMMANDS["ip"] = ip


@applet("ifconfig", "[-a] [IFACE]", "a")
async def ifconfig(process, options, arguments):
    address = process.network.ip
    shown = {
        "eth0": f"eth0      Link encap:Ethernet  HWaddr {hardware(address).upper()}  \n"
                f"          inet addr:{address}  Bcast:{address.rpartition('.')[0]}.255  Mask:255.255.255.0\n"
                "          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n",
        "lo": "lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n"
              "          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n",
    }
    counters = ("          RX packets:0 errors:0 dropped:0 overruns:0 frame:0\n"
                "          TX packets:0 errors:0 dropped:0 overruns:0 carrier:0\n"
                "          collisions:0 txqueuelen:1000 \n          RX bytes:0 (0.0 B)  TX bytes:0 (0.0 B)\n\n")
    for name in arguments[:1] or shown:
        if name not in shown:
            raise Failure(f"{name}: error fetching interface information: Device not found")
        await put(process, shown[name] + counters)


@applet("route", "[-ne]", "nee")
async def route(process, options, arguments):
    gate = gateway(process.network.ip)
    await put(process, "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
                       f"0.0.0.0         {gate:<15} 0.0.0.0         UG    0      0        0 eth0\n"
                       f"{gate.rpartition('.')[0] + '.0':<15} {gate:<15} 255.255.255.0   UG    0      0        0 eth0\n")


@applet("netstat", "[-ral] [-tuwx] [-enWp]", "raltuwxenWp")
async def netstat(process, options, arguments):
    stack = process.network.stack
    if options["r"]:
        return await route(process, options, arguments)
    listening, everything = options["l"], options["a"]
    kind = "only servers" if listening else "servers and established" if everything else "w/o servers"
    name = "PID/Program name    " if options["p"] else ""
    await put(process, f"Active Internet connections ({kind})\n"
                       f"Proto Recv-Q Send-Q Local Address           Foreign Address         State       {name}\n")

    async def line(local: str, remote: str, state: str, owner=None) -> None:
        program = (f"{owner.pid}/{owner.name}" if owner is not None else "-") if options["p"] else ""
        await put(process, f"tcp        0      0 {local:<23} {remote:<23} {state:<11} {program}\n")

    if listening or everything:
        for (address, port), listener in stack.listeners.items():
            v6 = ":" in address
            await line(f"{'::' if v6 else address}:{port}", ":::*" if v6 else "0.0.0.0:*", "LISTEN", listener.owner)
    if not listening:
        for writer in stack.connections:
            await line("{}:{}".format(*writer.local), "{}:{}".format(*writer.remote), "ESTABLISHED")



"""ping: ICMP is simulated, an address answers when a pod or node has it."""
import random
import socket

from ....network.network import is_loopback
from ...process import SIGINT
from ._applet import Failure, Usage, applet, number, put


@applet("ping ping6", "[OPTIONS] HOST", "46Ac:s:i:w:W:t:I:q")
async def ping(process, options, arguments):
    if not arguments:
        raise Usage
    host, size = arguments[0], number(options["s"] or 56)
    try:
        ip = (await process.network.resolve(host))[0]
    except socket.gaierror:
        raise Failure(f"bad address '{host}'") from None
    count = number(options["c"]) if options["c"] else None
    interval, wait = float(options["i"] or 1), float(options["W"] or 10)
    deadline = float(options["w"]) if options["w"] else None
    await put(process, f"PING {host} ({ip}): {size} data bytes\n")
    times: list[float] = []
    sent, stopped = 0, False

    def stop(_: int) -> None:
        nonlocal stopped
        stopped = True

    process.on_signal(SIGINT, stop)
    network, spent = process.network.network, 0.0
    while not stopped and (count is None or sent < count) and (deadline is None or spent < deadline):
        if is_loopback(ip) or (ip in network.stacks and network.permits(process.network.ip, ip, 0, "ICMP")):
            took = random.uniform(0.04, 0.06) if is_loopback(ip) or ip == process.network.ip else random.uniform(0.06, 0.2)
            times.append(took)
            if not options["q"]:
                ttl = 64 if is_loopback(ip) or ip == process.network.ip else 62
                await put(process, f"{size + 8} bytes from {ip}: seq={sent} ttl={ttl} time={took:.3f} ms\n")
        last = count is not None and sent + 1 >= count
        sent += 1
        pause = interval if not last else 0 if times and len(times) == sent else wait
        if pause:
            await process.sleep(pause)
            spent += pause
    lost = (sent - len(times)) * 100 // sent if sent else 0
    await put(process,
              f"\n--- {host} ping statistics ---\n{sent} packets transmitted, {len(times)} packets received, {lost}% packet loss\n")
    if times:
        await put(process, f"round-trip min/avg/max = {min(times):.3f}/{sum(times) / len(times):.3f}/{max(times):.3f} ms\n")
    return int(not times)

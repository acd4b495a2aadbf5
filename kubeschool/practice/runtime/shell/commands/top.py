"""top: -b and -n N, or every five seconds until q."""
import asyncio

from ._applet import applet, decode, number, put, user_names
from .ps import title


async def meminfo(process) -> dict[str, int]:
    """/proc/meminfo in KiB."""
    return {line.split(":")[0]: int(line.split()[1]) for line in decode(process.fs.read("/proc/meminfo")).splitlines()}


@applet("top", "[-b] [-n COUNT] [-d SECONDS]", "bHmn:d:")
async def top(process, options, arguments):
    count, delay = number(options["n"] or -1), float(options["d"] or 5)
    terminal = process.terminal if not options["b"] and process.stdout.isatty() else None
    users = user_names(process)
    if terminal:
        terminal.raw = True
    try:
        while True:
            memory = await meminfo(process)
            used = memory["MemTotal"] - memory["MemFree"]
            everyone = sorted(process.table.processes.values(), key=lambda other: (-other.cpu, other.pid))
            total = sum(other.cpu for other in everyone)
            cores = max(decode(process.fs.read("/proc/cpuinfo")).count("processor"), 1)
            busy = min(int(total * 100 / cores), 100)
            load = decode(process.fs.read("/proc/loadavg")).strip()
            out = [f"Mem: {used}K used, {memory['MemFree']}K free, 0K shrd, {memory['Buffers']}K buff, {memory['Cached']}K cached",
                   f"CPU: {busy:3}% usr   0% sys   0% nic {100 - busy:3}% idle   0% io   0% irq   0% sirq", f"Load average: {load}",
                   "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND"]
            for other in everyone:
                size = other.memory >> 10
                shown = str(size) if size < 10000 else f"{size >> 10}m"
                out.append(f"{other.pid:5} {other.ppid:5} {users.get(other.uid, str(other.uid)):<8} {other.state:<4} {shown:>5} "
                           f"{size * 100 // memory['MemTotal']:3}% {0:3} {int(other.cpu * 100 / cores):3}% {title(other)}")
            if terminal:
                out = [line[:terminal.columns] for line in out[:terminal.rows - 1]]
                out[3] = f"\x1b[7m{out[3]}\x1b[m"
                await put(process, "\x1b[H\x1b[J")
            await put(process, "\n".join(out) + "\n")
            count -= 1
            if count == 0:
                return 0
            if terminal:
                try:
                    key = await asyncio.wait_for(process.stdin.read(1), process.clock.real(delay))
                except TimeoutError:
                    continue
                if key in (b"q", b"Q", b"\x03", b""):
                    return 0
            else:
                await process.sleep(delay)
    finally:
        if terminal:
            terminal.raw = False

"""timeout, time, watch, nohup, setsid, nice: commands that run another."""
import asyncio
import time as clock

from ...process import SIGHUP, SIGNALS
from ._applet import Failure, Usage, applet, put
from .kill import signal_number
from .sleep import seconds


def start(process, argv: list[str], **how):
    try:
        return process.spawn(argv, **how)
    except FileNotFoundError as problem:
        raise Failure(f"can't execute '{argv[0]}': {problem.strerror}", 127) from None
    except OSError as problem:
        raise Failure(f"can't execute '{argv[0]}': {problem.strerror}", 126) from None


@applet("timeout", "[-s SIG] [-k KILL_SECS] SECS PROG ARGS", "s:k:t:", {"foreground": "!"}, permute=False)
async def timeout(process, options, arguments):
    if len(arguments) < 2:
        raise Usage
    limit, number = seconds(arguments[0]), signal_number(options["s"] or "TERM")
    if number is None:
        raise Failure(f"invalid signal '{options['s']}'")
    child = start(process, arguments[1:])
    process.on_signal(SIGNALS["TERM"], child.signal)
    process.on_signal(SIGNALS["INT"], child.signal)
    waiting = asyncio.ensure_future(child.wait())
    try:
        done, _ = await asyncio.wait([waiting], timeout=process.clock.real(limit) if limit else None)
        if not done:
            child.signal(number)
            if options["k"]:
                done, _ = await asyncio.wait([waiting], timeout=process.clock.real(seconds(options["k"])))
                if not done:
                    child.signal(SIGNALS["KILL"])
            await waiting
            process.on_signal(number, "default")
            process.signal(number)
            return 128 + number
        return waiting.result()
    finally:
        waiting.cancel()


@applet("time", "[-vpa] [-o FILE] PROG ARGS", "vpao:f:", permute=False)
async def time(process, options, arguments):
    if not arguments:
        raise Usage
    started = clock.monotonic()
    child = start(process, arguments)
    status = await child.wait()
    real = (clock.monotonic() - started) * process.clock.speed

    def show(amount: float) -> str:
        return f"{amount:.2f}" if options["p"] else f"{int(amount // 60)}m {amount % 60:.2f}s"

    space = " " if options["p"] else "\t"
    await put(process, f"real{space}{show(real)}\nuser{space}{show(child.cpu_seconds)}\nsys{space}{show(0)}\n", 2)
    return status


@applet("watch", "[-n SEC] [-t] PROG ARGS", "n:td", permute=False)
async def watch(process, options, arguments):
    if not arguments:
        raise Usage
    from .date import strftime
    from .hostname import host_name
    every = seconds(options["n"]) if options["n"] else 2
    command = " ".join(arguments)
    while True:
        header = ""
        if not options["t"]:
            left = f"Every {every:.1f}s: {command}"
            right = f"{host_name(process)}: {strftime('%F %T', clock.time())}"
            columns = process.terminal.columns if process.terminal else 80
            header = left + right.rjust(max(columns - len(left), len(right) + 1)) + "\n\n"
        await put(process, "\x1b[H\x1b[J" + header)
        await start(process, ["sh", "-c", command]).wait()
        await process.sleep(every)


@applet("nohup", "PROG ARGS", permute=False)
async def nohup(process, options, arguments):
    if not arguments:
        raise Usage
    process.on_signal(SIGHUP, "ignore")
    if process.stdout.isatty():
        await put(process, "nohup: appending output to nohup.out\n", 2)
        return await start(process, arguments, stdout=process.fs.open("nohup.out", "a")).wait()
    execute(process, arguments)


@applet("setsid", "[-c] PROG ARGS", "c", permute=False)
async def setsid(process, options, arguments):
    if not arguments:
        raise Usage
    process.group.discard(process)
    process.group = {process}
    execute(process, arguments)


@applet("nice", "[-n ADJUST] [PROG ARGS]", "n:", permute=False)
async def nice(process, options, arguments):
    if not arguments:
        await put(process, "0\n")
    else:
        execute(process, arguments)


def execute(process, argv: list[str]) -> None:
    try:
        process.exec(argv)
    except FileNotFoundError as problem:
        raise Failure(f"can't execute '{argv[0]}': {problem.strerror}", 127) from None
    except OSError as problem:
        raise Failure(f"can't execute '{argv[0]}': {problem.strerror}", 126) from None

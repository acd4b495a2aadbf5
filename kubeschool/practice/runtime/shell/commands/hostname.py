"""hostname, uname, arch, nproc, uptime: the machine."""
import time

from ._applet import Failure, applet, decode, put


def host_name(process) -> str:
    try:
        return decode(process.fs.read("/etc/hostname")).strip()
    except OSError:
        return "localhost"


def kernel(process) -> str:
    try:
        return decode(process.fs.read("/proc/sys/kernel/osrelease")).strip()
    except OSError:
        return "6.1.0"


@applet("hostname", "[-sidf] [HOSTNAME | -F FILE]", "sidfF:")
async def hostname(process, options, arguments):
    name = host_name(process)
    if arguments or options["F"]:
        raise Failure("sethostname: Operation not permitted")
    if options["i"]:
        addresses = await process.network.resolve(name)
        name = " ".join(addresses)
    elif options["f"] or options["d"]:
        full = next((words[1] for line in decode(process.fs.read("/etc/hosts")).splitlines()
                     if len(words := line.split()) > 1 and name in words[1:]), name)
        name = full.partition(".")[2] if options["d"] else full
    elif options["s"]:
        name = name.partition(".")[0]
    await put(process, name + "\n")


@applet("uname", "[-amnrspvio]", "amnrspvio", {"all": "a", "machine": "m", "kernel-release": "r", "nodename": "n", "kernel-name": "s",
                                               "operating-system": "o"})
async def uname(process, options, arguments):
    values = {"s": "Linux", "n": host_name(process), "r": kernel(process), "v": "#1 SMP PREEMPT_DYNAMIC", "m": "x86_64", "o": "GNU/Linux"}
    wanted = list(values) if options["a"] else [letter for letter in values if options[letter]] or ["s"]
    if options["p"] or options["i"]:
        values["p"] = "unknown"
        wanted.append("p")
    await put(process, " ".join(values[letter] for letter in wanted) + "\n")


@applet("arch", "")
async def arch(process, options, arguments):
    await put(process, "x86_64\n")


@applet("nproc", "[--all] [--ignore=N]", "", {"all": "a", "ignore=": "i"})
async def nproc(process, options, arguments):
    count = decode(process.fs.read("/proc/cpuinfo")).count("processor\t")
    await put(process, f"{max(count - int(options['i'] or 0), 1)}\n")


@applet("uptime", "")
async def uptime(process, options, arguments):
    minutes = int(float(decode(process.fs.read("/proc/uptime")).split()[0])) // 60
    days, hours = divmod(minutes // 60, 24)
    up = (f"{days} day{'s' if days != 1 else ''}, " if days else "") + (f"{hours}:{minutes % 60:02}" if minutes >= 60 else f"{minutes} min")
    load = ", ".join(decode(process.fs.read("/proc/loadavg")).split()[:3])
    await put(process, f" {time.strftime('%H:%M:%S', time.gmtime())} up {up},  0 users,  load average: {load}\n")

"""free."""
from ._applet import applet, human, put
from .top import meminfo


@applet("free", "[-bkmgh]", "bkmgh")
async def free(process, options, arguments):
    memory = await meminfo(process)
    unit = 1 / 1024 if options["b"] else 1024 if options["m"] else 1 << 20 if options["g"] else 1

    def show(kilobytes: int) -> str:
        return human(kilobytes * 1024) if options["h"] else str(int(kilobytes / unit))

    cached = memory["Cached"] + memory["Buffers"]
    used = memory["MemTotal"] - memory["MemFree"] - cached
    columns = [memory["MemTotal"], used, memory["MemFree"], 0, cached, memory["MemAvailable"]]
    await put(process, "              total        used        free      shared  buff/cache   available\n"
                       f"Mem:  {' '.join(f'{show(number):>11}' for number in columns)}\n"
                       f"Swap: {' '.join(f'{show(number):>11}' for number in (0, 0, 0))}\n")

"""yes."""
from ..pace import Pace
from ._applet import COMMANDS, put


async def yes(process) -> int:
    line = (" ".join(process.argv[1:]) or "y") + "\n"
    pace = Pace(process)
    while True:
        await put(process, line * 64)
        await pace()


COMMANDS["yes"] = yes

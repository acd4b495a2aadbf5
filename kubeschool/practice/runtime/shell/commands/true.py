"""true and false."""
from ._applet import COMMANDS


async def true(process) -> int:
    return 0


async def false(process) -> int:
    return 1


COMMANDS.update({"true": true, "false": false})

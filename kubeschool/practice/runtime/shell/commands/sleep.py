"""sleep and usleep, in cluster time."""
import math
import re

from ._applet import Failure, Usage, applet

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    if text in ("inf", "infinity"):
        return math.inf
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", text)
    if not match:
        raise Failure(f"invalid number '{text}'")
    return float(match[1]) * UNITS[match[2]]


@applet("sleep", "[N]...", permute=False)
async def sleep(process, options, arguments):
    if not arguments:
        raise Usage
    left = sum(seconds(word) for word in arguments)
    while left > 0:
        left = await process.sleep(left)


@applet("usleep", "N", permute=False)
async def usleep(process, options, arguments):
    if not arguments:
        raise Usage
    await process.sleep(seconds(arguments[0]) / 1e6)

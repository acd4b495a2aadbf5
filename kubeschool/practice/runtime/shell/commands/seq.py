"""seq."""
from decimal import Decimal, InvalidOperation

from ..pace import Pace
from ._applet import Failure, Usage, applet, put


@applet("seq", "[-w] [-s SEP] [FIRST [INC]] LAST", "ws:f:0123456789.", permute=False)
async def seq(process, options, arguments):
    words = process.argv[1:]
    while words and words[0][:1] == "-" and words[0][1:2] not in set("0123456789."):
        words = words[2:] if words[0] in ("-s", "-f") else words[1:]
    if not 1 <= len(words) <= 3:
        raise Usage
    try:
        values = [Decimal(word) for word in words]
    except InvalidOperation:
        bad = next(word for word in words if not word.replace(".", "", 1).lstrip("-+").isdigit())
        raise Failure(f"invalid number '{bad}'") from None
    first, step, last = {1: (Decimal(1), Decimal(1), values[0]), 2: (values[0], Decimal(1), values[-1]),
                         3: tuple(values)}[len(values)]
    if step == 0:
        raise Usage
    places = max(-value.as_tuple().exponent for value in values[:2] if value is not None) if len(values) > 1 else max(0,
                                                                                                                      -values[0].as_tuple().exponent)
    places = max(places, 0)
    width = max(len(f"{first:.{places}f}"), len(f"{last:.{places}f}")) if options["w"] else 0
    separator = options["s"] if options["s"] and options["s"] is not True else "\n"
    value, index, pace = first, 0, Pace(process)
    while value <= last if step > 0 else value >= last:
        text = f"{value:.{places}f}"
        text = text.zfill(width)
        await put(process, (separator if index else "") + text)
        index += 1
        value = first + step * index
        await pace()
    if index:
        await put(process, "\n")

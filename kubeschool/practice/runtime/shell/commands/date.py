"""date."""
import re
import time
from datetime import UTC, datetime

from ._applet import Failure, applet, put

FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%Y%m%d%H%M.%S", "%Y%m%d%H%M",
           "%H:%M:%S", "%H:%M",
           "%a %b %d %H:%M:%S UTC %Y"]


def parse_date(text: str) -> float | None:
    """Unix seconds of the forms busybox takes (@seconds, YYYY-MM-DD [hh:mm[:ss]], hh:mm, YYYYMMDDhhmm[.ss]), in UTC."""
    if re.fullmatch(r"@-?\d+", text):
        return float(text[1:])
    for form in FORMATS:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        if form.startswith("%H"):
            found = datetime.combine(datetime.now(UTC).date(), found.time())
        return found.replace(tzinfo=UTC).timestamp()
    return None


@applet("date", "[OPTIONS] [+FMT] [[-s] TIME]", "s:uRd:r:IhmnsD:", {"utc": "u", "date=": "d", "reference=": "r", "rfc-2822": "R",
                                                                    "iso-8601": "I"})
async def date(process, options, arguments):
    when = time.time()
    if options["d"]:
        when = parse_date(options["d"])
        if when is None:
            raise Failure(f"invalid date '{options['d']}'")
    elif options["r"]:
        when = process.fs.stat(options["r"]).mtime
    form = next((word[1:] for word in arguments if word.startswith("+")), None)
    if options["s"] or (arguments and form is None):
        raise Failure("can't set date: Operation not permitted")
    precision = next((word[2:] for word in process.argv[1:] if word.startswith("-I")), None)
    if form is None and precision is not None:
        form = {"": "%Y-%m-%d", "date": "%Y-%m-%d", "hours": "%Y-%m-%dT%H+00:00", "minutes": "%Y-%m-%dT%H:%M+00:00",
                "seconds": "%Y-%m-%dT%H:%M:%S+00:00"}.get(precision, "%Y-%m-%d")
    elif form is None:
        form = "%a, %d %b %Y %H:%M:%S +0000" if options["R"] else "%a %b %e %H:%M:%S UTC %Y"
    await put(process, strftime(form, when) + "\n")


def strftime(form: str, when: float) -> str:
    """As C's in the C locale, UTC; %N is nanoseconds."""
    at = datetime.fromtimestamp(when, UTC)
    days, months = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
                                                                       "Nov", "Dec"]
    values = {"s": str(int(when)), "N": f"{at.microsecond * 1000:09}", "e": f"{at.day:2}", "Z": "UTC", "z": "+0000", "n": "\n", "t": "\t",
              "%": "%",
              "a": days[at.weekday()], "b": months[at.month - 1], "h": months[at.month - 1], "F": at.strftime("%Y-%m-%d"),
              "T": at.strftime("%H:%M:%S"), "R": at.strftime("%H:%M"), "D": at.strftime("%m/%d/%y"), "k": f"{at.hour:2}",
              "l": f"{(at.hour - 1) % 12 + 1:2}", "c": f"{days[at.weekday()]} {months[at.month - 1]} {at.day:2} {at:%H:%M:%S %Y}",
              "C": f"{at.year // 100:02}", "P": at.strftime("%p").lower(), "x": at.strftime("%m/%d/%y"), "X": at.strftime("%H:%M:%S"),
              "r": at.strftime("%I:%M:%S %p"), "u": str(at.isoweekday()), "w": str(at.isoweekday() % 7)}
    return re.sub(r"%-?(.)", lambda match: _unpadded(match[0], values.get(match[1]) if match[1] in values else at.strftime("%" + match[1])),
                  form)


def _unpadded(specification: str, text: str) -> str:
    return (text.lstrip(" 0") or "0") if specification[1] == "-" else text

"""resource.Quantity: "500m", "1Gi", "1e3" (apimachinery `pkg/api/resource/quantity.go`)."""
import re
from decimal import ROUND_UP, Decimal
from functools import lru_cache

INVALID = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in DECIMAL.items()}
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:(Ki|Mi|Gi|Ti|Pi|Ei)|([numkMGTPE]?)|[eE]([+-]?[0-9]+))")
MILLI, NANO = Decimal("0.001"), Decimal("1e-9")


def parse(text: str | int | float) -> Decimal:
    """The exact value; finer than a nano is rounded up. Raises ValueError with Kubernetes' words."""
    return _parse(str(text))[0]


def milli(text: str | int | float) -> int:
    """The value in thousandths, rounded up (`MilliValue`)."""
    return int((parse(text) * 1000).to_integral_value(ROUND_UP))


def value(text: str | int | float) -> int:
    """The value as an integer, rounded up (`Value`)."""
    return int(parse(text).to_integral_value(ROUND_UP))


def family(text: str | int | float) -> str:
    """How it was written: `decimal`, `binary` or `exponent`."""
    return _parse(str(text))[1]


@lru_cache(maxsize=1024)
def canonical(text: str, smallest: Decimal = NANO) -> str:
    """As Kubernetes writes it: no fraction, the largest suffix of the same family that is exact; rounded up to `smallest`."""
    number, family = _parse(text)
    return format(number.quantize(smallest, ROUND_UP) if number % smallest else number, family)


def format(number: Decimal | int, family: str = "decimal") -> str:
    """`family` is `decimal` ("1k"), `binary` ("1Ki") or `exponent` ("1e3"). Binary falls back to decimal below 1024 and for fractions."""
    number = Decimal(number)
    if not number:
        return "0"
    if family == "binary" and abs(number) >= 1024 and number == number.to_integral_value():
        mantissa, exponent = int(number), 0
        while mantissa % 1024 == 0 and exponent < 60:
            mantissa, exponent = mantissa // 1024, exponent + 10
        suffix = next((s for s, e in BINARY.items() if e == exponent), "")
        return f"{mantissa}{suffix}"
    exponent = 18
    while exponent > -9 and number.scaleb(-exponent) % 1:
        exponent -= 3
    mantissa = int(number.scaleb(-exponent))
    if family == "exponent":
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{DECIMAL_SUFFIX[exponent]}"


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[Decimal, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(INVALID)
    digits, binary, decimal, exponent = match.groups()
    number = Decimal(digits)
    if binary:
        number, family = number * 2 ** BINARY[binary], "binary"
    elif exponent is not None:
        number, family = number.scaleb(int(exponent)) if abs(int(exponent)) < 100 else Decimal("NaN"), "exponent"
    else:
        number, family = number.scaleb(DECIMAL[decimal]), "decimal"
    if number.is_nan() or abs(number) >= Decimal(10) ** 27:
        raise ValueError(INVALID)
    return (number.quantize(NANO, ROUND_UP) if number % NANO else number), family

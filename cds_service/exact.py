"""JSON with exact numbers: a dose of 0.1 stays 0.1."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def exact(written: str) -> Decimal:
    """A JSON number with a point or an exponent, exactly; not a number where no Decimal can hold it."""
    try:
        return Decimal(written)
    except InvalidOperation:
        return Decimal("NaN")


_ANYTHING = msgspec.json.Decoder(float_hook=exact)


def decode(written: bytes) -> Any:
    """Any JSON. Raises one of `UNREADABLE`."""
    return _ANYTHING.decode(written)

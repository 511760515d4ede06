"""Decodes the JSON that a client sent, and maps what is wrong with it to `InvalidRequest`."""

from collections.abc import Callable
from typing import TypeVar

from cds_service.errors import InvalidRequest
from cds_service.fhir.json import UNREADABLE, TooDeep

Decoded = TypeVar("Decoded")


def decode_member(
    written: bytes,
    member: str,
    decode: Callable[[bytes], Decoded],
    unreadable: tuple[str, str] = ("body", "is not valid JSON"),
) -> Decoded:
    """The value of a member, or of the whole `body`.

    Raises `InvalidRequest` for JSON that is nested too deeply, about the member, and for anything that is no JSON,
    with the member and the problem of `unreadable`.
    """
    try:
        return decode(written)
    except (TooDeep, RecursionError):
        raise InvalidRequest(member, "is nested too deeply") from None
    except UNREADABLE:
        raise InvalidRequest(*unreadable) from None

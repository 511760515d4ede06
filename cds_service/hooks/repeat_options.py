"""The options of PDDI-CDS for cards that were shown before: in the extension of a request, and in discovery.

HL7/PDDI-CDS 018be880 (2026-06-11): its sample requests have them in the member `pddi-configuration-items` of the
request's `extension`; discovery lists them as `configuration-items`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cds_service.errors import InvalidRequest
from cds_service.fhir.json import decode, member
from cds_service.hooks.decoding import decode_member
from cds_service.hooks.requests import PATIENT_VIEW

REMEMBER = "cache-for-order-sign-filtering"
WITHOUT_REPEATED = "filter-out-repeated-alerts"
_OPTIONS = (REMEMBER, WITHOUT_REPEATED)
_HOLDER = "pddi-configuration-items"
_NOTE = "Default: true, as agreed for this client. No card says that another was left out; critical cards never are."
_SAYS: Mapping[str, tuple[str, str, str]] = {  # hook -> the option, its name, what it does
    "order-select": (REMEMBER, "Remember for signing", "Whether what this call shows need not be repeated at signing."),
    "order-sign": (
        WITHOUT_REPEATED,
        "Leave out repeated cards",
        "Whether cards are left out that the same user was shown, word for word, for the same orders at order-select "
        "within the last 30 minutes.",
    ),
    PATIENT_VIEW: (
        WITHOUT_REPEATED,
        "Leave out repeated cards",
        "Whether cards are left out that the same user was shown, word for word, for the same patient and the same "
        "treatment when the chart was opened within the last 30 minutes.",
    ),
}


class RepeatOptions(msgspec.Struct, frozen=True):
    """The options that a request gives, and those that are there and cannot be read."""

    values: Mapping[str, bool] = {}
    unread: tuple[str, ...] = ()


def read_repeat_options(raw_extension: msgspec.Raw) -> RepeatOptions:
    """The options in the extension of a request. One of the wrong type is as if it were not there."""
    written = bytes(raw_extension)
    if not any(option.encode() in written for option in _OPTIONS):
        return RepeatOptions()
    try:
        extension = decode_member(written, "extension", decode)
    except InvalidRequest:
        return RepeatOptions(unread=("extension",))
    holders = (member(extension, _HOLDER), extension)
    given = {name: held[name] for name in _OPTIONS for held in holders if isinstance(held, dict) and name in held}
    values = {name: value for name, value in given.items() if isinstance(value, bool)}
    return RepeatOptions(values, tuple(name for name in given if name not in values))


def configuration_items(hook: str) -> dict[str, Any] | None:
    """The extension of a service in discovery that lists its option; None for a hook that has none."""
    if hook not in _SAYS:
        return None
    code, name, says = _SAYS[hook]
    return {"configuration-items": [{"code": code, "type": "boolean", "name": name, "description": f"{says} {_NOTE}"}]}

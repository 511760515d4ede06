"""The request of a hook call: the envelope is read first, and the prefetch stays bytes until an order needs it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from cds_service.errors import InvalidRequest, TooManyOrders
from cds_service.fhir.json import decode, parse_decimal, text
from cds_service.hooks.decoding import decode_member

ORDERS_MEMBER = {
    "medication-prescribe": "medications",
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
}
MAX_ORDERS = 300  # nobody signs more at once; beyond it the call is refused, since an order left out goes unchecked
_PATH = re.compile(r"at `\$\.?([\w.]*)")
_MISSING = re.compile(r"missing required field `(\w+)`")
_EXPECTED = re.compile(r"Expected `([\w| ]+)`, got `(\w+)`")


class _Envelope(msgspec.Struct):
    """The members that are read; others are ignored."""

    hook: str
    hookInstance: str
    context: msgspec.Raw
    fhirServer: Any = None
    fhirAuthorization: Any = None
    prefetch: msgspec.Raw = msgspec.Raw()
    extension: msgspec.Raw = msgspec.Raw()


_ENVELOPE = msgspec.json.Decoder(_Envelope, float_hook=parse_decimal)


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One hook call. `entries` are the Bundle entries of its draft orders; `raw_prefetch` and
    `raw_extension` are not parsed yet. `user_id` and `encounter_id` are empty where there is none."""

    hook: str
    hook_instance: str
    patient_id: str
    entries: tuple[dict[str, Any], ...]
    selections: tuple[str, ...]
    fhir_server: str
    fhir_authorization: Any
    raw_prefetch: msgspec.Raw
    raw_extension: msgspec.Raw = msgspec.Raw()
    user_id: str = ""
    encounter_id: str = ""

    def __repr__(self) -> str:
        """The hook alone: the rest holds a token and patient data, and a repr ends up in logs."""
        return f"HookRequest({self.hook})"

    def prefetch(self) -> Mapping[str, Any]:
        """The prefetch, parsed; empty if none was sent or if it is not an object."""
        written = bytes(self.raw_prefetch)
        if not written:
            return {}
        prefetch = decode_member(written, "prefetch", decode, ("prefetch", "is not JSON that can be read"))
        return prefetch if isinstance(prefetch, dict) else {}


def read_request(body: bytes, hook: str) -> HookRequest:
    """Reads the body of a call to a service of this hook. Raises `InvalidRequest` that names the member at fault."""
    envelope = decode_member(body, "body", _decode_envelope)
    if envelope.hook != hook:
        raise InvalidRequest("hook", f"is not {hook}, the hook of this service")
    if not envelope.hookInstance.strip():
        raise InvalidRequest("hookInstance", "is blank")
    context = decode_member(bytes(envelope.context), "context", decode)
    if not isinstance(context, dict):
        raise InvalidRequest("context", "is not an object")
    return HookRequest(
        hook=hook,
        hook_instance=envelope.hookInstance,
        patient_id=_patient_id(context),
        entries=tuple(_entries(context, ORDERS_MEMBER[hook])),
        selections=tuple(_selections(context)),
        fhir_server=envelope.fhirServer if isinstance(envelope.fhirServer, str) else "",
        fhir_authorization=envelope.fhirAuthorization,
        raw_prefetch=envelope.prefetch,
        raw_extension=envelope.extension,
        user_id=text(context.get("userId")),
        encounter_id=text(context.get("encounterId")),
    )


def _decode_envelope(body: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid_member(str(error)) from None


def _invalid_member(message: str) -> InvalidRequest:
    """The error for a message of the decoder, which has names of members and types, never values."""
    missing, path, expected = _MISSING.search(message), _PATH.search(message), _EXPECTED.search(message)
    if missing:
        return InvalidRequest(missing[1], "is missing")
    member = path[1] if path and path[1] in _Envelope.__struct_fields__ else "body"
    problem = f"is {expected[2]}, not {expected[1]}" if expected else "is not of the right type"
    return InvalidRequest(member, problem.replace("str", "string"))


def _patient_id(context: Mapping[str, Any]) -> str:
    if "patientId" not in context:
        raise InvalidRequest("context.patientId", "is missing")
    patient_id = context["patientId"]
    if not isinstance(patient_id, str):
        raise InvalidRequest("context.patientId", "is not a string")
    if not patient_id.strip() or "/" in patient_id:
        raise InvalidRequest("context.patientId", "is not the bare id of a patient")
    return patient_id.strip()


def _entries(context: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    """The entries of the Bundle of orders. Some clients send a plain list of entries or resources instead."""
    path = f"context.{member}"
    if member not in context:
        raise InvalidRequest(path, "is missing")
    bundle = context[member]
    if not isinstance(bundle, dict | list):
        raise InvalidRequest(path, "is not a Bundle")
    entries = bundle.get("entry") if isinstance(bundle, dict) else bundle
    if entries is not None and not isinstance(entries, list):
        raise InvalidRequest(f"{path}.entry", "is not a list")
    if entries and len(entries) > MAX_ORDERS:
        raise TooManyOrders(path, MAX_ORDERS)
    return [_as_entry(entry) for entry in entries or [] if isinstance(entry, dict)]


def _as_entry(entry_or_resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": entry_or_resource} if "resourceType" in entry_or_resource else entry_or_resource


def _selections(context: Mapping[str, Any]) -> list[str]:
    selections = context.get("selections")
    return [reference for reference in selections if isinstance(reference, str)] if isinstance(selections, list) else []

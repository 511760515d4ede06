"""The request of a hook call: the envelope is read first, and the prefetch stays bytes until an order needs it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cds_service.errors import InvalidRequest, TooManyOrders
from cds_service.fhir.json import decode, parse_decimal, relative_reference, text
from cds_service.fhir.versions.elements import resource_type
from cds_service.hooks.decoding import decode_member

VERIFY, PATIENT_VIEW = "medication-verify", "patient-view"
ORDER_MEMBERS: Mapping[str, tuple[str, ...]] = {  # hook -> the members of its context that hold orders, one or all
    "medication-prescribe": ("medications",),
    "order-select": ("draftOrders",),
    "order-sign": ("draftOrders",),
    VERIFY: ("medication", "order"),  # its text names the first, and its examples have the second
    PATIENT_VIEW: (),  # it is about what is on record
}
MAX_ORDERS = 300  # nobody signs more at once; beyond it the call is refused, since an order left out goes unchecked
_NO_ORDER = "does not hold the order: a MedicationRequest (MedicationOrder in DSTU2) is expected, no reference"
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


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE_PREFETCH = ("prefetch", "is not JSON that can be read")


def _decode_members(written: bytes) -> dict[str, msgspec.Raw]:
    """The members of an object, not parsed; none of anything else."""
    try:
        return _MEMBERS.decode(written)
    except msgspec.ValidationError:
        return {}


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
        prefetch = decode_member(written, "prefetch", decode, _UNREADABLE_PREFETCH)
        return prefetch if isinstance(prefetch, dict) else {}

    def prefetch_of(self, keys: Iterable[str]) -> dict[str, Any]:
        """The answers under these keys of the prefetch, parsed. All others stay bytes."""
        written = bytes(self.raw_prefetch)
        answers = decode_member(written, "prefetch", _decode_members, _UNREADABLE_PREFETCH) if written else {}
        return {
            key: decode_member(bytes(answers[key]), "prefetch", decode, _UNREADABLE_PREFETCH)
            for key in keys
            if key in answers
        }


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
        entries=tuple(_entries(context, hook)),
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


def _entries(context: Mapping[str, Any], hook: str) -> list[dict[str, Any]]:
    """The entries of the orders in question, and of what came with them."""
    members = [member for member in ORDER_MEMBERS[hook] if context.get(member) is not None]
    if not ORDER_MEMBERS[hook]:
        return []
    if not members:
        raise InvalidRequest(f"context.{ORDER_MEMBERS[hook][0]}", "is missing")
    if hook == VERIFY:
        return _entries_to_verify(context, members)
    entries = _listed(context[members[0]], f"context.{members[0]}")
    return [_as_entry(entry) for entry in entries if isinstance(entry, dict)]


def _entries_to_verify(context: Mapping[str, Any], members: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of both members, what is the same order by its id or whole content once.

    Unlike a Bundle of drafts, in which there may be anything, they have to hold a medication order.
    """
    kept: list[dict[str, Any]] = []
    for member in members:
        entries = _entries_with_resources(context[member], f"context.{member}")
        if [entry["resource"] for entry in entries] == [entry["resource"] for entry in kept]:
            continue
        seen = {relative_reference(entry["resource"]) for entry in kept if text(entry["resource"].get("id"))}
        kept += [entry for entry in entries if relative_reference(entry["resource"]) not in seen]
    if not any(resource_type(entry["resource"]) == "MedicationRequest" for entry in kept):
        raise InvalidRequest(f"context.{members[0]}", _NO_ORDER)
    return kept


def _entries_with_resources(orders: Any, path: str) -> list[dict[str, Any]]:
    listed = _listed(orders, path) if isinstance(orders, dict | list) else []
    entries = [_as_entry(entry) for entry in listed if isinstance(entry, dict)]
    if not listed or len(entries) < len(listed) or not all(resource_type(entry.get("resource")) for entry in entries):
        raise InvalidRequest(path, _NO_ORDER)
    return entries


def _listed(orders: Any, path: str) -> list[Any]:
    """The entries of a Bundle. Some clients send a plain list of entries or resources instead, or one alone."""
    if not isinstance(orders, dict | list):
        raise InvalidRequest(path, "is not a Bundle")
    if isinstance(orders, dict) and _is_alone(orders):
        return [orders]
    entries = orders.get("entry") if isinstance(orders, dict) else orders
    if entries is not None and not isinstance(entries, list):
        raise InvalidRequest(f"{path}.entry", "is not a list")
    if entries and len(entries) > MAX_ORDERS:
        raise TooManyOrders(path, MAX_ORDERS)
    return entries or []


def _is_alone(orders: dict[str, Any]) -> bool:
    return "entry" not in orders and ("resource" in orders or resource_type(orders) not in ("", "Bundle"))


def _as_entry(entry_or_resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": entry_or_resource} if "resourceType" in entry_or_resource else entry_or_resource


def _selections(context: Mapping[str, Any]) -> list[str]:
    selections = context.get("selections")
    return [reference for reference in selections if isinstance(reference, str)] if isinstance(selections, list) else []

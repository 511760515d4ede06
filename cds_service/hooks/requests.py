"""A hook call as it comes in: the envelope first, the prefetch left as bytes until an order needs it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from cds_service.errors import InvalidRequest, TooManyOrders
from cds_service.fhir.json import UNREADABLE, TooDeep, decode, parse_decimal

ORDERS_MEMBER = {
    "medication-prescribe": "medications",
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
}
MOST_ORDERS = 300  # no clinician signs more at once; an order that is not looked at would be an unchecked order
_PATH = re.compile(r"at `\$\.?([\w.]*)")
_MISSING = re.compile(r"missing required field `(\w+)`")
_EXPECTED = re.compile(r"Expected `([\w| ]+)`, got `(\w+)`")


class _Envelope(msgspec.Struct):
    """The members that are read; whatever else is sent is ignored."""

    hook: str
    hookInstance: str
    context: msgspec.Raw
    fhirServer: Any = None
    fhirAuthorization: Any = None
    prefetch: msgspec.Raw = msgspec.Raw()


_ENVELOPE = msgspec.json.Decoder(_Envelope, float_hook=parse_decimal)


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a hook. `entries` are the bundle entries of its orders; `raw_prefetch` is not parsed yet."""

    hook: str
    hook_instance: str
    patient_id: str
    entries: tuple[dict[str, Any], ...]
    selections: tuple[str, ...]
    fhir_server: str
    fhir_authorization: Any
    raw_prefetch: msgspec.Raw

    def __repr__(self) -> str:
        """Without what it holds: a token, and a patient's data."""
        return f"HookRequest({self.hook})"

    def prefetch(self) -> Mapping[str, Any]:
        """The prefetch, parsed. Empty if none was sent or if it is not an object."""
        written = bytes(self.raw_prefetch)
        if not written:
            return {}
        try:
            parsed = decode(written)
        except TooDeep:
            raise InvalidRequest("prefetch", "is nested too deeply") from None
        except UNREADABLE:
            raise InvalidRequest("prefetch", "is not JSON that can be read") from None
        return parsed if isinstance(parsed, dict) else {}


def read_request(body: bytes, hook: str) -> HookRequest:
    """The call that a body holds for a service of this hook; `InvalidRequest` names the member that is wrong."""
    envelope = _decode(body)
    if envelope.hook != hook:
        raise InvalidRequest("hook", f"is not {hook}, the hook of this service")
    if not envelope.hookInstance.strip():
        raise InvalidRequest("hookInstance", "is blank")
    context = _context(envelope.context)
    return HookRequest(
        hook=hook,
        hook_instance=envelope.hookInstance,
        patient_id=_patient_id(context),
        entries=tuple(_entries(context, ORDERS_MEMBER[hook])),
        selections=tuple(_selections(context)),
        fhir_server=envelope.fhirServer if isinstance(envelope.fhirServer, str) else "",
        fhir_authorization=envelope.fhirAuthorization,
        raw_prefetch=envelope.prefetch,
    )


def _decode(body: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise _as_invalid(str(error)) from None
    except RecursionError:
        raise InvalidRequest("body", "is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest("body", "is not valid JSON") from None


def _context(raw: msgspec.Raw) -> dict[str, Any]:
    try:
        context = decode(bytes(raw))
    except TooDeep:
        raise InvalidRequest("context", "is nested too deeply") from None
    except UNREADABLE:
        raise InvalidRequest("body", "is not valid JSON") from None
    if not isinstance(context, dict):
        raise InvalidRequest("context", "is not an object")
    return context


def _as_invalid(message: str) -> InvalidRequest:
    """The decoder's message as field and problem; it holds names and types, never a value."""
    missing, path, expected = _MISSING.search(message), _PATH.search(message), _EXPECTED.search(message)
    if missing:
        return InvalidRequest(missing[1], "is missing")
    field = path[1] if path and path[1] in _Envelope.__struct_fields__ else "body"
    problem = f"is {expected[2]}, not {expected[1]}" if expected else "is not of the right type"
    return InvalidRequest(field, problem.replace("str", "string"))


def _patient_id(context: Mapping[str, Any]) -> str:
    if "patientId" not in context:
        raise InvalidRequest("context.patientId", "is missing")
    value = context["patientId"]
    if not isinstance(value, str):
        raise InvalidRequest("context.patientId", "is not a string")
    if not value.strip() or "/" in value:
        raise InvalidRequest("context.patientId", "is not the bare id of a patient")
    return value.strip()


def _entries(context: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    """The entries of the orders' Bundle; a plain list of resources or entries is taken as well."""
    field = f"context.{member}"
    if member not in context:
        raise InvalidRequest(field, "is missing")
    bundle = context[member]
    if not isinstance(bundle, dict | list):
        raise InvalidRequest(field, "is not a Bundle")
    listed = bundle.get("entry") if isinstance(bundle, dict) else bundle
    if listed is not None and not isinstance(listed, list):
        raise InvalidRequest(f"{field}.entry", "is not a list")
    if listed and len(listed) > MOST_ORDERS:
        raise TooManyOrders(field, MOST_ORDERS)
    return [_as_entry(one) for one in listed or [] if isinstance(one, dict)]


def _as_entry(one: dict[str, Any]) -> dict[str, Any]:
    return {"resource": one} if "resourceType" in one else one


def _selections(context: Mapping[str, Any]) -> list[str]:
    given = context.get("selections")
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []

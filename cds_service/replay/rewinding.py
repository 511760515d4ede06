"""A call as it would have been at a moment in the past: its prefetch as it stood then.

The context is what is asked about, and stays. So does what was not sent or failed. What a prefetch no longer holds
cannot be brought back: a medication that has ended since is not among those that are active, unless the client sent it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cds_service.fhir.json import Json, Resource, member, number
from cds_service.fhir.queries import PATIENT, QUERIES, Query
from cds_service.fhir.versions.elements import resource_type
from cds_service.hooks.requests import HookRequest
from cds_service.replay.as_of import entry_at

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_REPORT = "DiagnosticReport"  # comes with the results that it contains


def request_at(request: HookRequest, moment: datetime) -> HookRequest:
    """The same call with its prefetch as it stood at a moment. Raises `InvalidRequest` where it cannot be read."""
    prefetch = request.prefetch()
    if not prefetch:
        return request
    raw_prefetch = msgspec.Raw(_ENCODER.encode(prefetch_at(prefetch, moment)))
    return msgspec.structs.replace(request, raw_prefetch=raw_prefetch)


def prefetch_at(prefetch: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """The answers to the queries as they would have been at a moment, by prefetch key."""
    return {key: _answer_at(QUERIES.get(key), answer, moment) for key, answer in prefetch.items()}


def _answer_at(query: Query | None, answer: Json, moment: datetime) -> Json:
    if query is None or query.key == PATIENT or not isinstance(answer, dict):
        return answer
    if isinstance(answer.get("entry"), list):
        return _bundle_at(query, answer, moment)
    return entry_at(query, answer, moment) if resource_type(answer) == query.resource_type else answer


def _bundle_at(query: Query, bundle: Resource, moment: datetime) -> Resource:
    """A Bundle without what was not known; its total is less by as many, so that what was missing is missing still."""
    entries = [_bundle_entry_at(query, entry, moment) for entry in bundle["entry"]]
    known = [entry for entry in entries if entry is not None]
    total = number(bundle.get("total"))
    lessened = {} if total is None else {"total": total - (len(entries) - len(known))}
    return {**bundle, **lessened, "entry": known}


def _bundle_entry_at(query: Query, entry: Json, moment: datetime) -> Json:
    """A Bundle's entry as it stood. What is none of those asked for stays: a Medication, a warning of the server."""
    resource = member(entry, "resource")
    if resource_type(resource) not in (query.resource_type, _REPORT):
        return entry
    then = entry_at(query, resource, moment)
    return None if then is None else {**entry, "resource": then}

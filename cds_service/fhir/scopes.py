"""The SMART scopes that the queries need, in the spelling of SMART App Launch 1 and in that of 2."""

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.fhir.queries import FOR_ORDERS, PATIENT, QUERIES


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read of one resource type, and the prefetch keys whose queries need it; none for references."""

    keys: tuple[str, ...]
    smart_1: str
    smart_2: str


def smart_scopes(asked: Iterable[str] = FOR_ORDERS) -> tuple[Scope, ...]:
    """The scopes of these queries, and that of Medications that orders name by reference, which are read one by one."""
    keys: dict[str, list[str]] = {}
    for key in asked:
        keys.setdefault(QUERIES[key].resource_type, []).append(key)
    searched = [_scope(kind, tuple(names), "r" if PATIENT in names else "rs") for kind, names in keys.items()]
    return (*searched, _scope("Medication", (), "r"))


def _scope(resource_type: str, keys: tuple[str, ...], may: str) -> Scope:
    return Scope(keys, f"patient/{resource_type}.read", f"patient/{resource_type}.{may}")

"""The SMART scopes that the queries need, in the spelling of SMART App Launch 1 and in that of 2."""

from dataclasses import dataclass

from cds_service.fhir.queries import PATIENT, QUERIES


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read of one resource type, and the prefetch keys whose queries need it; none for references."""

    keys: tuple[str, ...]
    smart_1: str
    smart_2: str


def smart_scopes() -> tuple[Scope, ...]:
    """The scopes of every query, and that of Medications that orders name by reference, which are read one by one."""
    keys: dict[str, list[str]] = {}
    for query in QUERIES.values():
        keys.setdefault(query.resource_type, []).append(query.key)
    searched = [_scope(kind, tuple(names), "r" if PATIENT in names else "rs") for kind, names in keys.items()]
    return (*searched, _scope("Medication", (), "r"))


def _scope(resource_type: str, keys: tuple[str, ...], may: str) -> Scope:
    return Scope(keys, f"patient/{resource_type}.read", f"patient/{resource_type}.{may}")

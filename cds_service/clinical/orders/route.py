"""What orders and medications have in common: by which route they are given, and whether they are current."""

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, Resource, codings, names, text
from cds_service.fhir.versions import instructions_of

INTRAVENOUS, INHALATION, OPHTHALMIC, ORAL = "intravenous", "inhalation", "ophthalmic", "oral"
_PRECEDENCE = (INTRAVENOUS, INHALATION, OPHTHALMIC, ORAL)  # "oral inhalation" is inhalation


def routes_of(resource: Resource, vocabulary: Vocabulary) -> set[str]:
    """The routes that the dosage instructions state, as far as they are known ones."""
    return {_route(route, vocabulary) for route in _stated(resource)} - {""}


def states_route(resource: Resource) -> bool:
    """True if an instruction says anything of a route, known or not."""
    return any(codings(route) or names(route) for route in _stated(resource))


def _stated(resource: Resource) -> list[Json]:
    return [route for one in instructions_of(resource) if (route := one.get("route")) is not None]


def _route(route: Json, vocabulary: Vocabulary) -> str:
    """One of the four routes, by code, else by word; empty if neither says."""
    row = vocabulary.code_lists["routes"].included_in(route)
    if row is not None:
        return row.extra["route"]
    listed = vocabulary.name_lists["route-words"]
    said = {name.extra["route"] for written in names(route) for name in listed.find_all(written)}
    return next((one for one in _PRECEDENCE if one in said), "")


def is_current(resource: Resource) -> bool:
    """True for a medication whose status says that it is being taken."""
    return text(resource.get("status")) == "active" and resource.get("doNotPerform") is not True

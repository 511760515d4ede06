"""By which route a medication is given."""

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, Resource, codings, names
from cds_service.fhir.versions.elements import instructions_of

INTRAVENOUS, INHALATION, OPHTHALMIC, ORAL = "intravenous", "inhalation", "ophthalmic", "oral"
_PRECEDENCE = (INTRAVENOUS, INHALATION, OPHTHALMIC, ORAL)  # "oral inhalation" is inhalation


def routes_of(resource: Resource, vocabulary: Vocabulary) -> set[str]:
    """The routes that the dosage instructions state, as far as they are recognised."""
    return {_route(route, vocabulary) for route in _stated_routes(resource)} - {""}


def states_route(resource: Resource) -> bool:
    """True if an instruction states a route, recognised or not."""
    return any(codings(route) or names(route) for route in _stated_routes(resource))


def _stated_routes(resource: Resource) -> list[Json]:
    return [route for instruction in instructions_of(resource) if (route := instruction.get("route")) is not None]


def _route(route: Json, vocabulary: Vocabulary) -> str:
    """One of the four routes, by code, else by word; empty if neither is recognised."""
    row = vocabulary.code_lists["routes"].included_in(route)
    if row is not None:
        return row.extra["route"]
    words = vocabulary.name_lists["route-words"]
    named = {word.extra["route"] for name in names(route) for word in words.find_all(name)}
    return next((route for route in _PRECEDENCE if route in named), "")

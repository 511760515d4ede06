"""The catalogue of facts: what each means, the values it can take, and the data behind it.

Content may only use the facts, values and texts that are listed here, and `cds-service check` tries out all of them.
"""

from collections.abc import Iterable, Mapping

from cds_service.clinical.catalogue.fact_type import ORDER, PATIENT, TREATMENT, FactType
from cds_service.clinical.catalogue.kidney import KIDNEY_FACTS
from cds_service.clinical.catalogue.labs import LABS_FACTS
from cds_service.clinical.catalogue.orders import ORDERS_FACTS
from cds_service.clinical.catalogue.screens import SCREENS_FACTS
from cds_service.clinical.catalogue.treatment import TREATMENT_FACTS

__all__ = ["CATALOGUE", "ORDER", "PATIENT", "TREATMENT", "FactType", "with_grounds"]

CATALOGUE: Mapping[str, FactType] = {
    fact.name: fact for fact in (*ORDERS_FACTS, *LABS_FACTS, *KIDNEY_FACTS, *SCREENS_FACTS, *TREATMENT_FACTS)
}


def with_grounds(names: Iterable[str]) -> list[FactType]:
    """The facts of these names, and all that they rest on; each once, in the order of the catalogue.

    What is read of an order or of a treatment rests on its use: one of another drug has no facts at all.
    """
    found: set[str] = set()
    to_do = list(names)
    while to_do:
        fact = CATALOGUE[to_do.pop()]
        if fact.name not in found:
            found.add(fact.name)
            to_do += [*fact.rests_on, *(["use"] if fact.scope in (ORDER, TREATMENT) else [])]
    return [fact for name, fact in CATALOGUE.items() if name in found]

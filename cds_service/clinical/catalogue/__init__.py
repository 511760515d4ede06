"""The catalogue of facts: what each means, the values it can take, and the data behind it.

Content may only use the facts, values and texts that are listed here, and `cds-service check` tries out all of them.
"""

from collections.abc import Mapping

from cds_service.clinical.catalogue.fact_type import ORDER, PATIENT, FactType
from cds_service.clinical.catalogue.kidney import KIDNEY_FACTS
from cds_service.clinical.catalogue.labs import LABS_FACTS
from cds_service.clinical.catalogue.orders import ORDERS_FACTS
from cds_service.clinical.catalogue.screens import SCREENS_FACTS

__all__ = ["CATALOGUE", "ORDER", "PATIENT", "FactType"]

CATALOGUE: Mapping[str, FactType] = {
    fact.name: fact for fact in (*ORDERS_FACTS, *LABS_FACTS, *KIDNEY_FACTS, *SCREENS_FACTS)
}

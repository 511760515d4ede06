"""Facts about an order, and about poisoning, which decides what an order is for."""

from cds_service.clinical.catalogue.fact_type import ANY_STATE, ORDER, PATIENT, FactType
from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN
from cds_service.fhir import queries

_USE_LISTS = (
    "acetylcysteine",
    "acetylcysteine-names",
    "routes",
    "route-words",
    "somatic-reasons",
    "acetaminophen-poisoning",
    "acetaminophen-poisoning-words",
)

ORDERS_FACTS = (
    FactType(
        "use",
        "use of the order",
        "What the order is for, the first that holds, antidote first.",
        ORDER,
        (KNOWN,),
        values=("antidote", "inhaled", "ophthalmic", "elsewhere", "somatic", "other", "another patient"),
        queries=(queries.PROBLEMS, queries.ACETAMINOPHEN, queries.BODY),
        lists=_USE_LISTS,
        look_back="acetaminophen level: 72 hours",
    ),
    FactType(
        "other_patient",
        "an order that names another patient",
        "Whether an acetylcysteine order of the call names another patient; unknown then: nothing is read for it.",
        PATIENT,
        (ABSENT, UNKNOWN),
        values=(),
    ),
    FactType(
        "amino_acids_ordered",
        "plasma amino acids ordered",
        "Whether a draft laboratory order of the call asks for plasma amino acids already.",
        PATIENT,
        (KNOWN, ABSENT),
        values=("present",),
        lists=("amino-acid-panels", "glutamate", "amino-acid-order-words"),
    ),
    FactType(
        "dose_per_day",
        "dose per day",
        "Ordered dose per day in mg at the upper end; absent while the order states no dose.",
        ORDER,
        ANY_STATE,
        unit="mg/d",
        step=1,
        texts={"amount": (KNOWN,), "why": (UNKNOWN,)},
        lists=("acetylcysteine",),
    ),
    FactType(
        "dose_together",
        "dose per day of all orders",
        "The doses per day of several acetylcysteine orders by mouth in one call, added up; absent for one order.",
        ORDER,
        (KNOWN, ABSENT),
        unit="mg/d",
        step=1,
        texts={"amount": (KNOWN,)},
    ),
    FactType(
        "duration",
        "duration",
        "Days of treatment that the order states; absent if open-ended.",
        ORDER,
        ANY_STATE,
        unit="d",
        step=1,
        texts={"amount": (KNOWN,)},
    ),
    FactType(
        "poisoning",
        "acetaminophen poisoning",
        "Signs of acetaminophen (paracetamol) poisoning on record: an "
        "active condition, or a level taken in the last 72 hours.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        queries=(queries.PROBLEMS, queries.ACETAMINOPHEN),
        lists=("acetaminophen-poisoning", "acetaminophen-poisoning-words", "acetaminophen-level"),
        look_back="acetaminophen level: 72 hours",
    ),
    FactType(
        "screens_not_done",
        "screens not done",
        "Screens that a card needed and that could not be told, with the reason.",
        ORDER,
        (KNOWN, ABSENT),
        values=("some",),
        texts={"list": (KNOWN,), "names": (KNOWN,)},
    ),
)

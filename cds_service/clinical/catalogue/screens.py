"""Facts from the problem list, the allergy list and other medications."""

from cds_service.clinical.catalogue.fact_type import ANY_STATE, PATIENT, FactType
from cds_service.clinical.facts import KNOWN
from cds_service.fhir import queries

SCREENS_FACTS = (
    FactType(
        "bronchospasm_risk",
        "asthma, bronchospasm or COPD",
        "Active asthma, bronchospasm or COPD.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"term": (KNOWN,)},
        queries=(queries.PROBLEMS,),
        lists=("bronchospasm-risk", "bronchospasm-risk-words"),
        look_back="conditions that are active now",
    ),
    FactType(
        "hypersensitivity",
        "allergy to acetylcysteine",
        "An allergy or intolerance to acetylcysteine: active, not refuted, not entered in error.",
        PATIENT,
        ANY_STATE,
        values=("present", "intolerance"),
        texts={"term": (KNOWN,)},
        queries=(queries.ALLERGIES,),
        lists=("acetylcysteine", "acetylcysteine-names"),
        look_back="any age",
    ),
    FactType(
        "bleeding_risk",
        "oesophageal varices or peptic ulcer",
        "Active oesophageal varices or peptic ulcer.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"term": (KNOWN,)},
        queries=(queries.PROBLEMS,),
        lists=("bleeding-risk", "bleeding-risk-words"),
        look_back="conditions that are active now",
    ),
    FactType(
        "nitroglycerin",
        "nitroglycerin",
        "Nitroglycerin among the drafts, the active medications or the active medication statements.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"term": (KNOWN,)},
        queries=(queries.MEDICATIONS, queries.STATEMENTS),
        lists=("nitroglycerin", "nitroglycerin-names"),
        look_back="drafts, and medications that are active now",
    ),
    FactType(
        "parenteral_glutamine",
        "parenteral glutamine",
        "Glutamine or alanyl-glutamine by a parenteral route, among the drafts or the active medications.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"term": (KNOWN,)},
        queries=(queries.MEDICATIONS, queries.STATEMENTS),
        lists=("glutamine-drugs", "glutamine-drug-names", "routes", "route-words"),
        look_back="drafts, and medications that are active now",
    ),
)

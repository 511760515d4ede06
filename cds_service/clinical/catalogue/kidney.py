"""Facts about kidney function."""

from cds_service.clinical.catalogue.fact_type import ANY_STATE, PATIENT, SPECIMENS, WEIGHT_THRESHOLDS, FactType
from cds_service.clinical.catalogue.screens import ENTRY_LISTS
from cds_service.clinical.facts import KNOWN
from cds_service.fhir import queries

_KIDNEY_DISEASE_LISTS = tuple(
    f"{name}{words}"
    for name in ("kidney-disease", "kidney-disease-stage-4", "kidney-disease-stage-5", "kidney-failure")
    for words in ("", "-words")
)
_DIALYSIS_LISTS = ("dialysis", "dialysis-words", "dialysis-creatinine", *ENTRY_LISTS)
_INJURY_LISTS = ("kidney-injury", "kidney-injury-words", "creatinine", *ENTRY_LISTS, *SPECIMENS)
_EGFR_LISTS = ("egfr", "creatinine", "body-height", *SPECIMENS)
_CREATININE = ("creatinine-lowest", "creatinine-highest")
_EGFR = (*_CREATININE, "egfr-lowest", "egfr-highest", "oldest-age")

KIDNEY_FACTS = (
    FactType(
        "kidney",
        "kidney function",
        "The gravest kidney finding on record: dialysis, stage 5, acute injury, chronic disease, impairment on the "
        "latest result, an injury of long ago, or none.",
        PATIENT,
        ANY_STATE,
        values=(
            *("dialysis", "stage 5", "injury", "stage 4", "failure"),
            *("disease", "impairment", "earlier injury", "none"),
        ),
        texts={"summary": (KNOWN,)},
        queries=(queries.KIDNEY, queries.BODY, queries.PROBLEMS, queries.PATIENT),
        lists=("body-weight", *_DIALYSIS_LISTS, *_INJURY_LISTS, *_KIDNEY_DISEASE_LISTS, *_EGFR_LISTS),
        thresholds=(
            *_EGFR,
            *WEIGHT_THRESHOLDS,
            "egfr-impairment",
            "kidney-injury-age",
            "kidney-result-age",
            "result-age",
        ),
        numbers=True,
        look_back="results: 365 days",
        patient=("birthDate", "gender"),
    ),
    FactType(
        "egfr",
        "eGFR",
        "eGFR of the newest sample, reported or computed from creatinine.",
        PATIENT,
        ANY_STATE,
        unit="mL/min/1.73m2",
        step=1,
        texts={"amount": (KNOWN,)},
        queries=(queries.KIDNEY, queries.BODY, queries.PATIENT),
        lists=_EGFR_LISTS,
        thresholds=(*_EGFR, "result-age"),
        look_back="365 days",
        patient=("birthDate", "gender"),
    ),
    FactType(
        "dialysis",
        "dialysis",
        "Dialysis on the problem list, or a creatinine taken before or after it.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"summary": (KNOWN,)},
        words={"summary": 16},
        queries=(queries.KIDNEY, queries.PROBLEMS),
        lists=_DIALYSIS_LISTS,
        numbers=True,
        look_back="any age",
    ),
    FactType(
        "kidney_injury",
        "acute kidney injury",
        "Acute kidney injury on the problem list, of the last 90 days or without a date, or KDIGO by the "
        "creatinine of the last 7 days.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"summary": (KNOWN,)},
        words={"summary": 16},
        queries=(queries.KIDNEY, queries.PROBLEMS),
        lists=_INJURY_LISTS,
        thresholds=(*_CREATININE, "kidney-injury-age"),
        numbers=True,
        look_back="condition: 90 days; creatinine: 7 days",
    ),
    FactType(
        "falling_creatinine",
        "falling creatinine",
        "A fall of creatinine by a third or more within the last 7 days: function is changing.",
        PATIENT,
        ANY_STATE,
        values=("present",),
        texts={"summary": (KNOWN,)},
        queries=(queries.KIDNEY,),
        lists=("creatinine", *SPECIMENS),
        thresholds=_CREATININE,
        look_back="7 days",
    ),
    FactType(
        "kidney_disease",
        "chronic kidney disease or impairment",
        "Chronic kidney disease on the problem list, by its stage: stage 4 without a clearance of the last 90 "
        "days; a kidney failure that does not say acute or chronic, without an eGFR of at least 60; or an eGFR below "
        "60 as the latest result of 90 days.",
        PATIENT,
        ANY_STATE,
        values=("stage 5", "stage 4", "failure", "disease", "impairment"),
        texts={"summary": (KNOWN,)},
        words={"summary": 16},
        queries=(queries.KIDNEY, queries.PROBLEMS, queries.BODY, queries.PATIENT),
        lists=("body-weight", "dialysis", "dialysis-words", *_KIDNEY_DISEASE_LISTS, *_EGFR_LISTS, *ENTRY_LISTS),
        thresholds=(*_EGFR, *WEIGHT_THRESHOLDS, "egfr-impairment", "kidney-result-age"),
        numbers=True,
        look_back="results: 90 days",
        patient=("birthDate", "gender"),
    ),
    FactType(
        "clearance",
        "creatinine clearance",
        "Creatinine clearance by Cockcroft and Gault in mL/min, with a weight of the last 365 days; eGFR where it "
        "cannot be computed, and where its sample is newer.",
        PATIENT,
        ANY_STATE,
        unit="mL/min",
        step=1,
        texts={"amount": (KNOWN,)},
        words={"amount": 24},
        queries=(queries.KIDNEY, queries.BODY, queries.PATIENT),
        lists=(*_EGFR_LISTS, "body-weight"),
        thresholds=(*_EGFR, *WEIGHT_THRESHOLDS, "kidney-result-age"),
        look_back="creatinine and eGFR: 90 days; weight: 365 days",
        patient=("birthDate", "gender"),
    ),
    FactType(
        "glutamine_kidney",
        "kidney function for parenteral glutamine",
        "Whether kidney results of the last 90 days are there to judge parenteral glutamine by; absent without it.",
        PATIENT,
        ANY_STATE,
        values=("recent",),
        queries=(queries.KIDNEY, queries.MEDICATIONS),
        lists=("creatinine", "egfr"),
        rests_on=("clearance", "falling_creatinine", "parenteral_glutamine"),
        look_back="90 days",
        patient=("birthDate", "gender"),
    ),
)

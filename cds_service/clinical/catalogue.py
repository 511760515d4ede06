"""The catalogue of facts: what each means, the values it can take, and the data behind it.

Content may only use the facts, values and texts that are listed here, and `cds-service check` tries out all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State
from cds_service.fhir import queries

ORDER, PATIENT = "order", "patient"
_CLASSES = ("low", "normal", "high", "unclassified")
_ANY = (KNOWN, ABSENT, UNKNOWN)


@dataclass(frozen=True)
class FactType:
    """A kind of fact. Categories have `values`; numbers have a `unit` and a `step`, the least difference that counts.

    `queries` are the prefetch keys of its data, `lists` the code and name lists that it is read by, `look_back` how old
    the data may be, and `patient` the elements of the Patient resource that it depends on.
    """

    name: str
    label: str
    meaning: str
    scope: str
    states: tuple[State, ...]
    values: tuple[str, ...] = ()
    unit: str = ""
    step: int = 0
    texts: Mapping[str, tuple[State, ...]] = field(default_factory=dict)
    queries: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    look_back: str = ""
    patient: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """True for a fact that is compared with thresholds."""
        return bool(self.unit)


_USE_LISTS = (
    "acetylcysteine",
    "acetylcysteine-names",
    "routes",
    "route-words",
    "respiratory-reasons",
    "acetaminophen-poisoning",
    "acetaminophen-poisoning-words",
)
_SHOWN = {"result": (KNOWN,), "date": (KNOWN,), "range": (KNOWN,), "why": (KNOWN,)}

CATALOGUE: Mapping[str, FactType] = {
    fact.name: fact
    for fact in (
        FactType(
            "use",
            "use of the order",
            "What the order is for, the first that holds, antidote first.",
            ORDER,
            (KNOWN,),
            values=("antidote", "inhaled", "ophthalmic", "respiratory", "other"),
            queries=(queries.PROBLEMS, queries.ACETAMINOPHEN, queries.BODY),
            lists=_USE_LISTS,
            look_back="acetaminophen level: 72 hours",
        ),
        FactType(
            "dose_per_day",
            "dose per day",
            "Ordered dose per day in mg at the upper end; absent while the order states no dose.",
            ORDER,
            _ANY,
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
            _ANY,
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
            _ANY,
            values=("present",),
            queries=(queries.PROBLEMS, queries.ACETAMINOPHEN),
            lists=("acetaminophen-poisoning", "acetaminophen-poisoning-words", "acetaminophen-level"),
            look_back="acetaminophen level: 72 hours",
        ),
        FactType(
            "age",
            "age",
            "Age in completed years.",
            PATIENT,
            (KNOWN, UNKNOWN),
            unit="a",
            step=1,
            texts={"amount": (KNOWN,)},
            queries=(queries.PATIENT,),
            patient=("birthDate",),
        ),
        FactType(
            "glutamate",
            "plasma glutamate",
            "Class of the newest eligible plasma or serum glutamate of the last 365 days.",
            PATIENT,
            _ANY,
            values=_CLASSES,
            texts=_SHOWN,
            queries=(queries.AMINO_ACIDS, queries.PATIENT),
            lists=("glutamate", "amino-acid-panels"),
            look_back="365 days",
            patient=("birthDate", "gender"),
        ),
        FactType(
            "glutamate_sample",
            "time of the glutamate sample",
            "Whether the newest glutamate is a baseline or was taken on acetylcysteine treatment.",
            PATIENT,
            _ANY,
            values=("baseline", "on treatment"),
            texts={"since": (KNOWN,)},
            queries=(queries.AMINO_ACIDS, queries.MEDICATIONS),
            lists=("acetylcysteine", "acetylcysteine-names"),
            look_back="medications that are active now",
        ),
        FactType(
            "glutamate_before",
            "glutamate before treatment",
            "The last eligible glutamate before the treatment began.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("measured",),
            texts={"result": (KNOWN,), "date": (KNOWN,), "change": (KNOWN,)},
            queries=(queries.AMINO_ACIDS, queries.MEDICATIONS),
            lists=("glutamate",),
            look_back="365 days",
        ),
        FactType(
            "results_unused",
            "amino acid results not used",
            "Glutamate and cystine results that were seen and not used, with the reason.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("some",),
            texts={"list": (KNOWN,)},
            queries=(queries.AMINO_ACIDS,),
            lists=("glutamate", "glutamate-lookalikes", "cystine", "amino-acid-words"),
            look_back="any age",
        ),
        FactType(
            "cystine",
            "plasma cystine",
            "Class of the newest eligible plasma or serum cystine of the last 365 days.",
            PATIENT,
            _ANY,
            values=_CLASSES,
            texts=_SHOWN,
            queries=(queries.AMINO_ACIDS, queries.PATIENT),
            lists=("cystine", "amino-acid-panels"),
            look_back="365 days",
            patient=("birthDate", "gender"),
        ),
        FactType(
            "sample_handling",
            "sample handling",
            "Glutamate divided by glutamine of the same sample; above 0.23 handling may have raised glutamate.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("doubtful", "consistent"),
            texts={"ratio": (KNOWN,)},
            queries=(queries.AMINO_ACIDS,),
            lists=("glutamine",),
            look_back="365 days",
        ),
        FactType(
            "kidney",
            "kidney function",
            "The gravest kidney finding on record: dialysis, acute injury, chronic "
            "disease, impairment on the latest result, or none.",
            PATIENT,
            _ANY,
            values=("dialysis", "injury", "disease", "impairment", "none"),
            texts={"summary": (KNOWN,)},
            queries=(queries.KIDNEY, queries.BODY, queries.PROBLEMS, queries.PATIENT),
            lists=("dialysis", "dialysis-creatinine", "kidney-injury", "kidney-disease", "egfr", "creatinine"),
            look_back="latest result, of any age; its date is shown",
            patient=("birthDate", "gender"),
        ),
        FactType(
            "bronchospasm_risk",
            "asthma, bronchospasm or COPD",
            "Active asthma, bronchospasm or COPD.",
            PATIENT,
            _ANY,
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
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(queries.ALLERGIES,),
            lists=("acetylcysteine", "acetylcysteine-names"),
            look_back="any age",
        ),
        FactType(
            "dialysis",
            "dialysis",
            "Dialysis on the problem list, or a creatinine taken before or after it.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"summary": (KNOWN,)},
            queries=(queries.KIDNEY, queries.PROBLEMS),
            lists=("dialysis", "dialysis-words", "dialysis-creatinine"),
            look_back="any age",
        ),
        FactType(
            "kidney_injury",
            "acute kidney injury",
            "Active acute kidney injury, or KDIGO by the creatinine of the last 7 days.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"summary": (KNOWN,)},
            queries=(queries.KIDNEY, queries.PROBLEMS),
            lists=("kidney-injury", "kidney-injury-words", "creatinine"),
            look_back="creatinine: 7 days",
        ),
        FactType(
            "kidney_disease",
            "chronic kidney disease or impairment",
            "Active chronic kidney disease, or an eGFR below 60 as the latest result.",
            PATIENT,
            _ANY,
            values=("disease", "impairment"),
            texts={"summary": (KNOWN,)},
            queries=(queries.KIDNEY, queries.PROBLEMS, queries.BODY, queries.PATIENT),
            lists=("kidney-disease", "kidney-disease-words", "egfr", "creatinine"),
            look_back="latest result, of any age; its date is shown",
            patient=("birthDate", "gender"),
        ),
        FactType(
            "weight",
            "body weight",
            "The newest plausible body weight in kg, of any age.",
            PATIENT,
            _ANY,
            unit="kg",
            step=1,
            queries=(queries.BODY,),
            lists=("body-weight",),
            look_back="any age; relied on for 365 days",
        ),
        FactType(
            "amino_acid_results",
            "amino acid results",
            "Whether the amino acid results came whole.",
            PATIENT,
            (KNOWN, UNKNOWN),
            values=("whole",),
            queries=(queries.AMINO_ACIDS,),
        ),
        FactType(
            "clearance",
            "creatinine clearance",
            "Creatinine clearance by Cockcroft and Gault in mL/min, with a weight of the last 365 days; eGFR where it "
            "cannot be computed.",
            PATIENT,
            _ANY,
            unit="mL/min",
            step=1,
            texts={"amount": (KNOWN,)},
            queries=(queries.KIDNEY, queries.BODY, queries.PATIENT),
            lists=("creatinine", "egfr", "body-weight"),
            look_back="weight: 365 days; latest creatinine, of any age",
            patient=("birthDate", "gender"),
        ),
        FactType(
            "bleeding_risk",
            "oesophageal varices or peptic ulcer",
            "Active oesophageal varices or peptic ulcer.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(queries.PROBLEMS,),
            lists=("bleeding-risk", "bleeding-risk-words"),
            look_back="conditions that are active now",
        ),
        FactType(
            "nitroglycerin",
            "nitroglycerin",
            "Nitroglycerin among the drafts or the active medications.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(queries.MEDICATIONS,),
            lists=("nitroglycerin", "nitroglycerin-names"),
            look_back="drafts, and medications that are active now",
        ),
        FactType(
            "parenteral_glutamine",
            "parenteral glutamine",
            "Glutamine or alanyl-glutamine by a parenteral route, among the drafts or the active medications.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(queries.MEDICATIONS,),
            lists=("glutamine-drugs", "glutamine-drug-names", "routes", "route-words"),
            look_back="drafts, and medications that are active now",
        ),
        FactType(
            "screens_not_done",
            "screens not done",
            "Screens that a card needed and that could not be told, with the reason.",
            ORDER,
            (KNOWN, ABSENT),
            values=("some",),
            texts={"list": (KNOWN,)},
        ),
    )
}

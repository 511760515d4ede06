"""The catalogue of facts: what each means, which values it can take, and where it is read from.

Content may only use the facts, values and texts named here; `cds-service check` takes its partitions from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.clinical import queries as q
from cds_service.clinical.facts import State

KNOWN, ABSENT, UNKNOWN = State.KNOWN, State.ABSENT, State.UNKNOWN
ORDER, PATIENT = "order", "patient"
_CLASSES = ("low", "normal", "high", "unclassified")
_ANY = (KNOWN, ABSENT, UNKNOWN)


@dataclass(frozen=True)
class FactType:
    """One kind of fact. Categories have `values`; numbers have a `unit` and a `step`, the least difference."""

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

    @property
    def is_number(self) -> bool:
        """True for a fact that is compared with thresholds."""
        return bool(self.unit)


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
            queries=(q.PROBLEMS, q.ACETAMINOPHEN, q.BODY),
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
            queries=(q.PROBLEMS, q.ACETAMINOPHEN),
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
            queries=(q.PATIENT,),
        ),
        FactType(
            "glutamate",
            "plasma glutamate",
            "Class of the newest eligible plasma or serum glutamate of the last 365 days.",
            PATIENT,
            _ANY,
            values=_CLASSES,
            texts=_SHOWN,
            queries=(q.AMINO_ACIDS, q.PATIENT),
        ),
        FactType(
            "glutamate_sample",
            "time of the glutamate sample",
            "Whether the newest glutamate is a baseline or was taken on acetylcysteine treatment.",
            PATIENT,
            _ANY,
            values=("baseline", "on treatment"),
            texts={"since": (KNOWN,)},
            queries=(q.AMINO_ACIDS, q.MEDICATIONS),
        ),
        FactType(
            "glutamate_before",
            "glutamate before treatment",
            "The last eligible glutamate before the treatment began.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("measured",),
            texts={"result": (KNOWN,), "date": (KNOWN,), "change": (KNOWN,)},
            queries=(q.AMINO_ACIDS, q.MEDICATIONS),
        ),
        FactType(
            "results_unused",
            "amino acid results not used",
            "Glutamate and cystine results that were seen and not used, with the reason.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("some",),
            texts={"list": (KNOWN,)},
            queries=(q.AMINO_ACIDS,),
        ),
        FactType(
            "cystine",
            "plasma cystine",
            "Class of the newest eligible plasma or serum cystine of the last 365 days.",
            PATIENT,
            _ANY,
            values=_CLASSES,
            texts=_SHOWN,
            queries=(q.AMINO_ACIDS, q.PATIENT),
        ),
        FactType(
            "sample_handling",
            "sample handling",
            "Glutamate divided by glutamine of the same sample; above 0.23 handling may have raised glutamate.",
            PATIENT,
            (KNOWN, ABSENT),
            values=("doubtful", "consistent"),
            texts={"ratio": (KNOWN,)},
            queries=(q.AMINO_ACIDS,),
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
            queries=(q.KIDNEY, q.BODY, q.PROBLEMS, q.PATIENT),
        ),
        FactType(
            "bronchospasm_risk",
            "asthma, bronchospasm or COPD",
            "Active asthma, bronchospasm or COPD.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(q.PROBLEMS,),
        ),
        FactType(
            "hypersensitivity",
            "allergy to acetylcysteine",
            "An allergy or intolerance to acetylcysteine: active, not refuted, not entered in error.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(q.ALLERGIES,),
        ),
        FactType(
            "dialysis",
            "dialysis",
            "Dialysis on the problem list, or a creatinine taken before or after it.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"summary": (KNOWN,)},
            queries=(q.KIDNEY, q.PROBLEMS),
        ),
        FactType(
            "kidney_injury",
            "acute kidney injury",
            "Active acute kidney injury, or KDIGO by the creatinine of the last 7 days.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"summary": (KNOWN,)},
            queries=(q.KIDNEY, q.PROBLEMS),
        ),
        FactType(
            "kidney_disease",
            "chronic kidney disease or impairment",
            "Active chronic kidney disease, or an eGFR below 60 as the latest result.",
            PATIENT,
            _ANY,
            values=("disease", "impairment"),
            texts={"summary": (KNOWN,)},
            queries=(q.KIDNEY, q.PROBLEMS, q.BODY, q.PATIENT),
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
            queries=(q.KIDNEY, q.BODY, q.PATIENT),
        ),
        FactType(
            "bleeding_risk",
            "oesophageal varices or peptic ulcer",
            "Active oesophageal varices or peptic ulcer.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(q.PROBLEMS,),
        ),
        FactType(
            "nitroglycerin",
            "nitroglycerin",
            "Nitroglycerin among the drafts or the active medications.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(q.MEDICATIONS,),
        ),
        FactType(
            "parenteral_glutamine",
            "parenteral glutamine",
            "Glutamine or alanyl-glutamine by a parenteral route, among the drafts or the active medications.",
            PATIENT,
            _ANY,
            values=("present",),
            texts={"term": (KNOWN,)},
            queries=(q.MEDICATIONS,),
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

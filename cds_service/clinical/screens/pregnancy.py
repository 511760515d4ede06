"""Pregnancy and breast-feeding: they only make the service more careful, so codes that are less sure count too."""

from datetime import date

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import ABSENT, KNOWN, Fact, absent, known
from cds_service.clinical.patient import Patient
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.clinical.vocabulary import Vocabulary

PREGNANT, BREAST_FEEDING = "pregnant", "breast-feeding"
_NOT_LOOKED_FOR = absent("looked for in women of 12 to 55 years only")


def read_pregnancy(chart: Chart, patient: Patient, vocabulary: Vocabulary, today: date) -> Fact:
    """Pregnancy or breast-feeding on the problem list; absent for a man, and outside the ages of childbearing.

    Sex and age that are not known rule nothing out.
    """
    pregnancy = screen_pregnancy(chart, patient, vocabulary, today)
    if pregnancy is _NOT_LOOKED_FOR:
        return pregnancy
    feeding = screen_conditions(chart, vocabulary, "breast-feeding", "breast-feeding-words")
    for value, fact in ((PREGNANT, pregnancy), (BREAST_FEEDING, feeding)):
        if fact.state is KNOWN:
            return known(value, fact.origins, term=fact.texts["term"])
    return feeding if pregnancy.state is ABSENT else pregnancy


def screen_pregnancy(chart: Chart, patient: Patient, vocabulary: Vocabulary, today: date) -> Fact:
    """Pregnancy on the problem list, whatever it says of breast-feeding; absent for the same people."""
    if not _may_be_pregnant(patient, vocabulary, today):
        return _NOT_LOOKED_FOR
    return screen_conditions(chart, vocabulary, "pregnancy", "pregnancy-words")


def _may_be_pregnant(patient: Patient, vocabulary: Vocabulary, today: date) -> bool:
    age, at_most = patient.age_on(today), patient.oldest_on(today)
    youngest, oldest = vocabulary.thresholds["pregnancy-youngest"], vocabulary.thresholds["pregnancy-oldest"]
    return patient.sex != "male" and (age is None or at_most is None or (youngest <= at_most and age <= oldest))

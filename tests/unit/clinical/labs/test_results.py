"""Which laboratory results are used, and the reason for each that is not."""

from decimal import Decimal

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Data
from cds_service.clinical.facts import Origin
from cds_service.clinical.labs.results import (
    AnalyteResults,
    has_code,
    read_results,
    result_criteria,
    value_as_sent,
)
from tests import builders
from tests.builders import LOINC, quantity
from tests.support import NOW, VOCABULARY, Json

GLUTAMATE, GLUTAMINE, GLUCOSE, PANEL = "20642-5", "20643-3", "14749-6", "35083-5"
UMOL = quantity(87, "umol/L")


def coded(*codes: str, display: str = "") -> Json:
    """A CodeableConcept with LOINC codes."""
    return {"coding": [{"system": LOINC, "code": code, "display": display} for code in codes]}


def observation(code: Json = None, **members: Json) -> Json:
    """A final glutamate of three weeks ago, 87 umol/L, unless the members say otherwise; null takes one away."""
    usual = {"effectiveDateTime": "2026-11-03T08:00:00Z", "valueQuantity": UMOL}
    return builders.observation(code or coded(GLUTAMATE), **{**usual, **members})


def panel(**members: Json) -> Json:
    """A panel without a value of its own."""
    return observation(coded(PANEL), valueQuantity=None, **members)


def read(*resources: Json, codes: str = "glutamate", days: int | None = 365) -> AnalyteResults:
    """The results of one analyte from these resources, as of now."""
    data = Data(Arrival.GIVEN, resources)
    others = tuple(VOCABULARY.code_lists[name] for name in ("glutamate", "glutamine") if name != codes)
    return read_results(data, result_criteria(VOCABULARY, codes, "amino acid", days, others), "p", NOW)


def reasons(*resources: Json, codes: str = "glutamate") -> list[str]:
    """Why each of these resources, none of which may be used, was not used."""
    results = read(*resources, codes=codes)
    assert results.usable == []
    return [one.reason for one in results.rejected]


def values(results: AnalyteResults) -> list[Decimal]:
    """The values that are used, in their order."""
    return [one.measure.value for one in results.usable]


def test_a_final_result_of_plasma_glutamate_is_used_with_everything_that_is_needed_of_it() -> None:
    sent = observation(specimen={"reference": "Specimen/s1"}, issued="2026-11-04T00:00:00Z")
    newest = read(sent).newest
    assert newest is not None
    assert newest.measure.value == 87
    assert newest.row.code == GLUTAMATE
    assert newest.element == sent
    assert newest.specimen == "Specimen/s1"
    assert newest.issued == "2026-11-04T00:00:00Z"
    assert newest.origin == Origin("Observation/o1", "87 µmol/L on 2026-11-03")


@pytest.mark.parametrize(
    "specimen",
    [
        pytest.param(None, id="none"),
        pytest.param({"display": "plasma"}, id="only-a-display"),
        pytest.param("Specimen/s1", id="a-bare-string"),
        pytest.param([{"reference": "Specimen/s1"}], id="a-list"),
    ],
)
def test_a_result_without_a_reference_to_its_specimen_has_none(specimen: Json) -> None:
    newest = read(observation(specimen=specimen)).newest
    assert newest is not None
    assert (newest.specimen, newest.issued) == ("", "")


def test_without_results_there_is_no_newest_one() -> None:
    assert read().newest is None
    assert read_results(NOT_SENT, result_criteria(VOCABULARY, "glutamate", "amino acid"), "p", NOW) == AnalyteResults()


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_final_amended_or_corrected_result_is_used(status: str) -> None:
    assert values(read(observation(status=status))) == [87]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        pytest.param("registered", "its status is registered", id="registered"),
        pytest.param("preliminary", "its status is preliminary", id="preliminary"),
        pytest.param("cancelled", "its status is cancelled", id="cancelled"),
        pytest.param("entered-in-error", "its status is entered-in-error", id="entered-in-error"),
        pytest.param("unknown", "its status is unknown", id="unknown"),
        pytest.param("partial", "its status is partial", id="partial"),
        pytest.param("Final", "it has no status that can be read", id="capital-letter"),
        pytest.param("done", "it has no status that can be read", id="no-such-status"),
        pytest.param(None, "it has no status that can be read", id="none"),
        pytest.param(["final"], "it has no status that can be read", id="a-list"),
    ],
)
def test_a_result_of_any_other_status_is_not_used_and_its_status_is_named(status: Json, why: str) -> None:
    assert reasons(observation(status=status)) == [why]


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param("2026-11-23T09:00:00Z", id="this-very-moment"),
        pytest.param("2026-11-23", id="today"),
        pytest.param("2026-11-23T10:00:00+01:00", id="this-moment-in-another-zone"),
        pytest.param("2025-11-23", id="exactly-365-days-ago"),
        pytest.param("2025-11-23T00:00:00Z", id="365-days-ago-at-its-first-minute"),
        pytest.param("2025-11-23T23:59:59-12:00", id="365-days-ago-by-the-written-day"),
    ],
)
def test_a_result_of_the_last_365_days_is_used(taken: str) -> None:
    assert values(read(observation(effectiveDateTime=taken))) == [87]


NO_DATE = "its date is missing or not exact to the day"
FUTURE = "its date lies in the future"
OLD = "it is more than 365 days old"


@pytest.mark.parametrize(
    ("members", "why"),
    [
        pytest.param({"effectiveDateTime": "2025-11-22"}, OLD, id="366-days-ago"),
        pytest.param({"effectiveDateTime": "2025-11-22T23:59:59Z"}, OLD, id="366-days-ago-at-its-last-second"),
        pytest.param({"effectiveDateTime": "2016-11-03"}, OLD, id="ten-years-ago"),
        pytest.param({"effectiveDateTime": "2026-11-23T09:00:01Z"}, FUTURE, id="a-second-from-now"),
        pytest.param({"effectiveDateTime": "2026-11-24"}, FUTURE, id="tomorrow"),
        pytest.param({"effectiveDateTime": "2062-11-03"}, FUTURE, id="swapped-digits"),
        pytest.param({"effectiveDateTime": None}, NO_DATE, id="no-date"),
        pytest.param({"effectiveDateTime": None, "issued": "2026-11-03T08:00:00Z"}, NO_DATE, id="only-issued"),
        pytest.param({"effectiveDateTime": "2026-11"}, NO_DATE, id="month-only"),
        pytest.param({"effectiveDateTime": "2026"}, NO_DATE, id="year-only"),
        pytest.param({"effectiveDateTime": "2026-02-30"}, NO_DATE, id="no-such-day"),
        pytest.param({"effectiveDateTime": 20261103}, NO_DATE, id="a-number"),
        pytest.param({"effectiveDateTime": None, "effectivePeriod": {"end": "2026-11-03"}}, NO_DATE, id="only-an-end"),
    ],
)
def test_a_result_that_is_old_undated_or_of_the_future_is_not_used(members: Json, why: str) -> None:
    assert reasons(observation(**members)) == [why]


def test_a_result_may_be_of_any_age_where_no_limit_is_asked_for() -> None:
    assert values(read(observation(effectiveDateTime="1996-11-03"), days=None)) == [87]


def test_an_undated_result_is_not_used_where_no_limit_is_asked_for() -> None:
    assert read(observation(effectiveDateTime=None), days=None).usable == []


@pytest.mark.parametrize(
    ("members", "why"),
    [
        pytest.param({"valueString": "87 umol/L"}, "its value is not a number with a unit", id="valueString"),
        pytest.param({"valueInteger": 87}, "its value is not a number with a unit", id="valueInteger"),
        pytest.param({"valueRange": {"low": UMOL}}, "its value is not a number with a unit", id="valueRange"),
        pytest.param({"valueRatio": {}}, "its value is not a number with a unit", id="valueRatio"),
        pytest.param({"valueSampledData": {}}, "its value is not a number with a unit", id="valueSampledData"),
        pytest.param(
            {"valueCodeableConcept": {"text": "normal"}}, "its value is not a number with a unit", id="a-concept"
        ),
        pytest.param({}, "it has no value", id="no-value"),
        pytest.param({"dataAbsentReason": {"text": "haemolysed"}}, "it has no value", id="absent-with-a-reason"),
        pytest.param({"valueQuantity": {**UMOL, "value": -1}}, "its value is not above zero", id="negative"),
        pytest.param({"valueQuantity": {**UMOL, "value": "87"}}, "no number", id="a-number-in-quotes"),
        pytest.param({"valueQuantity": {"value": 87}}, "no unit", id="no-unit"),
        pytest.param({"valueQuantity": {"value": 1.2, "unit": "mg/dL"}}, "unit mg/dL not accepted", id="mass"),
        pytest.param({"valueQuantity": "87 umol/L"}, "no number", id="a-quantity-that-is-a-string"),
        pytest.param({"valueQuantity": [UMOL]}, "no number", id="a-quantity-that-is-a-list"),
    ],
)
def test_a_result_without_a_number_in_an_accepted_unit_is_not_used(members: Json, why: str) -> None:
    (rejected,) = read(observation(**{"valueQuantity": None, **members})).rejected
    assert (rejected.reference, rejected.reason) == ("Observation/o1", why)


def test_zero_is_no_level() -> None:
    (rejected,) = read(observation(valueQuantity={**UMOL, "value": 0})).rejected
    assert rejected.reason == "its value is not above zero"


def test_a_reason_names_the_result_and_its_day() -> None:
    (rejected,) = read(observation(status="preliminary")).rejected
    assert rejected.describe() == "glutamate in plasma or serum, 3 November 2026: its status is preliminary"
    assert rejected.reference == "Observation/o1"


def test_a_reason_without_a_date_names_no_day() -> None:
    (rejected,) = read(observation(effectiveDateTime=None)).rejected
    assert rejected.describe() == "glutamate in plasma or serum: its date is missing or not exact to the day"


REFUSED = "a different specimen or measure"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        pytest.param("22652-2", "cerebrospinal fluid", id="cerebrospinal-fluid"),
        pytest.param("22711-6", "urine", id="urine-molar-ratio"),
        pytest.param("30059-0", "urine", id="urine-ratio"),
        pytest.param("47623-4", "dried blood spot", id="dried-blood-spot"),
        pytest.param("32614-0", "body fluid", id="body-fluid"),
        pytest.param("22721-5", "specimen not verified", id="same-unit-other-specimen"),
        pytest.param("27104-9", "umol/dL", id="the-unit-trap"),
        pytest.param("25429-2", "24-hour", id="per-day"),
        pytest.param("2364-8", "mass per volume", id="mass-per-volume"),
        pytest.param("47624-2", "share", id="share-of-all-amino-acids"),
    ],
)
def test_another_specimen_or_measure_is_refused_by_name_whatever_its_unit(code: str, named: str) -> None:
    results = read(observation(coded(code, display="Glutamate [Moles/volume] in Serum or Plasma")))
    assert results.usable == []
    (rejected,) = results.rejected
    assert rejected.reason == REFUSED
    assert named in rejected.term
    assert rejected.describe() == f"{rejected.term}, 3 November 2026: {REFUSED}"


def test_a_refused_code_beside_the_right_one_is_refused() -> None:
    assert reasons(observation(coded(GLUTAMATE, "22652-2"))) == [REFUSED]
    assert reasons(observation(coded("22652-2", GLUTAMATE))) == [REFUSED]


@pytest.mark.parametrize(
    ("codes", "used"),
    [
        pytest.param("glutamate", [87], id="glutamate"),
        pytest.param("glutamine", [550], id="glutamine"),
        pytest.param("cystine", [], id="cystine"),
    ],
)
def test_glutamate_and_glutamine_are_one_digit_apart_and_never_taken_for_each_other(
    codes: str, used: list[int]
) -> None:
    glutamine = observation(coded(GLUTAMINE), id="o2", valueQuantity={**UMOL, "value": 550})
    for resources in ([observation(), glutamine], [glutamine, observation()]):
        results = read(*resources, codes=codes)
        assert values(results) == used
        assert results.rejected == []


def test_a_result_coded_as_glutamate_and_as_glutamine_is_neither() -> None:
    both = observation(coded(GLUTAMATE, GLUTAMINE))
    assert read(both, codes="glutamate").usable == []
    assert read(both, codes="glutamine").usable == []


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(coded(GLUCOSE, display="Glutamate [Mass/volume] in Serum"), id="glucose-labelled-glutamate"),
        pytest.param(coded(GLUTAMINE, display="Glutamate"), id="glutamine-labelled-glutamate"),
        pytest.param({"text": "Glutamate"}, id="only-a-text"),
        pytest.param({"coding": [{"display": "Glutamate"}], "text": "Glutamate"}, id="only-a-display"),
        pytest.param({"coding": [{"system": LOINC, "display": "Glutamate"}]}, id="a-system-and-a-display"),
        pytest.param({"coding": [{"code": GLUTAMATE}]}, id="no-system"),
        pytest.param({"coding": [{"system": "http://lab.example", "code": GLUTAMATE}]}, id="another-system"),
        pytest.param(coded("2369-7", display="Glutamate dehydrogenase"), id="an-enzyme"),
        pytest.param(coded("44360-6", display="Glutamate+Glutamine/Creatinine"), id="a-sum"),
        pytest.param("20642-5", id="a-bare-string"),
    ],
)
def test_a_result_is_never_chosen_by_its_display(code: Json) -> None:
    results = read(observation(code))
    assert results.usable == []
    assert results.rejected == []


def test_the_display_of_the_right_code_is_not_asked() -> None:
    assert values(read(observation(coded(GLUTAMATE, display="Glucose")))) == [87]


@pytest.mark.parametrize(
    ("subject", "used"),
    [
        pytest.param({"reference": "Patient/p"}, True, id="this-patient"),
        pytest.param({"reference": "https://ehr.example/fhir/Patient/p"}, True, id="this-patient-absolute"),
        pytest.param(None, True, id="no-subject"),
        pytest.param({"reference": "Patient/p2"}, False, id="another-patient"),
    ],
)
def test_a_result_about_another_patient_is_not_used(subject: Json, used: bool) -> None:
    if used:
        assert values(read(observation(subject=subject))) == [87]
    else:
        assert reasons(observation(subject=subject)) == ["it is about another patient"]


def test_a_result_that_names_another_patient_beside_this_one_is_not_used() -> None:
    own, other = {"reference": "Patient/p"}, {"reference": "Patient/p2"}
    for members in ({"subject": other, "patient": own}, {"subject": own, "patient": other}):
        assert reasons(observation(**members)) == ["it is about another patient"]


def component(code: str = GLUTAMATE, value: Json = 87, **members: Json) -> Json:
    """A component with a value."""
    return {"code": coded(code), "valueQuantity": {**UMOL, "value": value}, **members}


def test_a_component_of_a_panel_is_read_with_the_date_status_and_name_of_the_whole() -> None:
    results = read(panel(component=[component(GLUTAMINE, 550), component()]))
    (result,) = results.usable
    assert result.measure.value == 87
    assert result.origin == Origin("Observation/o1", "87 µmol/L on 2026-11-03")
    assert results.rejected == []


def test_results_of_one_time_keep_their_order_whichever_codes_they_have_beside_that_of_the_analyte() -> None:
    local = {"code": coded(GLUTAMATE, "12345-6"), "valueQuantity": {**UMOL, "value": 2}}
    parts = [component(value=1), local, component(value=3)]
    assert values(read(panel(component=parts))) == [1, 2, 3]


def test_a_component_that_is_no_list_is_read() -> None:
    assert values(read(panel(component=component()))) == [87]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        pytest.param({"status": "preliminary"}, "its status is preliminary", id="preliminary"),
        pytest.param({"effectiveDateTime": "2025-11-22"}, OLD, id="old"),
        pytest.param({"effectiveDateTime": None}, NO_DATE, id="undated"),
        pytest.param({"subject": {"reference": "Patient/p2"}}, "it is about another patient", id="another-patient"),
    ],
)
def test_a_component_of_a_panel_that_may_not_be_used_is_not_used(members: Json, why: str) -> None:
    assert reasons(panel(component=[component()], **members)) == [why]


def test_the_component_holds_its_own_range_and_the_specimen_of_the_whole() -> None:
    part = component(referenceRange=[{"text": "its own"}])
    (result,) = read(
        panel(component=[part], specimen={"reference": "Specimen/s1"}, referenceRange=[{"text": "of the panel"}])
    ).usable
    assert result.element == part
    assert result.specimen == "Specimen/s1"


def test_a_specimen_of_the_part_comes_before_that_of_the_whole() -> None:
    part = component(specimen={"reference": "Specimen/part"})
    (result,) = read(panel(component=[part], specimen={"reference": "Specimen/whole"})).usable
    assert result.specimen == "Specimen/part"


def report(*contained: Json, **members: Json) -> Json:
    """A DiagnosticReport that contains its results."""
    usual = {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "contained": list(contained)}
    return {**usual, "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2026-11-04", **members}


def test_an_observation_contained_in_a_report_is_read_with_its_own_date() -> None:
    (result,) = read(report(observation(subject=None))).usable
    assert result.measure.value == 87
    assert result.origin == Origin("DiagnosticReport/r1", "87 µmol/L on 2026-11-03")


def test_a_contained_observation_without_a_date_has_that_of_the_report() -> None:
    (result,) = read(report(observation(effectiveDateTime=None))).usable
    assert result.moment.day.isoformat() == "2026-11-04"


def test_a_component_of_a_contained_observation_is_read() -> None:
    assert values(read(report(panel(component=[component()])))) == [87]


def test_only_observations_are_read_among_contained_resources() -> None:
    results = read(report({**observation(), "resourceType": "Goal"}))
    assert results == AnalyteResults()


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        pytest.param({"status": "preliminary"}, {}, id="its-own-status"),
        pytest.param({"status": None}, {"status": "preliminary"}, id="the-status-of-the-report"),
        pytest.param({}, {"status": "entered-in-error"}, id="a-report-entered-in-error"),
        pytest.param({}, {"subject": {"reference": "Patient/p2"}}, id="a-report-about-another-patient"),
        pytest.param({"subject": {"reference": "Patient/p2"}}, {}, id="itself-about-another-patient"),
        pytest.param({"effectiveDateTime": "2026-11"}, {}, id="its-own-date-is-a-month-only"),
    ],
)
def test_a_contained_observation_that_may_not_be_used_is_not_used(inner: Json, outer: Json) -> None:
    assert len(reasons(report(observation(**inner), **outer))) == 1


NOT_PLASMA = "its specimen is not plasma or serum"
URINE = {"resourceType": "Specimen", "id": "s", "type": {"coding": [{"code": "UR", "display": "Urine"}]}}
URINE_CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "122575003"}]}
PLASMA_CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "119361006"}]}
CONTRADICTED = "its code is of blood and its name of another specimen or measure: they contradict each other"
NAMED_OTHERWISE = (
    *("Glutamato en orina", "glutamate urinaire", "Glutamat im Likvor", "Glutamat (Harn)", "glutammato, urina"),
    *("Glutamate/Creatinine ratio", "Glutamate / creatinine", "Glutamat/Kreatinin-Quotient"),
)


@pytest.mark.parametrize("display", NAMED_OTHERWISE)
def test_a_code_of_blood_with_a_name_of_another_specimen_or_measure_is_not_used(display: str) -> None:
    assert reasons(observation(coded(GLUTAMATE, display=display))) == [CONTRADICTED]


SPECIMENS = {
    "the display of the reference": {"specimen": {"display": "Urine, 24 h"}},
    "the text of a concept": {"specimen": {"text": "dried blood spot"}},
    "a Specimen contained in it": {"contained": [URINE]},
    "the second of two": {"specimen": {"display": "sample 1"}, "contained": [URINE]},
    **{
        written: {"specimen": {"display": written}}
        for written in ("Likvor", "Orina de 24 h", "échantillon urinaire", "24-h-Sammelurin", "mocz")
    },
    "a contained Specimen that has only a code": {"contained": [{"resourceType": "Specimen", "type": URINE_CODE}]},
    "the first of two": {"specimen": {"display": "Urine"}, "contained": [{**URINE, "type": {"text": "Plasma"}}]},
}


@pytest.mark.parametrize("members", SPECIMENS.values(), ids=SPECIMENS)
def test_a_result_of_another_specimen_is_not_used_wherever_that_is_said(members: Json) -> None:
    assert reasons(observation(**members)) == [NOT_PLASMA]
    of_report = {**members, "contained": [observation(), *members.get("contained", [])]}
    assert reasons(report(**of_report)) == [NOT_PLASMA]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"specimen": {"display": "Plasma"}}, id="plasma"),
        pytest.param({"specimen": {"display": "not purine"}}, id="only-whole-words"),
        pytest.param({"code": coded(GLUTAMATE, display="Glutamate, with taurine, during fasting")}, id="name"),
        pytest.param({"contained": [{"resourceType": "Specimen", "type": PLASMA_CODE}]}, id="a-code-of-plasma"),
        pytest.param(
            {"contained": [{"resourceType": "Organization", "type": {"text": "urine laboratory"}}]}, id="other"
        ),
    ],
)
def test_a_result_of_no_other_specimen_is_used(members: Json) -> None:
    assert values(read(observation(**members))) == [87]


def test_a_result_that_is_coded_as_two_amino_acids_is_neither() -> None:
    assert reasons(observation(coded(GLUTAMATE, GLUTAMINE))) == ["its codes contradict each other"]


def test_a_member_of_a_cancelled_panel_is_named_with_its_date_whatever_the_form_of_the_reference() -> None:
    for reference in ("Observation/o1", "https://ehr.example/fhir/Observation/o1/_history/2"):
        cancelled = panel(id="p", status="cancelled", hasMember=[{"reference": reference}])
        (rejected,) = read(observation(), cancelled).rejected
        assert rejected.describe() == (
            "glutamate in plasma or serum, 3 November 2026: its panel was entered in error or cancelled"
        )
        assert rejected.reference == "Observation/o1"


def test_the_newest_result_comes_first_whatever_the_order_in_which_they_came() -> None:
    days = ["2026-01-01", "2026-11-03", "2026-06-15"]
    resources = [
        observation(id=day, effectiveDateTime=day, valueQuantity={**UMOL, "value": n}) for n, day in enumerate(days, 1)
    ]
    assert values(read(*resources)) == values(read(*reversed(resources))) == [2, 3, 1]


def test_of_one_moment_the_one_issued_last_comes_first_and_then_the_name_decides() -> None:
    a = observation(id="a", valueQuantity={**UMOL, "value": 1})
    b = observation(id="b", valueQuantity={**UMOL, "value": 2})
    late = observation(id="a0", valueQuantity={**UMOL, "value": 3}, issued="2026-11-05T00:00:00Z")
    assert values(read(a, b, late)) == values(read(late, b, a)) == [3, 2, 1]


def test_one_resource_that_came_twice_is_one_result() -> None:
    assert values(read(observation(), observation())) == [87]
    assert reasons(observation(status="preliminary"), observation(status="preliminary")) == [
        "its status is preliminary"
    ]


def test_two_resources_without_an_id_are_two_results() -> None:
    assert values(read(observation(id=None), observation(id=None))) == [87, 87]


def test_the_same_id_in_another_resource_type_is_another_result() -> None:
    contained = observation(id="inner", effectiveDateTime="2026-11-04", valueQuantity={**UMOL, "value": 99})
    assert values(read(observation(), report(contained, id="o1"))) == [99, 87]


def test_refused_and_used_results_stand_side_by_side() -> None:
    results = read(observation(), observation(coded("22652-2"), id="o2"), observation(id="o3", status="cancelled"))
    assert values(results) == [87]
    assert [one.reference for one in results.rejected] == ["Observation/o2", "Observation/o3"]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param(observation(coded("11042-9")), True, id="on-the-resource"),
        pytest.param(panel(component=[component("11041-1")]), True, id="on-a-component"),
        pytest.param(report(observation(coded("51620-3"))), True, id="on-a-contained-observation"),
        pytest.param(observation(coded("2160-0")), False, id="another-code"),
        pytest.param(observation({"text": "creatinine before dialysis"}), False, id="only-words"),
    ],
)
def test_a_code_is_found_on_a_resource_and_its_parts(resource: Json, expected: bool) -> None:
    assert has_code(resource, VOCABULARY.code_lists["dialysis-creatinine"]) is expected


def test_a_refused_code_is_not_had() -> None:
    assert not has_code(observation(coded("22652-2")), VOCABULARY.code_lists["glutamate"])


@pytest.mark.parametrize(
    ("members", "printed"),
    [
        ({"valueQuantity": {"value": 168, "unit": "umol/L", "code": "umol/L"}}, "168 µmol/L"),
        ({"valueQuantity": {"value": 51, "unit": "mL/min/1.73 m2", "code": "mL/min/{1.73_m2}"}}, "51 mL/min/1.73 m2"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg"}}, "<5 mg"),
        ({"valueQuantity": {"value": 2400}}, "2,400"),
        ({"valueQuantity": {"unit": "mg"}}, ""),
        ({"valueQuantity": 7}, ""),
        ({"valueString": "haemolysed"}, "haemolysed"),
        ({"valueCodeableConcept": {"text": "trace"}}, "trace"),
        ({"valueString": "x" * 500}, "x" * 119 + "…"),
        ({}, ""),
    ],
)
def test_a_value_is_printed_as_it_was_sent(members: Json, printed: str) -> None:
    assert value_as_sent(members) == printed


def test_a_result_that_is_not_used_keeps_its_value() -> None:
    (rejected,) = read(observation(status="preliminary", valueQuantity=quantity(71, "umol/L"))).rejected

    assert rejected.sent == "71 µmol/L"

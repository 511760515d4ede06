"""What is said of a patient's data is what the code does: thirteen attributes, held against the facts."""

from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
from starlette.testclient import TestClient

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Facts
from cds_service.clinical.monitoring.facts import read_treatment_facts
from cds_service.clinical.monitoring.treatments import read_treatments
from cds_service.clinical.reading import read_patient_facts
from cds_service.content.examples import read_json
from cds_service.fhir.queries import FOR_TREATMENTS
from cds_service.fhir.searching import prefetch_from
from cds_service.fhir.systems import ICD10CM
from cds_service.gathering.prefetch import build_chart
from cds_service.pages.attributes import as_json, source_attributes
from tests.golden.treatments import TREATED
from tests.pages.looking import look
from tests.support import CONTENT, FIXTURES, NOW, PATIENTS, VOCABULARY, Body, as_read, draft_orders_of

ATTRIBUTES = source_attributes(CONTENT)
EXTENSIONS = [
    {"url": f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}", "valueString": "anything"}
    for name in ("race", "ethnicity", "birthsex", "sex", "genderIdentity", "tribal-affiliation")
]
DEMOGRAPHICS = {
    "extension": EXTENSIONS,
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}],
    "maritalStatus": {"text": "married"},
    "address": [{"postalCode": "00000", "country": "XX"}],
}


def interval(high: int, sex: str, years: dict[str, int]) -> Body:
    """A reference range for a sex and an age."""
    age = {end: {"value": value, "unit": "a"} for end, value in years.items()}
    ends = {"low": {"value": 1, "unit": "umol/L"}, "high": {"value": high, "unit": "umol/L"}}
    return {**ends, "age": age, "appliesTo": [{"text": sex}]}


BY_SEX_AND_AGE = [
    interval(high, sex, years)
    for high, (sex, years) in enumerate(product(("male", "female"), ({"high": 40}, {"low": 41})), 2)
]
BY_SEX_AND_AGE[0]["high"]["value"] = 5000
CHARTS: dict[str, Body] = {
    **{patient: read_json(FIXTURES / "patients" / f"{patient}.json") for patient in PATIENTS},
    **{one.name: {"entry": [{"resource": as_read(resource)} for resource in one.resources]} for one in TREATED},
}


def facts_of(patient: str, **changed: object) -> Facts:
    """The facts of a person of the fixtures, whose record was changed; a member that is None is taken out.

    Every result has ranges by sex and age, so that whatever can depend on them does.
    """
    bundle = deepcopy(CHARTS[patient])
    for entry in bundle["entry"]:
        if "referenceRange" in entry["resource"]:
            entry["resource"]["referenceRange"] = BY_SEX_AND_AGE
    record: Body = next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Patient")
    record.update(changed)
    for name in [name for name, value in changed.items() if value is None]:
        del record[name]
    chart = build_chart(
        patient, prefetch_from(bundle, patient, VOCABULARY.code_lists, FOR_TREATMENTS), "", FOR_TREATMENTS
    )
    facts = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)
    treatments = read_treatments(chart, VOCABULARY, NOW)
    active = treatments.acetylcysteine_orders
    return {**facts, **(read_treatment_facts(active, treatments, chart, VOCABULARY, NOW) if active else {})}


def changed_facts(member: str, value: object) -> set[str]:
    """The facts that are others in anybody of the fixtures when one member of the patient record is."""
    found = set()
    for patient in CHARTS:
        before, after = facts_of(patient), facts_of(patient, **{member: value})
        found |= {name for name in before if before[name] != after[name]}
    return found


def test_there_are_thirteen_in_the_order_of_the_rule() -> None:
    assert [one.number for one in ATTRIBUTES] == list(range(1, 14))
    assert all(one.says for one in ATTRIBUTES)


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (5, "race"),
        (6, "ethnicity"),
        (7, "language"),
        (8, "sexual orientation"),
        (9, "gender identity"),
        (10, "sex"),
        (11, "date of birth"),
        (12, "social determinants of health data"),
        (13, "health status assessments data"),
    ],
)
def test_each_use_of_data_has_its_number(number: int, data: str) -> None:
    assert ATTRIBUTES[number - 1].name == f"Use of {data} as expressed in the standards in § 170.213"


@pytest.mark.parametrize("member", ["birthDate", "gender"])
def test_the_catalogue_names_every_fact_that_depends_on_the_patient_record(member: str) -> None:
    declared = {kind.name for kind in CATALOGUE.values() if member in kind.patient}
    others = {"birthDate": ["1950-01-01", "2020-01-01", None], "gender": ["male", "female", None]}[member]

    assert set().union(*(changed_facts(member, other) for other in others)) == declared


@pytest.mark.parametrize(("number", "member"), [(10, "gender"), (11, "birthDate")])
def test_what_is_used_is_said_with_the_facts_that_use_it(number: int, member: str) -> None:
    attribute = ATTRIBUTES[number - 1]
    labels = [kind.label for kind in CATALOGUE.values() if member in kind.patient]

    assert attribute.used is True
    assert labels
    assert all(label in attribute.says[0] for label in labels)


@pytest.mark.parametrize("patient", PATIENTS)
def test_race_ethnicity_language_and_gender_identity_change_nothing(patient: str) -> None:
    assert facts_of(patient, **DEMOGRAPHICS) == facts_of(patient)
    assert [one.used for one in ATTRIBUTES[4:9]] == [False] * 5


def test_every_race_specific_egfr_is_refused() -> None:
    named = [row for row in CONTENT.vocabulary.code_lists["egfr"].rows if "black" in row.term]

    assert len(named) == 4
    assert [row for row in named if row.included] == []


def test_no_code_list_holds_a_social_determinant() -> None:
    rows = [row for codes in CONTENT.vocabulary.code_lists.values() for row in codes.rows if row.system == ICD10CM]

    assert rows
    assert [row.code for row in rows if "Z55" <= row.code[:3] <= "Z65"] == []
    assert ATTRIBUTES[11].used is False


def test_the_citations_are_the_sources_of_the_cards() -> None:
    cited = {name for card in CONTENT.cards for name in card.all_sources}

    assert len(ATTRIBUTES[0].says) == len(cited)
    for name in cited:
        assert any(CONTENT.sources[name].label in said for said in ATTRIBUTES[0].says)


def test_nothing_is_said_of_funding_that_the_content_does_not_say() -> None:
    funded = CONTENT.about.model_copy(update={"funding": "A foundation"})

    assert ATTRIBUTES[2].says == ("The content names no funding source.",)
    content = replace(CONTENT, about=funded)
    assert source_attributes(content)[2].says == ("A foundation",)


def test_page_and_json_say_the_same(client: TestClient) -> None:
    page, body = look(client, "/source-attributes"), client.get("/source-attributes.json").json()

    assert body == as_json(CONTENT)
    for one in body["attributes"]:
        assert one["name"] in page.text
        for said in one["says"]:
            assert said.replace("`", "") in " ".join(page.text.split()).replace(" .", ".").replace(" ,", ",")

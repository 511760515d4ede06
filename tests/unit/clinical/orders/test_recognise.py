"""Which orders are for acetylcysteine: guidance §2, codes and names; every look-alike is a test of its own."""

import csv
import unicodedata

import pytest

from cds_service.clinical.orders.drugs import has_unresolved_drug, index_medications, is_medication_order
from cds_service.clinical.orders.recognise import Order, brand_of, read_order, recognise
from tests.builders import ATC, RXNORM, UNII, concept
from tests.support import CARDS, VOCABULARY, Body, Json


def listed_rows(included: str) -> list[Body]:
    with (CARDS / "codelists" / "acetylcysteine.csv").open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["included"] == included]


def row_id(row: Body) -> str:
    return f"{row['system'].rpartition('/')[2]}-{row['code']}"


def request(**members: Json) -> Body:
    return {"resourceType": "MedicationRequest", "id": "draft-1", "status": "draft", **members}


def read(order: Body, *entries: Body) -> Order | None:
    return read_order(order, index_medications(entries), VOCABULARY)


def taken(order: Body) -> Order:
    found = read(order)
    assert found is not None
    return found


def by_text(written: str) -> Order | None:
    return read(request(medicationCodeableConcept={"text": written}))


def decomposed(written: str) -> str:
    return unicodedata.normalize("NFD", written)


def medication(identity: str = "m1", **members: Json) -> Body:
    return {"resourceType": "Medication", "id": identity, **members}


# --- by code ----------------------------------------------------------------------------------------------------------

CODES_OF_THE_CONTRACT = [
    *((RXNORM, code) for code in ("197", "307718", "307719", "465377", "582119")),
    *((RXNORM, code) for code in ("199650", "606971", "487181", "1145027")),
    ("http://snomed.info/sct", "387440002"),
    *((ATC, code) for code in ("R05CB01", "S01XA08", "V03AB23")),
    *(("http://fhir.de/CodeSystem/bfarm/atc", code) for code in ("R05CB01", "S01XA08", "V03AB23")),
    ("http://fdasis.nlm.nih.gov", "WYQ7N0BPYC"),
]


@pytest.mark.parametrize("row", listed_rows("yes"), ids=row_id)
def test_every_included_code_of_the_list_is_recognised_by_the_code_alone(row: Body) -> None:
    order = read(request(medicationCodeableConcept=concept(row["code"], row["system"])))
    assert order is not None
    assert [(one.code, one.system) for one in order.products] == [(row["code"], row["system"])]


@pytest.mark.parametrize("row", listed_rows("no"), ids=row_id)
def test_every_refused_code_of_the_list_is_not_acetylcysteine(row: Body) -> None:
    assert read(request(medicationCodeableConcept=concept(row["code"], row["system"]))) is None


@pytest.mark.parametrize(("system", "code"), CODES_OF_THE_CONTRACT, ids=lambda value: value.rpartition("/")[2])
def test_every_code_that_the_contract_names_is_recognised(system: str, code: str) -> None:
    assert read(request(medicationCodeableConcept=concept(code, system))) is not None


def test_the_list_includes_no_code_that_the_contract_does_not_name() -> None:
    assert {(row["system"], row["code"]) for row in listed_rows("yes")} == set(CODES_OF_THE_CONTRACT)


@pytest.mark.parametrize(
    ("code", "system"),
    [("197", "http://snomed.info/sct"), ("197", ""), ("1970", RXNORM), ("R05CB", ATC), ("wyq7n0bpyc", UNII)],
    ids=["another system", "no system", "a longer code", "the group above", "another case"],
)
def test_a_code_counts_only_whole_and_in_its_own_system(code: str, system: str) -> None:
    assert read(request(medicationCodeableConcept=concept(code, system))) is None


def test_one_coding_among_several_is_enough() -> None:
    coding = [{"system": "urn:local", "code": "X"}, {"system": RXNORM, "code": "606971"}]
    assert taken(request(medicationCodeableConcept={"coding": coding})).products[0].code == "606971"


def test_a_code_is_enough_whatever_the_text_beside_it_says() -> None:
    assert read(request(medicationCodeableConcept=concept("197", RXNORM, text="Amoxicillin"))) is not None


OTHER_DRUGS = {
    "a refused code": ("R05CB03", ATC),
    "another ATC code": ("N02BE01", ATC),
    "another ATC code by its OID": ("N02BE01", "urn:oid:2.16.840.1.113883.6.73"),
    "nitroglycerin": ("4917", RXNORM),
    "cysteine": ("K848JZ4886", "http://fdasis.nlm.nih.gov"),
}


@pytest.mark.parametrize(("code", "system"), OTHER_DRUGS.values(), ids=OTHER_DRUGS)
@pytest.mark.parametrize("written", ["acetylcysteine 600 mg", "NAC 600 mg", "Fluimucil"])
def test_a_recognised_code_of_another_drug_wins_over_any_name(code: str, system: str, written: str) -> None:
    assert read(request(medicationCodeableConcept=concept(code, system, text=written))) is None


@pytest.mark.parametrize(("code", "system"), [("1234567", RXNORM), ("R05", ATC), ("4711", "urn:local")])
def test_a_code_that_is_not_recognised_cancels_no_name(code: str, system: str) -> None:
    assert read(request(medicationCodeableConcept=concept(code, system, text="acetylcysteine"))) is not None


OIDS = [
    ("197", "urn:oid:2.16.840.1.113883.6.88"),
    ("387440002", "urn:oid:2.16.840.1.113883.6.96"),
    ("R05CB01", "urn:oid:2.16.840.1.113883.6.73"),
    ("R05CB01", "http://fhir.de/CodeSystem/dimdi/atc"),
    ("WYQ7N0BPYC", "urn:oid:2.16.840.1.113883.4.9"),
    ("r05cb01", ATC),
]


@pytest.mark.parametrize(("code", "system"), OIDS)
def test_a_code_system_is_recognised_by_its_oid_and_its_former_uri(code: str, system: str) -> None:
    assert read(request(medicationCodeableConcept=concept(code, system))) is not None


# --- by name ----------------------------------------------------------------------------------------------------------

NAMES = {
    "English": "acetylcysteine",
    "English, capitals": "ACETYLCYSTEINE",
    "English, first letter": "Acetylcysteine",
    "with the N and a hyphen": "N-acetylcysteine",
    "with a hyphen of Unicode": "N\u2010acetylcysteine",
    "with a hyphen that does not break": "N\u2011acetyl\u2011L\u2011cysteine",
    "German": "Acetylcystein",
    "French": "acétylcysteine",
    "French, accent of the contract": "acetylcystéine",
    "French, both accents": "Acétylcystéine",
    "French, decomposed": decomposed("Acétylcystéine"),
    "French, capitals with accents": "ACÉTYLCYSTÉINE",
    "Spanish without accent": "acetilcisteina",
    "Spanish": "Acetilcisteína",
    "Spanish, decomposed": decomposed("Acetilcisteína"),
    "Dutch": "Acetylcysteïne",
    "Dutch, decomposed": decomposed("acetylcysteïne"),
    "chemical": "N-acetyl-L-cysteine",
    "chemical, capitals": "N-ACETYL-L-CYSTEINE",
    "chemical, inside a longer text": "Dietary supplement (N-acetyl-L-cysteine), 600 mg",
    "two words": "N-acetyl cysteine",
    "two words, first letters": "N-Acetyl Cysteine",
    "two words, two spaces": "N-acetyl  cysteine",
    "two words, space that does not break": "N-acetyl\u00a0cysteine",
    "two words joined by a hyphen": "N-acetyl-cysteine",
    "NAC": "NAC",
    "Polish": "acetylocysteina",
    "Turkish": "Asetilsistein",
    "two words without N": "acetyl cysteine 600",
    "NAC in lower case": "nac 600",
    "NAC in mixed case": "Nac",
    "NAC with points": "N.A.C. 600 mg",
    "NAC with a strength": "NAC 600 mg capsules",
    "NAC in brackets": "Supplement (NAC)",
    "NAC before a comma": "NAC, effervescent",
    "NAC in grams": "NAC 1.5 g powder",
    "NAC-600": "NAC-600",
    "NAC600": "NAC600 capsules",
    "NAC in words of its unit": "NAC 600 milligrams",
    "NAC in a softgel": "NAC-600 softgels",
    "NAC with a co-supplement": "NAC + glycine 500 mg",
    "NAC with another": "NAC with vitamin C and zinc",
    **{
        f"brand {brand}": brand
        for brand in (
            "NACSYS",
            "AceCil",
            "Trebon 600",
            "Mucolight",
            "ACC akut 600",
            "ACC® long",
            "ACC direkt",
            "acc kindersaft",
            "ACC 200",
            "Fluimucil 600 mg",
            "NAC-STADA",
            "NAC-ratiopharm 600",
            "Acemuc",
            "Solmucol",
            "Actein",
            "NAC-C 600",
            "Exflem",
            "Amucogen",
            "Pneumotyl",
            "Mucinac",
            "Acetadote",
            "Parvolex",
            "Cetylev",
            "Legubeti",
            "Fluimucil Antidot",
        )
    },
    "full width letters": "ＡＣＥＴＹＬＣＹＳＴＥＩＮＥ",
    "inside a longer text": "Mucolytic: acetylcysteine 200 mg granules, orange",
    "at the end of a text": "tbl. acetylcysteine",
    "on a line of its own": "600 mg\nacetylcysteine\ncapsule",
    "between slashes": "levomefolate/acetylcysteine/mecobalamin",
    "joined by an underscore": "ACETYLCYSTEINE_600",
    "in sodium chloride": "acetylcysteine in sodium chloride",
    "in NaCl": "Acetylcysteine 200 mg/mL in NaCl 0.9 %",
}


@pytest.mark.parametrize("written", NAMES.values(), ids=NAMES)
def test_each_name_of_the_contract_is_recognised_in_the_text(written: str) -> None:
    assert by_text(written) is not None


@pytest.mark.parametrize("written", NAMES.values(), ids=NAMES)
def test_each_name_of_the_contract_is_recognised_in_a_display(written: str) -> None:
    coding = [{"system": "urn:local", "code": "4711", "display": written}]
    assert read(request(medicationCodeableConcept={"coding": coding})) is not None


def test_carbocisteine_is_not_acetylcysteine() -> None:
    assert by_text("Carbocisteine 375 mg capsules") is None


def test_mecysteine_is_not_acetylcysteine() -> None:
    assert by_text("Mecysteine hydrochloride 100 mg") is None


def test_cysteamine_is_not_acetylcysteine() -> None:
    assert by_text("Cysteamine 150 mg capsules") is None


def test_s_carboxymethylcysteine_is_not_acetylcysteine() -> None:
    assert by_text("S-carboxymethylcysteine") is None


def test_cysteine_is_not_acetylcysteine() -> None:
    assert by_text("Cysteine hydrochloride") is None


def test_erdosteine_is_not_acetylcysteine() -> None:
    assert by_text("Erdosteine 300 mg") is None


def test_sodium_chloride_is_not_acetylcysteine() -> None:
    assert by_text("Sodium chloride 0.9 % infusion") is None


def test_nacl_as_chemists_write_it_is_not_acetylcysteine() -> None:
    assert by_text("NaCl") is None


def test_nacl_in_capitals_is_not_acetylcysteine() -> None:
    assert by_text("NACL") is None


def test_nacl_in_capitals_with_a_strength_is_not_acetylcysteine() -> None:
    assert by_text("NACL 0.9 %") is None


def test_nicotinic_acid_is_not_acetylcysteine() -> None:
    assert by_text("Nicotinic acid 500 mg") is None


def test_naa_is_not_acetylcysteine() -> None:
    assert by_text("NAA") is None


def test_naag_is_not_acetylcysteine() -> None:
    assert by_text("NAAG") is None


TRAPS = [
    "Paclitaxel (NAC, cycle 3)",
    "NAC protocol",
    "after NAC",
    "NAC cycle 2",
    "NAC-2",
    "NAC-600x",
    "NAC-protocol 600",
    "IV NAC 150 mg/kg",
    "NAC 600 mg " + "x" * 200,
    "NAC " * 40,
    "Fluimucil Complex",
    "Rinofluimucil",
    "Rhinofluimucil spray",
    "Fluimucil Antibiotic",
    "Mucomyst",
    "Fluimukan",
    "Exomuc",
    "ACC activity",
    "acc. to plan 600",
    "ACC",
    "N-acetylcarnosine",
    "NAC paracetamol",
]


@pytest.mark.parametrize("written", TRAPS)
def test_what_only_looks_like_it_is_not_acetylcysteine(written: str) -> None:
    assert by_text(written) is None


@pytest.mark.parametrize(
    ("texts", "brand", "use"),
    [
        (["Fluimucil", "Parvolex"], "Parvolex", "antidote"),
        (["Fluimucil Antidot 20 %"], "Fluimucil Antidot", "antidote"),
        (["Fluimucil 600"], "Fluimucil", ""),
        (["Mucomyst"], "Mucomyst", ""),
    ],
)
def test_a_brand_that_means_antidote_comes_first(texts: list[str], brand: str, use: str) -> None:
    row = brand_of(texts, VOCABULARY)
    assert row is not None
    assert (row.name, row.extra["use"]) == (brand, use)
    assert brand_of(["amoxicillin"], VOCABULARY) is None


def test_the_beginning_of_a_name_is_not_acetylcysteine() -> None:
    assert by_text("Nacetyl") is None


def test_a_word_that_ends_in_nac_is_not_acetylcysteine() -> None:
    assert by_text("snac") is None


def test_a_word_in_capitals_that_ends_in_nac_is_not_acetylcysteine() -> None:
    assert by_text("SNAC (salcaprozate sodium)") is None


def test_nac_with_a_digit_on_it_is_not_a_word_of_its_own() -> None:
    assert by_text("NAC2") is None


def test_a_longer_word_around_a_name_is_not_acetylcysteine() -> None:
    assert by_text("acetylcysteinesterase") is None


def test_acetylcholine_is_not_acetylcysteine() -> None:
    assert by_text("Acetylcholine chloride") is None


@pytest.mark.parametrize("written", ["", " ", "600 mg", "\u200b"], ids=["empty", "blank", "dose", "zero width"])
def test_a_text_without_a_name_is_not_acetylcysteine(written: str) -> None:
    assert by_text(written) is None


def test_a_name_alone_gives_no_product_row() -> None:
    assert recognise([{"text": "acetylcysteine"}], VOCABULARY) == ((), True)


# --- where the drug may stand -----------------------------------------------------------------------------------------

ACETYLCYSTEINE = concept("606971", RXNORM)
POINTER = {"medicationReference": {"reference": "Medication/m1"}}


def test_a_contained_medication_is_followed() -> None:
    order = request(medicationReference={"reference": "#c"}, contained=[medication("c", code=ACETYLCYSTEINE)])
    assert taken(order).products[0].code == "606971"


def test_another_contained_resource_is_not_taken_for_the_drug() -> None:
    contained = [medication("other", code=ACETYLCYSTEINE), medication("c", code=concept("723", RXNORM))]
    assert read(request(medicationReference={"reference": "#c"}, contained=contained)) is None


BUNDLED = {
    "by its id": ("Medication/m1", {}),
    "by its id, from an absolute reference": ("https://ehr.example.org/fhir/Medication/m1", {}),
    "by its id, of a version": ("Medication/m1/_history/3", {}),
    "by its full URL": ("urn:uuid:61ebe359", {"fullUrl": "urn:uuid:61ebe359"}),
    "by an absolute full URL": ("https://x.example/M/1", {"fullUrl": "https://x.example/M/1"}),
}


@pytest.mark.parametrize(("reference", "entry"), BUNDLED.values(), ids=BUNDLED)
def test_a_bundled_medication_is_found(reference: str, entry: Body) -> None:
    order = request(medicationReference={"reference": reference})
    assert read(order, {**entry, "resource": medication(code=ACETYLCYSTEINE)}) is not None


def test_a_bundled_medication_that_is_not_referred_to_says_nothing() -> None:
    order = request(medicationReference={"reference": "Medication/m2"})
    assert read(order, {"resource": medication(code=ACETYLCYSTEINE)}) is None


def test_another_resource_with_the_same_id_is_not_the_medication() -> None:
    assert read(request(**POINTER), {"resource": {**medication(code=ACETYLCYSTEINE), "resourceType": "Basic"}}) is None


INGREDIENTS = {
    "R4, itemCodeableConcept": {"ingredient": [{"itemCodeableConcept": concept("197", RXNORM)}]},
    "R4, the second of two": {
        "ingredient": [{"itemCodeableConcept": concept("1", RXNORM)}, {"itemCodeableConcept": concept("197", RXNORM)}]
    },
    "R4, by name": {"ingredient": [{"itemCodeableConcept": {"text": "acetylcysteine"}}]},
    "R4, display of itemReference": {"ingredient": [{"itemReference": {"display": "acetylcysteine"}}]},
    "DSTU2, display of item": {"ingredient": [{"item": {"display": "acetylcysteine"}}]},
    "R5, item.concept": {"ingredient": [{"item": {"concept": concept("197", RXNORM)}}]},
    "one object for the list": {"ingredient": {"itemCodeableConcept": concept("197", RXNORM)}},
    "DSTU2, in the product": {"product": {"ingredient": [{"item": {"display": "acetylcysteine"}}]}},
}


@pytest.mark.parametrize("members", INGREDIENTS.values(), ids=INGREDIENTS)
def test_an_ingredient_of_the_medication_is_enough(members: Body) -> None:
    assert read(request(**POINTER), {"resource": medication(code={"text": "Combination"}, **members)}) is not None


def test_the_code_of_the_medication_counts_beside_its_ingredients() -> None:
    other: Json = {"ingredient": [{"itemCodeableConcept": {"text": "water"}}]}
    order = read(request(**POINTER), {"resource": medication(code=ACETYLCYSTEINE, **other)})
    assert order is not None
    assert order.names == ("water",)


def test_what_the_order_itself_calls_its_drug_counts_beside_the_medication_it_points_to() -> None:
    order = request(medicationReference={**POINTER["medicationReference"], "display": "acetylcysteine"})
    found = read(order, {"resource": medication(code={"text": "Mucolytic"})})
    assert found is not None
    assert found.names == ("acetylcysteine", "Mucolytic")


def test_an_ingredient_that_is_something_else_is_not_enough() -> None:
    other: Json = {"ingredient": [{"itemCodeableConcept": {"text": "carbocisteine"}}]}
    assert read(request(**POINTER), {"resource": medication(**other)}) is None


PLACES = {
    "R4 concept": request(medicationCodeableConcept=ACETYLCYSTEINE),
    "R4 concept sent as a list": request(medicationCodeableConcept=[ACETYLCYSTEINE]),
    "R4 coding sent as an object": request(medicationCodeableConcept={"coding": ACETYLCYSTEINE["coding"][0]}),
    "display of the reference": request(
        medicationReference={"reference": "Medication/gone", "display": "Acetylcysteine 600 MG Oral Capsule"}
    ),
    "display without a reference": request(medicationReference={"display": "acetylcysteine"}),
    "R5 concept": request(medication={"concept": ACETYLCYSTEINE}),
    "R5 concept by name": request(medication={"concept": {"text": "acetylcysteine"}}),
    "R5 contained": request(
        medication={"reference": {"reference": "#c"}}, contained=[medication("c", code=ACETYLCYSTEINE)]
    ),
    "R5 display of the reference": request(
        medication={"reference": {"reference": "Medication/gone", "display": "Acetylcysteine 600 mg"}}
    ),
    "DSTU2 order": {"resourceType": "MedicationOrder", "id": "o", "medicationCodeableConcept": ACETYLCYSTEINE},
    "DSTU2 order by reference": {
        "resourceType": "MedicationOrder",
        "id": "o",
        "medicationReference": {"reference": "#c"},
        "contained": [medication("c", code=ACETYLCYSTEINE)],
    },
}


@pytest.mark.parametrize("order", PLACES.values(), ids=PLACES)
def test_the_drug_is_found_wherever_a_fhir_version_puts_it(order: Body) -> None:
    assert is_medication_order(order)
    assert read(order) is not None


def test_an_order_is_named_by_its_type_and_id() -> None:
    assert taken(request(medicationCodeableConcept=ACETYLCYSTEINE)).reference == "MedicationRequest/draft-1"


def test_an_order_is_called_by_its_first_name_and_keeps_each_name_once() -> None:
    coding = [{"system": RXNORM, "code": "606971", "display": "Display"}, {"code": "x", "display": "Text"}]
    order = taken(request(medicationCodeableConcept={"coding": coding, "text": "Text"}))
    assert (order.name, order.names) == ("Text", ("Text", "Display"))


def test_an_order_without_any_name_is_called_acetylcysteine() -> None:
    assert taken(request(medicationCodeableConcept=ACETYLCYSTEINE)).name == "acetylcysteine"


# --- no drug, and odd shapes ------------------------------------------------------------------------------------------


def test_an_order_without_any_drug_is_not_acetylcysteine() -> None:
    assert read(request()) is None
    assert not has_unresolved_drug(request(), {})


def test_a_drug_behind_a_reference_that_nothing_resolves_is_unread() -> None:
    pointer = {"reference": "Medication/gone"}
    for order in (request(medicationReference=pointer), request(medication={"reference": pointer})):
        assert read(order) is None
        assert has_unresolved_drug(order, {})


def test_a_drug_behind_a_reference_that_is_resolved_is_not_unread() -> None:
    index = index_medications([{"resource": medication(code=concept("723", RXNORM))}])
    assert not has_unresolved_drug(request(**POINTER), index)


ORDERS = {
    "MedicationRequest": ({"resourceType": "MedicationRequest"}, True),
    "MedicationOrder": ({"resourceType": "MedicationOrder"}, True),
    "doNotPerform false": ({"resourceType": "MedicationRequest", "doNotPerform": False}, True),
    "doNotPerform true": ({"resourceType": "MedicationRequest", "doNotPerform": True}, False),
    "ServiceRequest": ({"resourceType": "ServiceRequest"}, False),
    "MedicationStatement": ({"resourceType": "MedicationStatement"}, False),
    "no type": ({}, False),
    "draft": ({"resourceType": "MedicationRequest", "status": "draft"}, True),
    **{
        status: ({"resourceType": "MedicationRequest", "status": status}, True)
        for status in ("active", "on-hold", "unknown", "")
    },
    **{
        status: ({"resourceType": "MedicationRequest", "status": status}, False)
        for status in ("stopped", "cancelled", "completed", "ended", "entered-in-error")
    },
    "type null": ({"resourceType": None}, False),
    "no object": ("MedicationRequest", False),
    "null": (None, False),
}


@pytest.mark.parametrize(("resource", "expected"), ORDERS.values(), ids=ORDERS)
def test_only_a_medication_order_that_asks_for_the_drug_is_an_order(resource: Json, expected: bool) -> None:
    assert is_medication_order(resource) is expected


ODD = {
    "list": [],
    "list of lists": [[]],
    "list of null": [None],
    "string": "acetylcysteine",
    "number": 197,
    "true": True,
    "null": None,
    "empty": {},
    "coding null": {"coding": None},
    "coding string": {"coding": "197"},
    "coding of strings": {"coding": ["197"]},
    "code number": {"coding": [{"system": RXNORM, "code": 197}]},
    "system list": {"coding": [{"system": [RXNORM], "code": "197"}]},
    "text number": {"text": 197},
    "reference number": {"reference": 1},
    "reference list": {"reference": ["Medication/m1"]},
    "reference of reference": {"reference": {"reference": {"reference": "x"}}},
    "concept list": {"concept": [ACETYLCYSTEINE]},
}


@pytest.mark.parametrize("shape", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", ["medicationCodeableConcept", "medication", "medicationReference", "contained"])
def test_an_odd_shape_in_place_of_the_drug_never_raises(place: str, shape: Json) -> None:
    order = request(**{place: shape})
    assert read(order) is None
    assert has_unresolved_drug(order, {}) in (True, False)


@pytest.mark.parametrize("shape", ODD.values(), ids=ODD)
def test_an_odd_medication_behind_the_reference_never_raises(shape: Json) -> None:
    for resource in (medication(code=shape), medication(ingredient=shape), medication(product=shape)):
        assert read(request(**POINTER), {"resource": resource}) is None


@pytest.mark.parametrize("entry", [None, [], "x", 1, {}, {"resource": None}, {"resource": []}, {"resource": "x"}])
def test_an_odd_entry_beside_the_order_is_passed_over(entry: Json) -> None:
    assert index_medications([entry, {"resource": medication(code=ACETYLCYSTEINE)}]).keys() == {"Medication/m1"}


# --- NAC beside another name ------------------------------------------------------------------------------------------

BESIDE_NAC = {
    "a local code of another drug": (
        {"text": "NAC", "coding": [{"system": "urn:local", "code": "7", "display": "amoxicillin 500 mg"}]},
        False,
    ),
    "RxNorm of another drug": (
        {"text": "NAC 600 mg", "coding": [{"system": RXNORM, "code": "723", "display": "Amoxicillin"}]},
        False,
    ),
    "NAC among other words": ({"text": "NAC", "coding": [{"code": "7", "display": "NAC protocol"}]}, False),
    "NAC again": ({"text": "NAC 600 mg", "coding": [{"code": "7", "display": "NAC"}]}, True),
    "a strength and a form": ({"text": "NAC", "coding": [{"code": "7", "display": "600 mg capsule"}]}, True),
    "the full name": ({"text": "NAC", "coding": [{"code": "7", "display": "acetylcysteine 600 mg"}]}, True),
    "the full name beside another drug": (
        {"text": "acetylcysteine", "coding": [{"code": "7", "display": "with amoxicillin"}]},
        True,
    ),
}


@pytest.mark.parametrize(("drug", "expected"), BESIDE_NAC.values(), ids=BESIDE_NAC)
def test_nac_counts_only_where_no_name_beside_it_may_be_of_another_drug(drug: Body, expected: bool) -> None:
    assert (read(request(medicationCodeableConcept=drug)) is not None) is expected


@pytest.mark.parametrize(("ingredient", "expected"), [("Amoxicillin", False), ("Zinc", True), ("acetylcysteine", True)])
def test_nac_is_held_against_the_ingredients_too(ingredient: str, expected: bool) -> None:
    named = medication(code={"text": "NAC"}, ingredient=[{"itemCodeableConcept": {"text": ingredient}}])
    order = request(medicationReference={"reference": "Medication/m1"})
    assert (read(order, {"resource": named}) is not None) is expected

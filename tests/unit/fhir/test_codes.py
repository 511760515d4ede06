"""Code lists and name lists: a code counts only in its system, a name only as a whole word."""

from typing import Any

import pytest

from cds_service.fhir.code_shapes import shape_problem
from cds_service.fhir.codes import MAX_NAME, CodeList, CodeRow, NameList, NameRow
from cds_service.fhir.json import Coding
from cds_service.fhir.systems import ICD10, ICD10AM, ICD10CM, ICD10GM, LOINC
from tests.support import VOCABULARY

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
GERMAN_ATC = "http://fhir.de/CodeSystem/bfarm/atc"
UNII = "http://fdasis.nlm.nih.gov"


def row(code: str, system: str = ICD10CM, included: bool = True) -> CodeRow:
    """A row whose term is its code."""
    return CodeRow(code, system, code, included, "a test")


VAGUE = CodeRow("N04*", ICD10, "nephrotic syndrome", False, "a test", vague=True)


def name(written: str, match: str = "word", included: bool = True, unsure: bool = False) -> NameRow:
    """A row of a name list."""
    return NameRow(written, match, included and not unsure, "a test", unsure=unsure)


def concept(*coded: tuple[str, str], text: str = "") -> dict[str, Any]:
    """A CodeableConcept with these codes, each with its system."""
    return {"coding": [{"system": system, "code": code} for code, system in coded], "text": text}


def found_in(codes: CodeList, code: str, system: str = ICD10CM) -> str | None:
    """The code of the row that is found."""
    found = codes.find(Coding(system, code))
    return found.code if found else None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("N18.3", "N18.3", id="with-its-dot"),
        pytest.param("N183", "N18.3", id="without-its-dot"),
        pytest.param("n18.3", "N18.3", id="in-small-letters"),
        pytest.param("N18.30", None, id="a-longer-code"),
        pytest.param("N18", None, id="a-shorter-code"),
        pytest.param("J45", "J45*", id="the-prefix-itself"),
        pytest.param("J45.909", "J45*", id="below-the-prefix"),
        pytest.param("j45909", "J45*", id="below-it-without-dot-in-small-letters"),
        pytest.param("J4", None, id="above-the-prefix"),
        pytest.param("T39.1X1A", "T39.1X1*", id="a-prefix-with-a-dot"),
        pytest.param("T391X1A", "T39.1X1*", id="the-same-without-the-dot"),
        pytest.param("T39.1X5A", "T39.1X5*", id="the-longest-prefix-wins"),
        pytest.param("T39.1X9A", "T39.1*", id="the-shorter-prefix-where-no-longer-one-fits"),
        pytest.param("T39.1X1D", "T39.1X1D", id="an-exact-row-wins-over-a-prefix"),
    ],
)
def test_an_icd_code_is_found_with_and_without_dot_and_by_prefix(code: str, expected: str | None) -> None:
    listed = ("N18.3", "J45*", "T39.1*", "T39.1X1*", "T39.1X5*", "T39.1X1D")
    assert found_in(CodeList([row(one) for one in listed]), code) == expected


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("20642-5", SNOMED, id="another-system"),
        pytest.param("20642-5", "", id="no-system"),
        pytest.param("20642-5", "http://loinc.org/", id="a-system-spelt-otherwise"),
        pytest.param("206425", LOINC, id="no-hyphen"),
        pytest.param("20642.5", LOINC, id="a-dot-for-the-hyphen"),
        pytest.param("20643-3", LOINC, id="one-digit-away"),
        pytest.param("20642-50", LOINC, id="longer"),
    ],
)
def test_a_code_is_not_found_in_another_system_or_spelling(code: str, system: str) -> None:
    codes = CodeList([row("20642-5", LOINC)])
    assert found_in(codes, "20642-5", LOINC) == "20642-5"
    assert found_in(codes, code, system) is None


def test_a_prefix_counts_in_its_own_system_only() -> None:
    codes = CodeList([row("J45*")])
    assert found_in(codes, "J45.0") == "J45*"
    assert found_in(codes, "J45.0", "http://hl7.org/fhir/sid/icd-10") is None


@pytest.mark.parametrize("form", [ICD10, ICD10CM, ICD10GM, ICD10AM])
def test_a_row_of_icd_10_counts_in_every_form_of_it(form: str) -> None:
    codes = CodeList([row("J45*", ICD10), row("I85.0", ICD10)])
    assert found_in(codes, "j45.9", form) == "J45*"
    assert found_in(codes, "I850", form) == "I85.0"
    assert found_in(codes, "I85.1", form) is None


def test_a_row_of_one_form_of_icd_10_comes_before_that_of_all_and_counts_in_no_other() -> None:
    codes = CodeList([row("T39.1*", ICD10), row("T39.1X5*", ICD10CM)])
    assert found_in(codes, "T39.1X5A", ICD10CM) == "T39.1X5*"
    assert found_in(codes, "T39.1X5A", ICD10GM) == "T39.1*"
    assert found_in(codes, "T39.1", "urn:another") is None


@pytest.mark.parametrize(
    ("code", "system", "excluded"),
    [
        pytest.param("I10", ICD10GM, True, id="another-disease"),
        pytest.param("e11.9", ICD10CM, True, id="another-disease-in-small-letters"),
        pytest.param("J45.9", ICD10CM, False, id="a-listed-one"),
        pytest.param("J98", ICD10CM, False, id="a-group-with-a-listed-one"),
        pytest.param("J98.0", ICD10CM, False, id="a-smaller-group-with-it"),
        pytest.param("J98.1", ICD10CM, True, id="its-neighbour"),
        pytest.param("J98.0", ICD10GM, True, id="a-row-of-another-form-of-icd-10"),
        pytest.param("unknown", ICD10CM, False, id="no-code-of-its-system"),
        pytest.param("C07AB02", ATC, True, id="another-drug"),
        pytest.param("C01DA02", ATC, False, id="the-listed-drug"),
        pytest.param("C01DA", ATC, False, id="its-group"),
        pytest.param("C01DA02", GERMAN_ATC, False, id="a-system-that-is-not-covered"),
        pytest.param("233604007", SNOMED, False, id="a-number-says-nothing"),
        pytest.param("1191", RXNORM, False, id="a-number-of-rxnorm-neither"),
        pytest.param("I10", "urn:local", False, id="a-system-that-is-not-read"),
        pytest.param("c07ab02", ATC, True, id="another-drug-in-small-letters"),
        pytest.param("c01da", ATC, False, id="its-group-in-small-letters"),
        pytest.param("J98.019", ICD10CM, False, id="narrower-than-a-listed-one"),
        pytest.param("J98.029", ICD10CM, True, id="narrower-than-a-refused-one"),
        pytest.param("N04.1", ICD10GM, False, id="narrower-than-a-vague-one"),
        pytest.param("N04", ICD10, False, id="a-vague-one"),
        pytest.param("N05", ICD10, True, id="the-neighbour-of-a-vague-one"),
    ],
)
def test_a_classification_says_by_its_form_what_a_code_is_not(code: str, system: str, excluded: bool) -> None:
    rows = [row("J45*", ICD10), row("J98.01", ICD10CM), row("C01DA02", ATC), row("195967001", SNOMED)]
    rows += [row("J98.02", ICD10CM, included=False), VAGUE]
    assert CodeList(rows).excludes(Coding(system, code)) is excluded


def test_a_vague_code_matches_nothing() -> None:
    assert CodeList([VAGUE]).find(Coding(ICD10GM, "N04.1")) is None


def test_case_does_not_matter_in_atc_and_dots_and_case_do_elsewhere() -> None:
    codes = CodeList([row("R05CB01", ATC), row("R05CB01", GERMAN_ATC), row("WYQ7N0BPYC", UNII)])
    assert found_in(codes, "r05cb01", ATC) == found_in(codes, "R05cb01", GERMAN_ATC) == "R05CB01"
    assert found_in(codes, "R05CB.01", ATC) is None
    assert found_in(codes, "wyq7n0bpyc", UNII) is None
    assert found_in(codes, "R05.CB01", ATC) is None


def test_every_coding_of_a_concept_is_looked_up_and_the_first_included_row_is_chosen() -> None:
    codes = CodeList([row("refused", LOINC, included=False), row("a", LOINC), row("b", LOINC)])
    coded = concept(("unlisted", LOINC), ("refused", LOINC), ("b", LOINC), ("a", LOINC))
    assert [one.code for one in codes.rows_in(coded)] == ["refused", "b", "a"]
    included = codes.included_in(coded)
    assert included is not None
    assert included.code == "b"


def test_a_concept_with_only_a_refused_code_has_a_row_and_no_included_one() -> None:
    codes = CodeList([row("refused", LOINC, included=False)])
    assert [one.code for one in codes.rows_in(concept(("refused", LOINC)))] == ["refused"]
    assert codes.included_in(concept(("refused", LOINC))) is None


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("197", RXNORM, id="ingredient"),
        pytest.param("307718", RXNORM, id="inhalation-solution"),
        pytest.param("307719", RXNORM, id="the-other-inhalation-solution"),
        pytest.param("465377", RXNORM, id="injection"),
        pytest.param("582119", RXNORM, id="branded-injection"),
        pytest.param("199650", RXNORM, id="500-mg-oral-tablet"),
        pytest.param("606971", RXNORM, id="600-mg-oral-capsule"),
        pytest.param("487181", RXNORM, id="extended-release-capsule"),
        pytest.param("1145027", RXNORM, id="combination-tablet"),
        pytest.param("387440002", SNOMED, id="snomed-substance"),
        pytest.param("R05CB01", ATC, id="mucolytic"),
        pytest.param("S01XA08", ATC, id="ophthalmic"),
        pytest.param("V03AB23", ATC, id="antidote"),
        pytest.param("V03AB23", GERMAN_ATC, id="antidote-in-german-data"),
        pytest.param("WYQ7N0BPYC", UNII, id="unii"),
    ],
)
def test_the_product_codes_of_the_contract_are_acetylcysteine(code: str, system: str) -> None:
    assert VOCABULARY.code_lists["acetylcysteine"].included_in(concept((code, system))) is not None


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("R05CB03", ATC, id="carbocisteine"),
        pytest.param("R05CB15", ATC, id="erdosteine"),
        pytest.param("K848JZ4886", UNII, id="cysteine"),
        pytest.param("197", SNOMED, id="an-rxnorm-number-in-snomed"),
        pytest.param("1970", RXNORM, id="a-number-that-begins-alike"),
    ],
)
def test_other_codes_are_not_acetylcysteine(code: str, system: str) -> None:
    assert VOCABULARY.code_lists["acetylcysteine"].included_in(concept((code, system))) is None


@pytest.mark.parametrize(
    "written",
    [
        "acetylcysteine",
        "Acetylcysteine 600 MG Oral Capsule",
        "N-acetylcysteine",
        "ACETYLCYSTEINE",
        "n-Acetyl-L-Cysteine 500 mg",
        "N-acetyl cysteine",
        "N-acetyl-cysteine",
        "N\u2010acetylcysteine",
        "N-acetyl\u2011L\u2011cysteine",
        "N-acetyl  cysteine",
        "Acetylcystein Brausetabletten",
        "acétylcystéine",
        "acetylcyste\u0301ine",
        "Acetilcisteina 600 mg",
        "Acetilcisteína",
        "acetylcysteïne",
        "acetylcysteine and carbocisteine",
        "acetylcysteine in sodium chloride 0.9 %",
    ],
)
def test_a_name_of_acetylcysteine_is_found_as_a_whole_word(written: str) -> None:
    assert VOCABULARY.name_lists["acetylcysteine-names"].included_in({"text": written}) is not None


@pytest.mark.parametrize(
    "written",
    [
        "carbocisteine",
        "carbocysteine",
        "mecysteine",
        "cysteamine",
        "S-carboxymethylcysteine",
        "sodium chloride (NaCl) 0.9 %",
        "NaCl",
        "NACL 0.9 %",
        "nicotinic acid",
        "NAA",
        "NAAG",
        "nac",
        "Nac",
        "NACA",
        "NAC2",
        "2NAC",
        "TANAC",
        "diacetylcysteine",
        "acetylcysteines",
        "cysteine",
        "cystine",
        "acetyl",
        "",
    ],
)
def test_a_name_that_only_looks_like_it_is_not_found(written: str) -> None:
    assert VOCABULARY.name_lists["acetylcysteine-names"].included_in({"text": written}) is None


def test_a_name_is_looked_for_in_displays_too() -> None:
    listed = VOCABULARY.name_lists["acetylcysteine-names"]
    assert listed.included_in({"coding": [{"code": "x", "display": "acetylcysteine"}]}) is not None
    assert listed.included_in({"coding": [{"code": "acetylcysteine"}]}) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("poisoning by paracetamol", True, id="both"),
        pytest.param("Paracetamol: accidental poisoning", True, id="both-in-the-other-order"),
        pytest.param("poisoning", False, id="only-the-first"),
        pytest.param("paracetamol", False, id="only-the-second"),
        pytest.param("poisonings by paracetamol", False, id="not-as-a-whole-word"),
    ],
)
def test_a_name_with_a_plus_needs_each_of_its_words(written: str, expected: bool) -> None:
    listed = NameList([name("poisoning + paracetamol")])
    assert (listed.find(written) is not None) is expected


def test_a_refused_name_matches_nothing_and_cancels_nothing() -> None:
    listed = NameList([name("mecysteine", included=False), name("acetylcysteine")])
    assert listed.find("mecysteine") is None
    found = listed.find("mecysteine or acetylcysteine")
    assert found is not None
    assert found.name == "acetylcysteine"


def test_what_a_refused_name_covers_is_not_looked_at() -> None:
    listed = NameList([name("COLD", match="capitals"), name("common cold", included=False)])
    assert listed.find("COMMON COLD") is None
    assert listed.find("COMMON COLD, COLD stage II") is not None
    assert listed.find("COLD") is not None


def test_a_part_is_found_inside_a_word_too() -> None:
    listed = NameList([name("asthma", match="part"), name("ulcer")])
    assert listed.find("Belastungsasthma") is not None
    assert listed.find("asthmatic bronchitis") is not None
    assert listed.find("ulcers") is None


def test_a_whole_name_has_nothing_but_signs_beside_it() -> None:
    listed = NameList([name("not known", match="whole"), name("asthma")])
    assert listed.find(" (Not known.)") is not None
    assert listed.find("cause not known") is None
    assert listed.find("not known, asthma") is listed.rows[1]


def test_an_unsure_name_is_a_match_and_not_an_included_name() -> None:
    listed = NameList([name("PUD", unsure=True), name("peptic ulcer")])
    assert [match.row.name for match in listed.find_matches("PUD, peptic ulcer")] == ["PUD", "peptic ulcer"]
    assert [one.name for one in listed.find_all("PUD, peptic ulcer")] == ["peptic ulcer"]
    assert listed.find("PUD") is None


def test_a_match_says_where_it_stands() -> None:
    listed = NameList([name("ulcer + gastric"), name("asthma")])
    matches = listed.find_matches("no asthma, an ulcer that is gastric, here")
    assert [(match.row.name, match.start, match.end, match.is_last) for match in matches] == [
        ("ulcer + gastric", 14, 35, False),
        ("asthma", 3, 9, False),
    ]
    assert [match.is_last for match in listed.find_matches("mild asthma (!)")] == [True]


def test_only_the_beginning_of_a_very_long_name_is_looked_at() -> None:
    listed = NameList([name("asthma")])
    assert listed.find("x" * (MAX_NAME - 7) + " asthma") is not None
    assert listed.find("x" * (MAX_NAME - 6) + " asthma") is None


def test_all_names_in_a_text_are_found_in_the_order_of_the_list() -> None:
    listed = NameList([name("oral"), name("inhalation"), name("eye")])
    assert [one.name for one in listed.find_all("inhalation, oral")] == ["oral", "inhalation"]
    assert listed.find_all("intravenous") == []


def test_a_name_in_capitals_counts_in_capitals_only_and_any_other_in_any_case() -> None:
    listed = NameList([name("NAC", match="capitals"), name("acetylcysteine")])
    assert [one.name for one in listed.find_all("nac, ACETYLCYSTEINE")] == ["acetylcysteine"]
    assert [one.name for one in listed.find_all("Nac, NAC, Acetylcysteine")] == ["NAC", "acetylcysteine"]
    assert [one.name for one in listed.find_all("NAC 600 mg")] == ["NAC"]
    assert listed.find_all("nac 600 mg") == []


def test_the_words_of_a_name_may_be_joined_by_spaces_or_hyphens() -> None:
    listed = NameList([name("N-acetyl cysteine")])
    assert all(listed.find(one) for one in ("N-acetyl cysteine", "n acetyl-cysteine", "N -  acetyl cysteine"))
    assert listed.find("N-acetylcysteine") is None


def test_signs_in_a_name_stand_for_themselves() -> None:
    listed = NameList([name("a.b")])
    assert listed.find("a.b") is not None
    assert listed.find("axb") is None


def test_glutamate_and_glutamine_differ_by_one_digit_and_are_never_confused() -> None:
    glutamate, glutamine = VOCABULARY.code_lists["glutamate"], VOCABULARY.code_lists["glutamine"]
    assert glutamate.included_in(concept(("20642-5", LOINC))) is not None
    assert glutamate.rows_in(concept(("20643-3", LOINC))) == []
    assert glutamine.included_in(concept(("20643-3", LOINC))) is not None
    assert glutamine.rows_in(concept(("20642-5", LOINC))) == []


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param("glutamate", {"20642-5"}, id="glutamate"),
        pytest.param("cystine", {"22672-0"}, id="cystine"),
        pytest.param("glutamine", {"20643-3"}, id="glutamine"),
        pytest.param(
            "dialysis-creatinine", {"11041-1", "11042-9", "51620-3", "51619-5"}, id="creatinine-about-dialysis"
        ),
    ],
)
def test_no_other_code_is_included(codes: str, expected: set[str]) -> None:
    assert {one.code for one in VOCABULARY.code_lists[codes].rows if one.included} == expected


def test_a_creatinine_before_or_after_dialysis_is_in_no_list_that_feeds_an_equation() -> None:
    dialysis = {one.code for one in VOCABULARY.code_lists["dialysis-creatinine"].rows}
    included = {one.code for one in VOCABULARY.code_lists["creatinine"].rows if one.included}
    assert not dialysis & included


@pytest.mark.parametrize(
    ("system", "code"),
    [
        pytest.param(LOINC, "20642-5", id="loinc"),
        pytest.param(LOINC, "2160-0", id="loinc-check-digit-zero"),
        pytest.param(LOINC, "102097-3", id="loinc-of-six-digits"),
        pytest.param(ICD10CM, "N18.3", id="icd"),
        pytest.param(ICD10CM, "N19", id="icd-without-a-dot"),
        pytest.param(ICD10CM, "T39.1X1A", id="icd-of-seven-characters"),
        pytest.param(ICD10CM, "J45*", id="icd-prefix"),
        pytest.param(ICD10CM, "O*", id="icd-chapter"),
        pytest.param(ICD10CM, "Z8*", id="icd-part-of-a-chapter"),
        pytest.param(ICD10, "J45*", id="icd-of-the-who"),
        pytest.param(ICD10GM, "J45.9", id="icd-of-germany"),
        pytest.param(ICD10AM, "J45.9", id="icd-of-australia"),
        pytest.param(ICD10CM, "T39.1X1*", id="icd-prefix-with-a-dot"),
        pytest.param(RXNORM, "197", id="rxnorm"),
        pytest.param(SNOMED, "387440002", id="snomed"),
        pytest.param(ATC, "V03AB23", id="atc"),
        pytest.param(GERMAN_ATC, "V03AB23", id="german-atc"),
        pytest.param(UNII, "WYQ7N0BPYC", id="unii"),
    ],
)
def test_a_code_of_our_lists_has_the_form_of_its_system(system: str, code: str) -> None:
    assert shape_problem(system, code) == ""


@pytest.mark.parametrize(
    ("system", "code", "problem"),
    [
        pytest.param(LOINC, "20642-3", "the check digit of 20642-3 is wrong", id="check-digit"),
        pytest.param(LOINC, "20624-5", "the check digit of 20624-5 is wrong", id="two-digits-swapped"),
        pytest.param(LOINC, "20652-5", "the check digit of 20652-5 is wrong", id="one-digit-wrong"),
        pytest.param(LOINC, "206425", "does not have the form of a code of", id="loinc-without-hyphen"),
        pytest.param(LOINC, "LP7753-9", "does not have the form of a code of", id="loinc-part"),
        pytest.param(ICD10CM, "N183", "does not have the form of a code of", id="icd-without-its-dot"),
        pytest.param(ICD10CM, "n18.3", "does not have the form of a code of", id="icd-in-small-letters"),
        pytest.param(ICD10CM, "N18.", "does not have the form of a code of", id="icd-with-nothing-after-the-dot"),
        pytest.param(RXNORM, "0197", "does not have the form of a code of", id="rxnorm-with-a-zero-before-it"),
        pytest.param(RXNORM, "R197", "does not have the form of a code of", id="rxnorm-with-a-letter"),
        pytest.param(SNOMED, "38744", "does not have the form of a code of", id="snomed-too-short"),
        pytest.param(ATC, "V03AB2", "does not have the form of a code of", id="atc-too-short"),
        pytest.param(ATC, "V03AB233", "does not have the form of a code of", id="atc-too-long"),
        pytest.param(UNII, "WYQ7N0BPY", "does not have the form of a code of", id="unii-too-short"),
        pytest.param(
            "http://loinc.org/",
            "20642-5",
            "no code system http://loinc.org/ is in use",
            id="a-system-that-is-not-in-use",
        ),
        pytest.param("", "20642-5", "no code system  is in use", id="no-system"),
    ],
)
def test_a_code_without_the_form_of_its_system_is_named(system: str, code: str, problem: str) -> None:
    if problem.endswith("of"):
        problem = f"{code} {problem} {system}"
    assert shape_problem(system, code) == problem


@pytest.mark.parametrize("listed", VOCABULARY.name_lists.values(), ids=VOCABULARY.name_lists)
def test_the_first_look_at_a_text_hides_no_name(listed: NameList) -> None:
    for one in (row for row in listed.rows if row.included):
        written = one.name.replace(" + ", " of ")
        in_any_case = [] if one.match == "capitals" else [written.upper(), written.title()]
        beside = [] if one.match == "whole" else [f"Ж {written}"]
        assert all(one in listed.find_all(said) for said in (written, f"({written})", *beside, *in_any_case))


def test_a_letter_that_is_not_ascii_and_is_the_same_in_capitals_hides_no_name() -> None:
    listed = NameList([name("asetılsistein")])
    assert listed.find("ASETILSISTEIN") is not None
    assert listed.find("asetılsistein") is not None

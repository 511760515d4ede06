"""CDS Hooks 2.0, Discovery: each test names the rule of the checklist that it holds the service to."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.clinical.catalogue import CATALOGUE
from tests.support import BUNDLE_OF, CONTENT, HOOKS, new_client, walk

SERVICES: list[dict[str, Any]] = new_client().get("/cds-services").json()["services"]
TEMPLATES = {key: query for service in SERVICES for key, query in service["prefetch"].items()}
TOKENS = {"context.patientId", "context.userId", "context.encounterId"}
PARAMETERS = {"patient", "code", "status", "_sort", "_count"}
RESULTS = {
    "aminoAcids": {"20642-5", "22672-0", "20643-3"},
    "kidneyResults": {"2160-0", "98979-8", "11041-1"},
    "bodyMeasures": {"29463-7", "8302-2"},
    "acetaminophenLevels": {"3298-7"},
}
each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda one: one["id"])
each_template = pytest.mark.parametrize(("key", "query"), TEMPLATES.items(), ids=TEMPLATES)


def parameters_of(query: str) -> list[tuple[str, str]]:
    """Name and value of each search parameter."""
    found = re.findall(r"([^&=]+)=([^&]*)", query.partition("?")[2])
    return [(name, value) for name, value in found]


def codes_in(query: str) -> set[str]:
    """The codes that a search asks for."""
    return {code.partition("|")[2] for code in dict(parameters_of(query))["code"].split(",")}


# ---------------------------------------------------------------- the answer


def test_disc_1_and_2_discovery_answers_a_get_with_200(client: TestClient) -> None:
    assert client.get("/cds-services").status_code == 200


def test_disc_2_discovery_is_json(client: TestClient) -> None:
    assert client.get("/cds-services").headers["content-type"] == "application/json"


def test_disc_3_the_body_is_an_object_with_a_list_of_services_and_nothing_else(client: TestClient) -> None:
    body = client.get("/cds-services").json()
    assert list(body) == ["services"]
    assert isinstance(body["services"], list)


def test_disc_3_there_is_one_service_for_each_of_the_three_hooks() -> None:
    assert sorted(service["hook"] for service in SERVICES) == sorted(HOOKS)


@each_service
@pytest.mark.parametrize(
    "member",
    [
        pytest.param("hook", id="DISC-5 hook"),
        pytest.param("description", id="DISC-6 description"),
        pytest.param("id", id="DISC-7 id"),
        pytest.param("title", id="DISC-8 title"),
        pytest.param("usageRequirements", id="DISC-10 usageRequirements"),
    ],
)
def test_disc_5_to_10_a_service_has_this_string(service: dict[str, Any], member: str) -> None:
    assert isinstance(service[member], str)
    assert service[member].strip()


@each_service
def test_disc_7_the_id_is_where_the_service_answers(service: dict[str, Any], client: TestClient) -> None:
    context = {"patientId": "nobody", BUNDLE_OF[service["hook"]]: {"resourceType": "Bundle"}}
    body = {"hook": service["hook"], "hookInstance": "one", "context": context}
    response = client.post(f"/cds-services/{service['id']}", json=body)
    assert (response.status_code, response.json()) == (200, {"cards": []})


@each_service
def test_disc_9_prefetch_is_an_object_of_query_strings(service: dict[str, Any]) -> None:
    assert isinstance(service["prefetch"], dict)
    assert service["prefetch"]
    assert all(isinstance(query, str) for query in service["prefetch"].values())


@each_service
def test_disc_13_a_service_has_no_members_but_those_of_cds_hooks(service: dict[str, Any]) -> None:
    assert set(service) <= {"hook", "title", "description", "id", "prefetch", "usageRequirements"}


@each_service
def test_disc_14_the_hooks_are_standard_hooks_without_a_reverse_domain_name(service: dict[str, Any]) -> None:
    assert "." not in service["hook"]


def test_disc_15_nothing_in_discovery_is_null_or_empty(client: TestClient) -> None:
    body = client.get("/cds-services").json()
    assert [path for path, value in walk(body) if value is None or value in ("", [], {})] == []


def test_disc_18_each_pair_of_id_and_hook_is_there_once() -> None:
    pairs = [(service["id"], service["hook"]) for service in SERVICES]
    assert len(set(pairs)) == len(pairs)


def test_disc_18_no_two_services_share_an_id_since_some_clients_keep_one_service_for_each_id() -> None:
    assert len({service["id"] for service in SERVICES}) == len(SERVICES)


@each_service
def test_disc_18_the_id_is_safe_in_a_url_path(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", service["id"])


@each_service
def test_the_description_says_which_content_it_is_and_whether_it_is_signed(service: dict[str, Any]) -> None:
    assert f"Content {CONTENT.version}, {CONTENT.status}." in service["description"]


# ---------------------------------------------------------------- CORS


@pytest.mark.parametrize("path", ["/cds-services", f"/cds-services/{SERVICES[0]['id']}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_cors_a_preflight_from_the_sandbox_is_answered_without_authentication(
    client: TestClient, path: str, method: str
) -> None:
    asked = {
        "Origin": "https://sandbox.cds-hooks.org",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = client.options(path, headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://sandbox.cds-hooks.org"
    assert {"authorization", "content-type"} <= set(
        re.split(r",\s*", response.headers["access-control-allow-headers"].lower())
    )
    assert {"GET", "POST", "OPTIONS"} <= set(re.split(r",\s*", response.headers["access-control-allow-methods"]))


def test_cors_another_origin_gets_no_permission(client: TestClient) -> None:
    response = client.get("/cds-services", headers={"Origin": "https://elsewhere.example.org"})
    assert "access-control-allow-origin" not in response.headers


def test_cors_no_answer_permits_credentials_or_every_origin(client: TestClient) -> None:
    response = client.get("/cds-services", headers={"Origin": "https://sandbox.cds-hooks.org"})
    assert response.headers["access-control-allow-origin"] == "https://sandbox.cds-hooks.org"
    assert "access-control-allow-credentials" not in response.headers


# ---------------------------------------------------------------- prefetch templates


@each_service
def test_every_hook_has_the_same_templates(service: dict[str, Any]) -> None:
    assert service["prefetch"] == TEMPLATES


@each_template
def test_pf_1_and_6_a_template_is_a_read_of_one_resource_or_a_search_of_one_type(key: str, query: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+/\{\{context\.\w+\}\}|[A-Z][A-Za-z]+\?[^?]+", query)


@each_template
def test_pf_2_to_5_tokens_are_root_members_of_the_context_that_the_hooks_mark_as_tokens(key: str, query: str) -> None:
    assert set(re.findall(r"\{\{(.*?)\}\}", query)) <= TOKENS
    assert query.count("{{") == query.count("}}") == len(re.findall(r"\{\{[\w.]+\}\}", query))


@each_template
def test_pf_6_no_search_has_a_parameter_twice(key: str, query: str) -> None:
    names = [name for name, _ in parameters_of(query)]
    assert len(set(names)) == len(names)


@each_template
def test_pf_6_a_search_uses_only_plain_parameters_without_modifiers(key: str, query: str) -> None:
    assert {name for name, _ in parameters_of(query)} <= PARAMETERS


@each_template
def test_pf_6_results_are_sorted_by_date_newest_first_and_nothing_else_is_sorted(key: str, query: str) -> None:
    assert dict(parameters_of(query)).get("_sort") == ("-date" if key in RESULTS else None)


@each_template
def test_every_search_is_about_this_patient_and_limited(key: str, query: str) -> None:
    parameters = dict(parameters_of(query))
    wanted = "{{context.patientId}}"
    assert query == f"Patient/{wanted}" or (parameters["patient"] == wanted and int(parameters["_count"]) > 0)


@pytest.mark.parametrize(("key", "codes"), RESULTS.items(), ids=RESULTS)
def test_each_group_of_results_has_a_query_of_its_own_so_that_none_crowds_out_another(
    key: str, codes: set[str]
) -> None:
    asked = codes_in(TEMPLATES[key])
    others = set().union(*(codes_in(TEMPLATES[other]) for other in RESULTS if other != key))
    assert codes <= asked
    assert not asked & others


@pytest.mark.parametrize("key", RESULTS)
def test_each_code_of_a_search_comes_with_its_system_and_once(key: str) -> None:
    codes = dict(parameters_of(TEMPLATES[key]))["code"].split(",")
    assert all(re.fullmatch(r"http://loinc\.org\|\d+-\d", code) for code in codes)
    assert len(set(codes)) == len(codes)


def test_the_glutamate_codes_that_are_refused_are_asked_for_too_so_that_a_card_can_name_them() -> None:
    refused = {row.code for row in CONTENT.vocabulary.code_lists["glutamate"].rows if not row.included}
    assert refused
    assert refused <= codes_in(TEMPLATES["aminoAcids"])


def test_only_active_medications_are_asked_for() -> None:
    assert dict(parameters_of(TEMPLATES["activeMedications"]))["status"] == "active"


@pytest.mark.parametrize("key", ["problemList", "allergyList"])
def test_lists_are_asked_for_whole_since_a_filter_on_status_would_hide_entries_without_one(key: str) -> None:
    assert set(dict(parameters_of(TEMPLATES[key]))) == {"patient", "_count"}


def facts_in_use() -> set[str]:
    """Every fact that a condition of a card about orders or of its phrases tests, that it screens, or that it shows."""
    cards = CONTENT.order_cards
    holes = [name for card in cards for name in card.text.holes]
    phrases = [CONTENT.phrases[name] for name in holes if name in CONTENT.phrases]
    conditions = [row for card in cards for row in card.conditions()]
    conditions += [row for card in cards for level in card.indicator for row in level.conditions()]
    conditions += [row for phrase in phrases for row in phrase.conditions()]
    holes += [name for phrase in phrases for wording in phrase.says for name in wording.holes]
    shown = {name.partition(".")[0] for name in holes}
    screened = {name for card in cards for name in (screen.fact for screen in card.screens)}
    return ({row.fact for row in conditions} | shown | screened) & set(CATALOGUE)


@each_template
def test_every_query_is_used_by_a_fact_that_a_card_or_a_phrase_uses(key: str, query: str) -> None:
    assert any(key in CATALOGUE[fact].queries for fact in facts_in_use())


@pytest.mark.parametrize("fact", sorted(facts_in_use()))
def test_every_query_behind_a_fact_that_is_used_is_asked_for(fact: str) -> None:
    assert set(CATALOGUE[fact].queries) <= set(TEMPLATES)

"""Which queries a site asks its EHR to prefetch."""

import pytest

from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS
from cds_service.guidance.required_queries import needed_queries, prefetch_templates
from cds_service.hooks.discovery import HOOKS
from tests.support import CONTENT

VIEW = "patient-view"
ABOUT_ORDERS = [hook for hook in HOOKS if hook != VIEW]
MEDICATIONS = ["activeMedications", "medicationStatements"]


@pytest.mark.parametrize("hook", ABOUT_ORDERS)
def test_an_ehr_can_be_spared_all_queries_but_the_patient_or_every_one(hook: str) -> None:
    assert list(prefetch_templates(CONTENT, hook)) == needed_queries(CONTENT, hook) == list(FOR_ORDERS)
    assert list(prefetch_templates(CONTENT, hook, "patient")) == ["patient"]
    assert prefetch_templates(CONTENT, hook, "none") == {}


def test_as_a_chart_is_opened_an_ehr_can_be_spared_all_queries_but_the_medications_or_every_one() -> None:
    assert list(prefetch_templates(CONTENT, VIEW)) == needed_queries(CONTENT, VIEW)
    assert list(prefetch_templates(CONTENT, VIEW, "patient")) == MEDICATIONS
    assert prefetch_templates(CONTENT, VIEW, "none") == {}


def test_what_is_asked_beside_a_treatment_is_what_can_be_gathered_beside_one() -> None:
    assert set(needed_queries(CONTENT, VIEW)) <= set(FOR_TREATMENTS)
    assert "laboratoryOrders" in needed_queries(CONTENT, VIEW)


def test_a_query_reads_the_same_at_every_hook() -> None:
    templates = [prefetch_templates(CONTENT, hook) for hook in HOOKS]
    everything = {key: template for asked in templates for key, template in asked.items()}
    assert all(everything[key] == template for asked in templates for key, template in asked.items())


def test_laboratory_orders_that_are_still_to_be_done_are_asked_for() -> None:
    asked = prefetch_templates(CONTENT, VIEW)["laboratoryOrders"]
    assert asked == "ServiceRequest?patient={{context.patientId}}&status=draft,active&_count=50"

"""Which queries a site asks its EHR to prefetch."""

from cds_service.fhir.queries import QUERIES
from cds_service.guidance.required_queries import needed_queries, prefetch_templates
from tests.support import CONTENT


def test_an_ehr_can_be_spared_all_queries_but_the_patient_or_every_one() -> None:
    assert list(prefetch_templates(CONTENT)) == needed_queries(CONTENT) == list(QUERIES)
    assert list(prefetch_templates(CONTENT, "patient")) == ["patient"]
    assert prefetch_templates(CONTENT, "none") == {}

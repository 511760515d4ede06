"""Schemathesis: what its reading of our OpenAPI document makes of the service. None of it may be a 5xx."""

from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.support import CONTENT, NOW, Unrecorded, counted_ids, every_service

APP = create_app(every_service(), CONTENT, now=lambda: NOW, new_id=counted_ids(), records=Unrecorded())
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
DOCUMENTED = frozenset((200, 400, 404, 405, 412, 413, 415))  # in docs/integrating.md


@SCHEMA.parametrize()
@settings(max_examples=150, deadline=None)
def test_every_operation_answers_whatever_fits_or_does_not_fit_its_schema(case: schemathesis.Case[Any]) -> None:
    response = case.call()
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
    assert response.status_code in DOCUMENTED
    assert response.headers["content-type"][0].startswith("application/json")


def test_the_document_names_the_operations_of_cds_hooks() -> None:
    operations = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
    named = {(operation.method.upper(), operation.path) for operation in operations}
    assert {("GET", "/cds-services"), ("POST", "/cds-services/{service_id}")} <= named


@pytest.mark.parametrize("status", sorted(DOCUMENTED - {405}))
def test_the_statuses_are_those_of_the_document_for_integrators(status: int) -> None:
    assert f"{status}" in (Settings().cards.parent / "docs" / "integrating.md").read_text(encoding="utf-8")

"""The OpenAPI document of the service, and what fits its schemas."""

import json
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from cds_service.app import create_app
from tests.support import CONTENT, Body, every_service

DOCUMENT: dict[str, Any] = create_app(every_service(), CONTENT).openapi()
CALL = DOCUMENT["paths"]["/cds-services/{service_id}"]["post"]
FEEDBACK = DOCUMENT["paths"]["/cds-services/{service_id}/feedback"]["post"]
DISCOVERY = DOCUMENT["paths"]["/cds-services"]["get"]


def schema_in(place: dict[str, Any]) -> Body:
    """The schema of a request body or of a response."""
    schema: Body = place["content"]["application/json"]["schema"]
    return schema


def misfits(schema: Body, value: Any) -> list[str]:
    """What of a value does not fit a schema of the document."""
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{list(error.instance_path)}: {error.message}" for error in errors]


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, validate_formats=True)

"""Every FHIR resource in the fixtures is valid, except in `unusual/`, where each file says why."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from tests.golden.stories import FIXTURES


def validate(resource: dict[str, Any]) -> None:
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (FIXTURES / folder).glob("*.json"))


@pytest.mark.parametrize("path", files("patients", "charts", "orders"), ids=lambda path: path.stem)
def test_the_patient_or_order_is_valid(path: Path) -> None:
    validate(load(path))


@pytest.mark.parametrize("path", files("requests"), ids=lambda path: path.stem)
def test_every_resource_of_the_request_is_valid(path: Path) -> None:
    request = load(path)
    (orders,) = (value for value in request["context"].values() if isinstance(value, dict))

    for resource in [orders, *request["prefetch"].values()]:
        validate(resource)


@pytest.mark.parametrize("path", files("unusual"), ids=lambda path: path.stem)
def test_an_unusual_request_says_why_it_is_one(path: Path) -> None:
    assert len(load(path)["why"]) > 20


@pytest.mark.parametrize("path", files("patients", "charts"), ids=lambda path: path.stem)
def test_a_patient_file_holds_one_person_of_its_own_name(path: Path) -> None:
    resources = [entry["resource"] for entry in load(path)["entry"]]

    assert [one["id"] for one in resources if one["resourceType"] == "Patient"] == [path.stem]


def test_there_are_stories_enough() -> None:
    assert len(files("patients")) >= 10


def test_a_broken_resource_is_noticed() -> None:
    with pytest.raises(ValidationError):
        validate({"resourceType": "Observation", "status": "final"})

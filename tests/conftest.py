"""A client of the service with a fixed clock and counted ids; how Hypothesis looks for examples."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from tests.support import new_client

# No test writes a file that it did not name: a service that is started in one keeps its records in memory.
os.environ["CDS_DATABASE_URL"] = "sqlite:///:memory:"

settings.register_profile(
    "tests",
    max_examples=200,
    deadline=None,  # a slow machine is no failure
    derandomize=os.environ.get("CI") == "true",  # a run of CI can be repeated
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],  # the client holds no state
)
settings.load_profile("tests")


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A client of the service: the time is 2026-11-23T09:00Z, the ids are counted from 1."""
    with new_client() as one:
        yield one

"""A client of the service with a fixed clock and counted ids; how Hypothesis looks for examples."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from tests.support import CountedIds, every_service, new_client

# No test writes a file that it did not name: a service that is started in one keeps its records in memory.
os.environ["CDS_DATABASE_URL"] = os.environ["CDS_DEMO_DATABASE_URL"] = "sqlite:///:memory:"
# Nothing is late on a slow machine, except where a test sets a time of its own.
os.environ["CDS_FHIR_DEADLINE_MS"] = os.environ["CDS_FHIR_TIMEOUT_MS"] = "120000"

settings.register_profile(
    "tests",
    max_examples=200,
    deadline=None,  # a slow machine is no failure
    derandomize=os.environ.get("CI") == "true",  # a run of CI can be repeated
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],  # the client holds no state
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def shared_client() -> Iterator[tuple[TestClient, CountedIds]]:
    """One app with every service, for all the tests that change nothing of it: making one takes longer than most
    tests do."""
    ids = CountedIds()
    with new_client(every_service(), new_id=ids) as client:
        yield client, ids


@pytest.fixture
def client(shared_client: tuple[TestClient, CountedIds]) -> TestClient:
    """A client of the service: the time is 2026-11-23T09:00Z, and the ids are counted from 1.

    The service is shared. A test that changes it, or counts what it does, makes its own with `new_client`.
    """
    client, ids = shared_client
    ids.restart()
    return client

"""A service that is stopped under load drops nothing: every request that a connection was made for is answered."""

import threading
import time
from pathlib import Path

import pytest

from tests.operations.processes import BODY, SERVICE, Load, Service, serving

ROUNDS = 3


@pytest.mark.parametrize("keep_alive", [False, True], ids=["a connection for each call", "kept connections"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_is_dropped_when_it_is_told_to_stop(tmp_path: Path, workers: str, keep_alive: bool) -> None:
    for _ in range(ROUNDS):
        with serving(tmp_path, "--workers", workers) as service:
            load = Load([service.port], keep_alive)
            load.start(clients=8)
            load.wait_for(50)
            service.stop()
            load.end()
        assert load.dropped == []
        assert set(load.statuses) == {200}
        assert load.refused > 0  # it did stop while clients were calling
        assert "Traceback" not in service.log.read_text()

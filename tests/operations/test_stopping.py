"""A service that is stopped under load drops nothing: every request that a connection was made for is answered."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.operations.processes import BODY, SERVICE, Load, Service, serving

ROUNDS = 2


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


def half_a_call(service: Service) -> tuple[socket.socket, bytes]:
    """A connection on which half of a call was sent, and the other half."""
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: service\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    connection.sendall(head + BODY[:100])
    return connection, BODY[100:]


def whole_answer(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):  # up to the end: it closes the connection
        parts.append(part)
    return b"".join(parts)


def wait_until_closed_to_others(service: Service) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", service.port), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it still takes connections")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_call_under_way_is_finished_and_its_connection_closed(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers) as service:
        connection, rest = half_a_call(service)
        service.process.send_signal(signal.SIGTERM)
        wait_until_closed_to_others(service)
        with connection:
            connection.sendall(rest)
            answer = whole_answer(connection)

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
        assert service.process.wait(timeout=30) in (0, -signal.SIGTERM)


def test_a_connection_that_was_kept_has_a_moment_to_send_what_is_on_its_way(tmp_path: Path) -> None:
    with serving(tmp_path) as service, socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n")
        first = b""
        while not first.endswith(b'{"status":"live"}'):
            first += connection.recv(65536)
        service.process.send_signal(signal.SIGTERM)
        wait_until_closed_to_others(service)
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: service\r\n\r\n")

        answer = whole_answer(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer


def test_who_never_finishes_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with serving(tmp_path, CDS_SHUTDOWN_SECONDS="1") as service:
        connection, _ = half_a_call(service)
        with connection:
            assert service.stop() in (0, -signal.SIGTERM)  # fails by its own time-out where it waits for ever


def test_a_worker_that_is_killed_is_replaced_and_what_it_counted_stays_counted(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        load = Load([service.port], keep_alive=False)
        load.start(clients=4)
        load.wait_for(40)
        load.end()
        killed = service.children()[0]
        before = calls_counted(service)
        os.kill(killed, signal.SIGKILL)
        for _ in range(1000):
            if killed not in service.children() and len(service.children()) == 2:
                break
            time.sleep(0.02)

        assert killed not in service.children()
        assert len(service.children()) == 2
        assert before == calls_counted(service) == load.statuses[200]


def calls_counted(service: Service) -> int:
    status, text = service.ask("/metrics")
    assert status == 200
    lines = [line for line in text.decode().splitlines() if line.startswith("cds_requests_total{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if 'kind="call"' in line))

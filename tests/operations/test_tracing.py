"""Traces: which spans there are, what they hold, that the client's context goes on to its FHIR server, and no cost."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.telemetry.tracing import Tracing
from tests.processes import SERVICE, command, serving
from tests.signing import ALL_KEYS, ISSUER, JKU, PUBLIC, bearer, client_toml, good_token
from tests.support import CONTENT, NOW, ROOT, counted_ids, post, prefetch_for, request_for, to_bytes, walk, without

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
FHIR = "http://127.0.0.1:1/fhir"
BRUNO = "bruno-glutamate-normal"
EMPTY = b'{"resourceType": "Bundle", "type": "searchset", "total": 0}'


class Traced:
    """A client of an app whose spans are kept in memory, and whose FHIR server has nothing on anybody."""

    def __init__(self, **settings: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.fetched: list[httpx.Request] = []
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        fhir = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        seams: Any = {"now": lambda: NOW, "new_id": counted_ids(), "http": fhir, "tracing": Tracing(provider)}
        self.app = create_app(Settings(**settings), CONTENT, **seams)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.fetched.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(EMPTY))

    def call(self, body: Any, **headers: str) -> dict[str, list[ReadableSpan]]:
        """The spans of one call, by their name."""
        with TestClient(self.app, raise_server_exceptions=False, headers=headers) as client:
            post(client, body)
        spans: dict[str, list[ReadableSpan]] = {}
        for one in self.exporter.get_finished_spans():
            spans.setdefault(one.name, []).append(one)
        return spans


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def lacking(key: str) -> Any:
    return {**without(request_for(BRUNO), "prefetch", key), "fhirServer": FHIR}


def test_a_call_has_a_span_for_each_step() -> None:
    spans = Traced().call(lacking("allergyList"))

    assert {name: len(found) for name, found in spans.items()} == {
        "call": 1,
        "gather": 1,
        "fetch": 1,
        "decide": 1,
        "render": 1,
    }
    (call,), (gather,), (fetch,) = spans["call"], spans["gather"], spans["fetch"]
    assert parent_of(gather) == call.context.span_id
    assert parent_of(fetch) == gather.context.span_id
    assert {span.context.trace_id for found in spans.values() for span in found} == {call.context.trace_id}


def test_a_call_about_another_drug_gathers_nothing() -> None:
    assert set(Traced().call(request_for(BRUNO, "amoxicillin"))) == {"call"}


def test_the_context_of_the_client_goes_on_to_its_fhir_server() -> None:
    traced = Traced()
    spans = traced.call(lacking("allergyList"), traceparent=TRACEPARENT, tracestate="ehr=1")
    (request,), (fetch,) = traced.fetched, spans["fetch"]

    assert parent_of(spans["call"][0]) == int(PARENT, 16)
    assert request.headers["traceparent"] == f"00-{TRACE}-{fetch.context.span_id:016x}-01"
    assert "tracestate" not in request.headers
    assert "baggage" not in request.headers


@pytest.mark.parametrize("allowed", [False, True])
def test_a_tracestate_counts_only_of_a_client_whose_entry_allows_it(tmp_path: Path, allowed: bool) -> None:
    listed = tmp_path / "clients.toml"
    listed.write_text(client_toml("hospital", ISSUER, *ALL_KEYS, jku=JKU, tracestate=allowed), encoding="utf-8")
    traced = Traced(clients=listed, public_url=PUBLIC)
    headers = {**bearer(good_token()), "traceparent": TRACEPARENT, "tracestate": "ehr=secret"}
    (call,) = traced.call(request_for(BRUNO), **headers)["call"]
    assert call.parent is not None
    assert ("secret" in call.to_json()) is allowed


@pytest.mark.parametrize("odd", ["", "x", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01" * 50])
def test_an_odd_context_begins_a_trace_of_its_own(odd: str) -> None:
    (call,) = Traced().call(lacking("allergyList"), traceparent=odd)["call"]
    assert call.parent is None


def test_baggage_of_a_client_goes_nowhere() -> None:
    traced = Traced()
    traced.call(lacking("allergyList"), traceparent=TRACEPARENT, baggage="patient=secret")
    assert all("secret" not in str(request.headers) for request in traced.fetched)


def test_spans_hold_nothing_of_a_patient() -> None:
    body = {**lacking("allergyList"), "fhirAuthorization": {"access_token": "secret-token", "token_type": "Bearer"}}
    written = "".join(span.to_json() for found in Traced().call(body).values() for span in found)
    texts = {value for _, value in walk(json.loads(to_bytes(body))) if isinstance(value, str) and len(value) > 5}
    public = {"acetylcysteine", "order-sign", "http://127.0.0.1:1/fhir"}

    assert BRUNO in texts
    assert [text for text in texts - public if text in written] == []
    assert FHIR not in written


def test_an_error_is_told_by_its_type_alone() -> None:
    traced = Traced()
    spans = traced.call({**request_for(BRUNO, prefetch={}), "fhirServer": "https://secret.example.org/fhir"})
    (call,) = spans["call"]

    assert call.status.description == "DataNotObtained"
    assert call.events == ()
    assert "secret" not in call.to_json()


# ---------------------------------------------------------------- off, and absent


def python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


LOADED = "from cds_service.app import create_app; from cds_service.settings import Settings; create_app(Settings()); "


def test_nothing_of_it_is_imported_where_it_is_off() -> None:
    wanted = "('opentelemetry.sdk', 'opentelemetry.exporter')"
    script = LOADED + f"import sys; print([name for name in sys.modules if name.startswith({wanted})])"
    assert python(script).stdout == "[]\n"
    assert "opentelemetry" in python(script, CDS_TRACES_TO="http://127.0.0.1:9/v1/traces").stdout  # it can fail


def test_without_the_extra_it_refuses_to_start_and_says_what_to_do() -> None:
    absent = "import sys; sys.modules['opentelemetry.sdk'] = None; from cds_service.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", absent, *command("--port", "0")[3:]],
        cwd=ROOT,
        env={"CDS_TRACES_TO": "http://127.0.0.1:9/v1/traces"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "acetylcysteine-cds[tracing]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDS_TRACES_TO", "collector:4318")
    with pytest.raises(ValueError, match="traces_to"):
        Settings()


# ---------------------------------------------------------------- as it really runs


class Loopback(ThreadingHTTPServer):
    """A FHIR server that has nothing on anybody, and a collector."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.collected: list[ExportTraceServiceRequest] = []
        self.traceparents: list[str] = []
        self.posted = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Loopback

    def do_GET(self) -> None:
        self.server.traceparents.append(self.headers.get("traceparent", ""))
        self._send(EMPTY)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted += 1
        if self.path == "/v1/traces":
            self.server.collected.append(ExportTraceServiceRequest.FromString(body))
        self._send(b"")

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test reads what was asked."""


@contextmanager
def loopback() -> Iterator[Loopback]:
    with Loopback() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_what_was_traced_is_sent_before_it_ends(tmp_path: Path) -> None:
    prefetch = without(prefetch_for(BRUNO), "allergyList")
    with loopback() as others, serving(tmp_path, settings={"CDS_TRACES_TO": f"{others.url}/v1/traces"}) as service:
        body = {**request_for(BRUNO, prefetch=prefetch), "fhirServer": f"{others.url}/fhir"}
        assert service.ask(SERVICE, to_bytes(body), {"traceparent": TRACEPARENT})[0] == 200
        service.stop()

    scopes = [scope for one in others.collected for resource in one.resource_spans for scope in resource.scope_spans]
    spans = [span for scope in scopes for span in scope.spans]
    assert {span.name for span in spans} == {"call", "gather", "fetch", "decide", "render"}
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    fetch = next(span for span in spans if span.name == "fetch")
    assert others.traceparents == [f"00-{TRACE}-{fetch.span_id.hex()}-01"]


def test_the_framework_sends_nothing_of_its_own(tmp_path: Path) -> None:
    with loopback() as others:
        own = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": others.url}
        with serving(tmp_path, settings=own) as service:
            assert service.ask(SERVICE, to_bytes(request_for(BRUNO)))[0] == 200
            service.stop()
        assert others.posted == 0


def test_a_collector_that_is_gone_costs_no_answer_and_no_end(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"CDS_TRACES_TO": "http://127.0.0.1:9/v1/traces"}) as service:
        body = to_bytes(request_for(BRUNO))
        assert service.ask(SERVICE, body)[0] == 200
        service.stop()  # fails by its own time-out where it waits for ever
    assert "Traceback" not in service.written()
    assert BRUNO not in service.written()

"""OpenTelemetry traces, where `CDS_TRACES_TO` names a collector: a span for the call and one for each of its steps.

Nothing personal is in a span: names of services, hooks and cards, numbers, and outcomes; never an address, an id of a
patient, or the message of an error. Without the setting neither its SDK nor its exporter is imported.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from starlette.requests import HTTPConnection

from cds_service.errors import CannotStart

_SECONDS_TO_SEND = 2  # for one batch; at the end, the longest that a collector that is gone can delay it


class Span:
    """One step under way. This one is traced by nobody."""

    headers: Mapping[str, str] = {}

    def note(self, **attributes: str | int | list[str]) -> None:
        """Something about the step that is worth reading, and not personal."""


Spans = Callable[[str], AbstractContextManager[Span]]
_NO_SPAN = nullcontext(Span())


def untraced(_name: str) -> AbstractContextManager[Span]:
    """A step that is not traced."""
    return _NO_SPAN


class NoTracing:
    """Where no collector is named."""

    span: Spans = staticmethod(untraced)

    def call(self, _request: HTTPConnection) -> AbstractContextManager[Span]:
        """A call that is not traced."""
        return _NO_SPAN

    def close(self) -> None:
        """Nothing is held back."""


class _Recorded(Span):
    def __init__(self, span: Any, propagator: Any) -> None:
        self._span, self._propagator = span, propagator

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]
        """`traceparent` and `tracestate` of this step."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def note(self, **attributes: str | int | list[str]) -> None:
        """Attributes of the span, all under `cds.`."""
        self._span.set_attributes({f"cds.{name}": value for name, value in attributes.items()})


class Tracing:
    """Spans by OpenTelemetry, whose provider is made here and nowhere set as a global one."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("cds_service")
        self._propagator = TraceContextTextMapPropagator()  # no baggage: it may hold anything
        self._kinds = {"call": SpanKind.SERVER, "fetch": SpanKind.CLIENT}
        self._internal = SpanKind.INTERNAL
        self._failed = lambda error: Status(StatusCode.ERROR, type(error).__name__)

    def call(self, request: HTTPConnection) -> AbstractContextManager[Span]:
        """The span of a whole call, under the one of the client if it sent a `traceparent`."""
        return self._span("call", self._propagator.extract(request.headers))

    def span(self, name: str) -> AbstractContextManager[Span]:
        """The span of a step, under the one that is under way."""
        return self._span(name)

    @contextmanager
    def _span(self, name: str, context: Any = None) -> Iterator[Span]:
        kind = self._kinds.get(name, self._internal)
        with self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Recorded(span, self._propagator)
            except BaseException as error:  # its type alone: a message may hold anything
                span.set_status(self._failed(error))
                raise

    def close(self) -> None:
        """Sends what is held back."""
        self._provider.shutdown()


def start_tracing(collector: str | None) -> Tracing | NoTracing:
    """Tracing to this collector (OTLP over HTTP). Raises `CannotStart` where the extra is not installed."""
    if collector is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise CannotStart(
            "CDS_TRACES_TO is set, and what traces are made with is not installed: "
            "install the extra, pip install 'acetylcysteine-cds[tracing]', or unset CDS_TRACES_TO"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "acetylcysteine-cds"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector, timeout=_SECONDS_TO_SEND)))
    return Tracing(provider)

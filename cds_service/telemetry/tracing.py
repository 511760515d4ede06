"""OpenTelemetry traces, if `CDS_TRACES_TO` names a collector: one span for the call and one for each of its steps.

A span holds names of services, hooks and cards, numbers, and outcomes; never a URL, a patient's id, or the message of
an error. Without the setting, OpenTelemetry is not imported.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from cds_service.errors import CannotStart

_EXPORT_TIMEOUT = 2  # seconds for one batch: a collector that is gone delays the shutdown by no more


class Span:
    """A step of a call. This base class records nothing."""

    headers: Mapping[str, str] = {}

    def note(self, **attributes: str | int | list[str]) -> None:
        """Adds attributes, none of them personal."""


Spans = Callable[[str], AbstractContextManager[Span]]
_NO_SPAN = nullcontext(Span())


def untraced(_name: str) -> AbstractContextManager[Span]:
    """A span that records nothing."""
    return _NO_SPAN


class NoTracing:
    """Stands in for `Tracing` if no collector is named."""

    span: Spans = staticmethod(untraced)

    def call(self, _scope: Scope, *, with_state: bool = False) -> AbstractContextManager[Span]:
        """A span that records nothing."""
        return _NO_SPAN

    def close(self) -> None:
        """Does nothing."""


class _Recorded(Span):
    def __init__(self, span: Any, propagator: Any) -> None:
        self._span, self._propagator = span, propagator

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]
        """`traceparent` and `tracestate`, for requests to other servers."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def note(self, **attributes: str | int | list[str]) -> None:
        """Adds attributes with the prefix `cds.`."""
        self._span.set_attributes({f"cds.{name}": value for name, value in attributes.items()})


class Tracing:
    """Spans of OpenTelemetry. The provider is not set as the global one, so that nothing else is traced."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("cds_service")
        self._propagator = TraceContextTextMapPropagator()  # and not baggage, which may hold anything
        self._kinds = {"call": SpanKind.SERVER, "fetch": SpanKind.CLIENT}
        self._internal = SpanKind.INTERNAL
        self._failed: Callable[[BaseException], Status] = lambda error: Status(StatusCode.ERROR, type(error).__name__)

    def call(self, scope: Scope, *, with_state: bool = False) -> AbstractContextManager[Span]:
        """The span of a call; a child of the client's span if it sent a `traceparent`.

        Its `tracestate` may hold anything, and counts only if `with_state`.
        """
        headers = Headers(scope=scope)
        names = ("traceparent", "tracestate") if with_state else ("traceparent",)
        return self._span("call", self._propagator.extract({name: headers[name] for name in names if name in headers}))

    def span(self, name: str) -> AbstractContextManager[Span]:
        """The span of a step; a child of the current span."""
        return self._span(name)

    @contextmanager
    def _span(self, name: str, context: Any = None) -> Iterator[Span]:
        kind = self._kinds.get(name, self._internal)
        with self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Recorded(span, self._propagator)
            except BaseException as error:  # only its type: the message may hold anything
                span.set_status(self._failed(error))
                raise

    def close(self) -> None:
        """Exports the spans that are left."""
        self._provider.shutdown()


def start_tracing(collector: str | None) -> Tracing | NoTracing:
    """Tracing to the OTLP/HTTP endpoint of a collector. Raises `CannotStart` if the extra is not installed."""
    if collector is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise CannotStart(
            "CDS_TRACES_TO is set, but OpenTelemetry is not installed: "
            "install the extra, pip install 'acetylcysteine-cds[tracing]', or unset CDS_TRACES_TO"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "acetylcysteine-cds"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector, timeout=_EXPORT_TIMEOUT)))
    return Tracing(provider)

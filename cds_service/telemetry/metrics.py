"""Metrics for Prometheus. Every label has a closed set of values; any other value is counted as `other`.

With several workers each writes its metrics to files in one folder, and any of them exposes the sum. `serve` names
the folder in an environment variable before the workers start (`settings.share_metrics`).
"""

import os
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import product
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

KINDS = ("call", "feedback", "discovery", "other")
OUTCOMES = (
    "cards",  # 200 with cards
    "no cards",  # 200 without
    "done",  # any other success
    "invalid",  # 400, and any other 4xx
    "unauthenticated",  # 401, 403
    "not found",  # 404, 405
    "data not obtained",  # 412
    "too large",  # 413
    "busy",  # 429, 503
    "failed",  # any other 5xx
)
FETCHES = ("ok", "late", "unreachable", "status", "compressed", "too large", "unreadable", "busy")
NOT_GATHERED = ("busy", "resting")  # this service had too much to do; the FHIR server rests after failures
PARTS = ("content", "database", "key sets")
AUTHENTICATION_FAILURES = (
    "no token",
    "not one bearer token",
    "too long",
    "not a token",
    "algorithm",
    "header",
    "claims",
    "issuer",
    "tenant",
    "audience",
    "expired",
    "not yet valid",
    "too old",
    "jku",
    "key",
    "key of another kind",
    "signature",
    "replayed",
    "unsure",
)
OTHER = "other"
_ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
_FETCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 1)

disable_created_metrics()  # the time of creation of each counter doubles the series, and nobody needs it


class Metrics:
    """The metrics of one app, in a registry of their own. `folder` is where several workers share them."""

    def __init__(
        self,
        services: Collection[str],
        cards: Collection[str],
        facts: Collection[str],
        folder: Path | None = None,
        clients: Collection[str] = ("open",),
        unread_paths: Collection[str] = (),
    ) -> None:
        self._services, self._card_ids, self._fact_names = frozenset(services), frozenset(cards), frozenset(facts)
        self._clients, self._unread_paths = frozenset(clients), frozenset(unread_paths)
        self._folder = folder
        self._registry = CollectorRegistry()
        self._set_up_requests(self._registry)
        self._set_up_refusals(self._registry)
        self._set_up_fetches(self._registry)
        self._set_up_records(self._registry)
        self._labelled_requests, self._labelled_seconds = cache(self._requests.labels), cache(self._seconds.labels)
        self._start_at_zero()

    def _set_up_requests(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "cds_requests",
            "Requests by kind, service (of calls and feedback) and outcome.",
            ("kind", "service", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "cds_answer_seconds",
            "From the head of a call to the end of its answer, in seconds.",
            ("outcome",),
            buckets=_ANSWER_SECONDS,
            registry=registry,
        )
        self._cards = Counter("cds_cards_shown", "Cards in answers, by their id.", ("card",), registry=registry)
        self._orders = Counter(
            "cds_orders", "Acetylcysteine orders that calls asked about, with or without a card.", registry=registry
        )
        self._silent_cards = Counter(
            "cds_cards_silent",
            "Cards that were decided and not answered, since the site keeps them silent.",
            ("card",),
            registry=registry,
        )
        self._missing_facts = Counter(
            "cds_cannot_tell", "Calls in which a card could not tell for want of a fact.", ("fact",), registry=registry
        )
        self._unread_answers = Counter(
            "cds_answers_not_read", "Connections closed because their answers were not read.", registry=registry
        )

    def _set_up_refusals(self, registry: CollectorRegistry) -> None:
        self._authentication_failures = Counter(
            "cds_authentication_failures", "Requests refused with 401, by reason.", ("reason",), registry=registry
        )
        self._unsure_tokens = Counter(
            "cds_tokens_unsure",
            "Tokens of which the database did not say in time whether another process had seen them.",
            registry=registry,
        )
        self._refused_origins = Counter(
            "cds_origins_refused", "Requests by web pages whose origin may not call.", registry=registry
        )

    def _set_up_fetches(self, registry: CollectorRegistry) -> None:
        self._fetch_seconds = Histogram(
            "cds_fhir_fetch_seconds",
            "Time of one request to a FHIR server, in seconds, by what became of it.",
            ("outcome",),
            buckets=_FETCH_SECONDS,
            registry=registry,
        )
        self._not_gathered = Counter(
            "cds_calls_not_gathered",
            "Calls for which no FHIR server was asked, by client and reason.",
            ("client", "reason"),
            registry=registry,
        )
        self._connections = Gauge(
            "cds_fhir_connections",
            "Open connections to the FHIR servers and key sets of a client.",
            ("client",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._resting = Gauge(
            "cds_fhir_servers_resting",
            "FHIR servers of a client that are not asked for a while, after failures.",
            ("client",),
            registry=registry,
            multiprocess_mode="livemax",
        )

    def _set_up_records(self, registry: CollectorRegistry) -> None:
        self._queue = Gauge(
            "cds_record_queue_depth",
            "Records of shown cards that wait to be stored.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._not_repeated = Counter(
            "cds_cards_not_repeated",
            "Cards left out, since the same user was shown them at selecting, or at an earlier opening of the chart.",
            ("card",),
            registry=registry,
        )
        self._unread_reasons = Counter(
            "cds_feedback_reasons_not_read",
            "Reasons of feedback in a shape that is not known, by client and by the member that they stood in.",
            ("client", "path"),
            registry=registry,
        )
        self._dropped = Counter(
            "cds_records_dropped", "Records of shown cards that were not stored.", registry=registry
        )
        self._up = Gauge(
            "cds_part_up",
            "Whether a part that the service needs is up (1) or not (0).",
            ("part",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def _start_at_zero(self) -> None:
        """Exposes known labels at 0, so that the first increment is visible to alerting rules."""
        for service, outcome in product(self._services, OUTCOMES):
            self._requests.labels("call", service, outcome)
        for reason in AUTHENTICATION_FAILURES:
            self._authentication_failures.labels(reason)
        for card_id in self._card_ids:
            self._cards.labels(card_id)
            self._silent_cards.labels(card_id)
        for client in self._clients:
            self._resting.labels(client).set(0)
            for reason in NOT_GATHERED:
                self._not_gathered.labels(client, reason)

    def count_request(self, kind: str, service: str, outcome: str, seconds: float) -> None:
        """One answered request. Only calls have their seconds observed."""
        kind, outcome = _known_or_other(kind, KINDS), _known_or_other(outcome, OUTCOMES)
        service = _known_or_other(service, self._services) if kind in ("call", "feedback") else ""
        self._labelled_requests(kind, service, outcome).inc()
        if kind == "call":
            self._labelled_seconds(outcome).observe(seconds)

    def count_cards(self, card_ids: Iterable[str]) -> None:
        """The cards of one response."""
        for card_id in card_ids:
            self._cards.labels(_known_or_other(card_id, self._card_ids)).inc()

    def count_orders(self, orders: int) -> None:
        """The acetylcysteine orders of one call."""
        self._orders.inc(orders)

    def count_silent_cards(self, card_ids: Iterable[str]) -> None:
        """The cards of one call that were decided and not answered."""
        for card_id in card_ids:
            self._silent_cards.labels(_known_or_other(card_id, self._card_ids)).inc()

    def count_missing_facts(self, facts: Iterable[str]) -> None:
        """The facts for want of which a card of one call could not tell."""
        for fact in facts:
            self._missing_facts.labels(_known_or_other(fact, self._fact_names)).inc()

    def observe_fetch(self, outcome: str, seconds: float) -> None:
        """One request to a FHIR server."""
        self._fetch_seconds.labels(_known_or_other(outcome, FETCHES)).observe(seconds)

    def count_not_gathered(self, client: str, reason: str) -> None:
        """One call for which no FHIR server was asked."""
        client, reason = _known_or_other(client, self._clients), _known_or_other(reason, NOT_GATHERED)
        self._not_gathered.labels(client, reason).inc()

    def set_connections(self, client: str, connections: int) -> None:
        """The open connections to the servers of a client."""
        self._connections.labels(_known_or_other(client, self._clients)).set(connections)

    def set_resting(self, client: str, servers: int) -> None:
        """How many FHIR servers of a client rest."""
        self._resting.labels(_known_or_other(client, self._clients)).set(servers)

    def count_authentication_failure(self, reason: str) -> None:
        """One request that was answered with 401."""
        self._authentication_failures.labels(_known_or_other(reason, AUTHENTICATION_FAILURES)).inc()

    def count_unsure_token(self) -> None:
        """One token of which it is not known whether another process has seen it."""
        self._unsure_tokens.inc()

    def count_unread_answer(self) -> None:
        """One connection that was closed because its answer was not read."""
        self._unread_answers.inc()

    def count_not_repeated(self, card_ids: Iterable[str]) -> None:
        """Cards that one answer leaves out, since the same user was shown them before."""
        for card_id in card_ids:
            self._not_repeated.labels(_known_or_other(card_id, self._card_ids)).inc()

    def count_unread_reasons(self, client: str, unread: Mapping[str, int]) -> None:
        """Reasons of one batch of feedback that could not be read, by where they stood."""
        client = _known_or_other(client, self._clients)
        for path, count in unread.items():
            self._unread_reasons.labels(client, _known_or_other(path, self._unread_paths)).inc(count)

    def count_refused_origin(self) -> None:
        """One request by a web page whose origin may not call."""
        self._refused_origins.inc()

    def set_queue_depth(self, depth: int) -> None:
        """How many records of shown cards wait to be written."""
        self._queue.set(depth)

    def count_dropped_records(self, dropped: int = 1) -> None:
        """Counts records of shown cards that were dropped."""
        self._dropped.inc(dropped)

    def set_part_up(self, part: str, up: bool) -> None:
        """Whether one of `PARTS` is up."""
        self._up.labels(_known_or_other(part, PARTS)).set(up)

    def set_database_up(self, is_up: bool) -> None:
        """Whether the database is up."""
        self.set_part_up("database", is_up)

    def exposition(self) -> bytes:
        """Every metric in Prometheus' text format, summed over the workers if there are several."""
        if self._folder is None:
            return generate_latest(self._registry)
        _mark_dead_workers(self._folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))
        return generate_latest(registry)


def _known_or_other(value: str, known: Collection[str]) -> str:
    return value if value in known else OTHER


def _mark_dead_workers(folder: Path) -> None:
    """Drops the live gauges of workers that are gone; their counters stay."""
    for file in folder.glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        try:
            os.kill(int(pid), 0)  # signal 0 only asks whether the process exists
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))

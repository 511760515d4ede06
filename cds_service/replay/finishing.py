"""Writes the report of a replay into its folder, and what shows patient data into files of its own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cds_service.replay.explaining import ExplainedCall, explain_calls
from cds_service.replay.page import explained_page, report_page
from cds_service.replay.report import DecisionsTable, Facts, Report, write_private
from cds_service.replay.running import Replayed
from cds_service.replay.tallying import Sample, Tally
from cds_service.replay.tasks import Setup, contents_of

_SAMPLE_LEAD = (
    "Calls chosen by chance, some of each card and some without any. For each, judge whether what was shown, or that "
    "nothing was shown, was right for this patient at that moment."
)
_COMPARISON_LEAD = "Calls whose answer is another one, up to 20 of each kind, chosen by chance."
UNDATED_RULES = {
    "known": "an entry without a date of its recording counts as known at the time",
    "unknown": "an entry without a date of its recording is left out, and its list counts as incomplete",
}


@dataclass(frozen=True)
class Wanted:
    """What is to be written beside the report."""

    sample: int = 0
    keep_ids: bool = False


def write_report(replayed: Replayed, setup: Setup, other: str, out: Path, wanted: Wanted) -> Report:
    """Writes the report with all that is wanted beside it. Raises `OSError`."""
    content = contents_of(setup).deciding.content
    tally, sample, digest = Tally(), Sample(wanted.sample), hashlib.sha256()
    with DecisionsTable(out, wanted.keep_ids) as table:
        for outcome in replayed.outcomes:
            for call in outcome.calls:
                tally.add(call)
                table.add(call)
                if wanted.sample:
                    sample.add(call)
                digest.update(msgspec.json.encode(call) + b"\n")
    facts = Facts(content.version, _describe_export(replayed), _describe_rules(setup), other)
    report = Report(facts, tally, replayed.all_counts, digest.hexdigest())
    (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report.as_plain()), indent=2) + b"\n")
    (out / "report.html").write_text(report_page(report, content), encoding="utf-8")
    _write_explained(replayed, setup, tally, sample, out)
    return report


def _describe_export(replayed: Replayed) -> dict[str, object]:
    return {
        "resource types": list(replayed.types),
        "patients with an order for acetylcysteine": replayed.patients,
    }


def _describe_rules(setup: Setup) -> dict[str, str]:
    return {
        "status": "active, completed, stopped, on-hold and cancelled orders count as ordered when they were written; "
        "those of one encounter, or without one of one minute, are one call at the moment of the last of them",
        "date without a time": "counts until the end of that day (UTC)",
        "undated entries": UNDATED_RULES[setup.undated],
        "resource types": "one that is not in the export was not sent: it is unknown, never none",
        "period": f"{setup.first or 'the beginning'} to {setup.last or 'the end'}",
    }


def _write_explained(replayed: Replayed, setup: Setup, tally: Tally, sample: Sample, out: Path) -> None:
    """The sample and the examples of a comparison, explained: they show patient data."""
    chosen = sample.chosen() if sample.size else []
    examples = tally.comparison.examples
    keys = {*chosen, *(key for kind in examples.values() for key in kind)}
    if not keys:
        return
    calls = (call for outcome in replayed.outcomes for call in outcome.calls)
    wanted = {call.key: call.patient for call in calls if call.key in keys}
    explained = explain_calls(wanted, replayed.segments, setup, replayed.types, replayed.places)
    if chosen:
        groups = {"Calls": _each(chosen, explained)}
        write_private(out / "sample.html", explained_page("A sample to review", _SAMPLE_LEAD, groups))
    if setup.compares:
        by_kind = {kind.capitalize(): _each(listed, explained) for kind, listed in examples.items()}
        write_private(out / "comparison.html", explained_page("What changes", _COMPARISON_LEAD, by_kind))


def _each(keys: Sequence[str], explained: dict[str, ExplainedCall]) -> list[ExplainedCall]:
    return [explained[key] for key in keys if key in explained]

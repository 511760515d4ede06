"""Rejected results, each with the reason, so that none is ignored silently."""

from collections.abc import Iterator, Sequence
from datetime import date

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.labs.results import AnalyteResults, RejectedResult, sample_time_of, value_as_sent
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.json import Coding, names, shorten

SOME = "some"
_ANALYTE_LISTS = ("glutamate", "cystine", "glutamine", "amino-acid-panels")
_LOOKALIKES = "glutamate-lookalikes"
_MOST_SHOWN = 3


def read_rejected_results(analytes: Sequence[AnalyteResults], chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Rejected glutamate and cystine results, and results that only have such a name, as the lines of a card."""
    rejected = list_rejected_results(analytes, chart, vocabulary)
    if not rejected:
        return absent("none")
    lines = [result.describe() for result in rejected[:_MOST_SHOWN]]
    if len(rejected) > _MOST_SHOWN:
        lines.append(f"and {len(rejected) - _MOST_SHOWN} more")
    return known(SOME, tuple(Origin(result.reference, result.reason) for result in rejected), list=tuple(lines))


def list_rejected_results(
    analytes: Sequence[AnalyteResults], chart: Chart, vocabulary: Vocabulary
) -> list[RejectedResult]:
    """Every rejected result of the analytes, and every result that only has such a name; newest first."""
    rejected = [result for results in analytes for result in results.rejected]
    rejected += list(dict.fromkeys(_named_alike(chart, vocabulary)))
    return sorted(sorted(rejected, key=RejectedResult.describe), key=_day, reverse=True)


def _day(result: RejectedResult) -> date:
    return result.moment.day if result.moment else date.min


def _named_alike(chart: Chart, vocabulary: Vocabulary) -> Iterator[RejectedResult]:
    """Results that have the name of glutamate or cystine but no code of any analyte."""
    words = vocabulary.name_lists["amino-acid-words"]
    others = [
        (element, coded)
        for coded, elements in chart.get(queries.AMINO_ACIDS).elements_by_codings.items()
        if not _is_listed(coded, vocabulary)
        for element in elements
    ]
    for source, coded in sorted(others):
        code = source.element.get("code")
        if words.included_in(code) is None:
            continue
        rows = vocabulary.code_lists[_LOOKALIKES].rows_of(coded)
        reason = f"its code means {rows[0].term}" if rows else "it has no code that this service reads"
        moment = sample_time_of(source.element, source.resource)
        sent = value_as_sent(source.element)
        yield RejectedResult(f"“{shorten(names(code)[0])}”", reason, source.reference, moment, sent=sent)


def _is_listed(codings: Sequence[Coding], vocabulary: Vocabulary) -> bool:
    return any(vocabulary.code_lists[name].rows_of(codings) for name in _ANALYTE_LISTS)

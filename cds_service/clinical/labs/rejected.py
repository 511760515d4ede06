"""Results that were seen and not used: each is named with its reason, so that none is passed over in silence."""

from collections.abc import Iterator, Sequence
from datetime import date

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.labs.results import Readings, Unused, moment_of
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.json import Coding, names, shortened

SOME = "some"
_LISTS = ("glutamate", "cystine", "glutamine", "amino-acid-panels")
_LOOKALIKES = "glutamate-lookalikes"
_SHOWN = 3


def unused_results(readings: Sequence[Readings], chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Refused glutamate and cystine results, and results that are only named like them; newest first."""
    listed = list_unused(readings, chart, vocabulary)
    if not listed:
        return absent("none")
    said = [one.say() for one in listed[:_SHOWN]]
    if len(listed) > _SHOWN:
        said.append(f"and {len(listed) - _SHOWN} more")
    return known(SOME, tuple(Origin(one.name, one.reason) for one in listed), list=tuple(said))


def list_unused(readings: Sequence[Readings], chart: Chart, vocabulary: Vocabulary) -> list[Unused]:
    """Each result that was seen and not used, newest first."""
    found = [one for reading in readings for one in reading.unused]
    found += list(dict.fromkeys(_named_alike(chart, vocabulary)))
    return sorted(sorted(found, key=Unused.say), key=_day, reverse=True)


def _day(one: Unused) -> date:
    return one.moment.day if one.moment else date.min


def _named_alike(chart: Chart, vocabulary: Vocabulary) -> Iterator[Unused]:
    """Results whose text says glutamate or cystine and whose code does not."""
    words = vocabulary.name_lists["amino-acid-words"]
    by_codes = chart.get(queries.AMINO_ACIDS).by_codes
    strange = [(part, coded) for coded, parts in by_codes.items() if not _is_known(coded, vocabulary) for part in parts]
    for one, coded in sorted(strange):
        if words.included_in(one.part.get("code")) is None:
            continue
        rows = vocabulary.code_lists[_LOOKALIKES].rows_of(coded)
        label = shortened(names(one.part.get("code"))[0])
        reason = f"its code means {rows[0].term}" if rows else "it has no code that this service reads"
        yield Unused(f"“{label}”", reason, one.name, moment_of(one.part, one.whole))


def _is_known(codings: Sequence[Coding], vocabulary: Vocabulary) -> bool:
    return any(vocabulary.code_lists[name].rows_of(codings) for name in _LISTS)

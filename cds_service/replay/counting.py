"""Counts by kind and key, which add up over blocks, buckets and machines in any order."""

from collections import Counter
from collections.abc import Mapping

PASSED_OVER, FOUND_BY, VERSIONS, UNDATED, NOT_REBUILT = (
    "passed over",
    "found by",
    "FHIR versions",
    "undated",
    "cannot be rebuilt",
)
LOOKALIKES, UNITS, RANGES, UNUSED, DOSES = (
    "codes not read",
    "units not read",
    "results without a range",
    "results not used",
    "doses not worked out",
)


class Counts:
    """How often something was seen: for each kind of thing a number by key."""

    def __init__(self, by_kind: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self._by_kind: dict[str, Counter[str]] = {}
        for kind, numbers in (by_kind or {}).items():
            self._by_kind[kind] = Counter(numbers)

    def add(self, kind: str, key: str, number: int = 1) -> None:
        """Counts a key of a kind."""
        self._by_kind.setdefault(kind, Counter())[key] += number

    def merge(self, other: "Counts") -> None:
        """Adds the counts of another part of the work."""
        for kind, numbers in other._by_kind.items():
            self._by_kind.setdefault(kind, Counter()).update(numbers)

    def of(self, kind: str) -> dict[str, int]:
        """The numbers of a kind, the largest first, then by key."""
        return dict(sorted(self._by_kind.get(kind, Counter()).items(), key=lambda item: (-item[1], item[0])))

    def as_plain(self) -> dict[str, dict[str, int]]:
        """All counts as plain values."""
        return {kind: self.of(kind) for kind in sorted(self._by_kind)}

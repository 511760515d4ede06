"""A site's own reference intervals. None are built in."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.guidance.model import Content
from cds_service.site.rows import IntervalRow


def with_intervals(content: Content, rows: Iterable[IntervalRow]) -> Content:
    """The content with these intervals; unchanged if there are none."""
    by_analyte: dict[str, list[SiteInterval]] = defaultdict(list)
    for row in rows:
        by_analyte[row.analyte].append(SiteInterval(row.low, row.high, row.sex, row.from_years, row.to_years))
    if not by_analyte:
        return content
    intervals = {analyte: tuple(listed) for analyte, listed in by_analyte.items()}
    return replace(content, vocabulary=replace(content.vocabulary, site_intervals=intervals))

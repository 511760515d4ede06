"""Review pages: made from the content, complete, and known to be stale when they are."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from cds_service.content.checking import check_review_dates
from cds_service.content.review import review_pages, stale_pages, write_pages
from tests.reviews import as_signed
from tests.support import CONTENT, ROOT

PAGES = review_pages(CONTENT, ROOT / "fixtures")
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("card", CONTENT.cards, ids=lambda card: card.id)
def test_a_page_holds_all_that_is_reviewed(card) -> None:  # type: ignore[no-untyped-def]
    page = PAGES[f"{card.id}.md"]

    for row in card.when:
        assert row.say() in page
        assert row.because in page
    for example in CONTENT.examples[card.id]:
        assert f"| {example.name} | {example.expect} |" in page
    for name in card.all_sources:
        assert CONTENT.sources[name].supports in page
        assert CONTENT.sources[name].verified in page
    assert card.review.written_by in page
    assert CONTENT.status_of(card.id) in page


def test_a_page_that_was_changed_missing_or_left_over_is_stale(tmp_path: Path) -> None:
    write_pages(PAGES, tmp_path)
    changed, missing, *_ = sorted(PAGES)
    (tmp_path / changed).write_text("changed", encoding="utf-8")
    (tmp_path / missing).unlink()
    (tmp_path / "gone.md").write_text("a card that is gone", encoding="utf-8")

    assert stale_pages(PAGES, tmp_path) == sorted([changed, missing, "gone.md"])


def test_writing_again_leaves_nothing_stale(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("a card that is gone", encoding="utf-8")

    write_pages(PAGES, tmp_path)

    assert stale_pages(PAGES, tmp_path) == []


@pytest.mark.parametrize(
    ("days", "lines", "mistakes"),
    [(-1, 0, 1), (0, 1, 0), (60, 1, 0), (61, 0, 0)],
    ids=["past", "today", "in 60 days", "in 61 days"],
)
def test_a_review_is_warned_of_for_60_days_and_then_fails(days: int, lines: int, mistakes: int) -> None:
    content = as_signed(CONTENT, 1, TODAY + timedelta(days=days))
    report = check_review_dates(content, TODAY)

    assert (len(report.lines), len(report.mistakes)) == (lines, mistakes)


def test_a_draft_has_no_review_date_to_keep() -> None:
    report = check_review_dates(CONTENT, TODAY + timedelta(days=10_000))

    assert (report.lines, report.mistakes) == ([], [])

"""Somebody goes through the days of a chart: by keyboard, on a phone, and without scripts."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, shoot
from tests.browser.test_pages import findings, is_wider_than_its_window

GRETA = "/try?patient=greta-on-treatment"


def day_of(page: Page) -> str:
    """The day on which the chart is shown, as a screen reader says it."""
    return str(page.get_by_label("The chart as of").get_attribute("aria-valuetext"))


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_days_of_a_chart_by_keyboard(size: str, base: str, look: Open, shots: Path) -> None:
    looking = look(size)
    page = looking.page
    page.goto(f"{base}{GRETA}")
    slider, medications = page.get_by_label("The chart as of"), page.locator(".record div", has_text="Medications")
    assert day_of(page).endswith(", today")
    page.get_by_label("Dose").fill("900")

    slider.focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**&day=-36")

    assert day_of(page).endswith(", 5 weeks and 1 day ago")
    expect(page.get_by_role("status")).to_contain_text(day_of(page).partition(",")[0])
    assert slider.evaluate("slider => slider === document.activeElement")
    assert page.get_by_role("button", name="Sign the order").is_hidden()
    assert page.get_by_text("An order is written today.").is_visible()
    assert "Acetylcysteine" in medications.inner_text()
    shoot(page, shots / f"past-day-{size}.png", full_page=True)
    assert findings(looking) == []
    assert not is_wider_than_its_window(looking)

    page.keyboard.press("Home")
    expect(medications).to_contain_text("none on record")
    shoot(page, shots / f"first-day-{size}.png", full_page=True)
    page.keyboard.press("End")
    expect(medications).to_contain_text("Acetylcysteine")
    page.wait_for_url("**&day=0")

    assert page.get_by_label("Dose").input_value() == "900"
    assert page.get_by_role("button", name="Sign the order").is_visible()
    assert page.get_by_text("An order is written today.").is_hidden()
    assert [address for address in looking.requests if not address.startswith(f"{base}/")] == []
    assert looking.complaints == []


def test_the_last_of_several_days_is_shown(base: str, look: Open) -> None:
    """Answers to days that were passed over do not come later and replace it."""
    page = look().page
    page.goto(f"{base}{GRETA}")

    page.get_by_label("The chart as of").focus()
    for key in ("PageDown", "PageDown", "ArrowLeft", "PageUp"):
        page.keyboard.press(key)
        page.wait_for_timeout(160)
    page.wait_for_url("**&day=-8")

    expect(page.get_by_role("status")).to_contain_text(day_of(page).partition(",")[0])


def test_days_with_a_card_lead_to_it(base: str, look: Open, shots: Path) -> None:
    looking = look()
    page = looking.page
    page.goto(f"{base}{GRETA}")

    page.locator(".time li a").first.click()

    assert page.locator("#chart article.card").count() > 0
    shoot(page, shots / "day-with-a-card-desktop.png", full_page=True)
    assert findings(looking) == []


def test_a_day_is_chosen_without_scripts(base: str, look: Open) -> None:
    page = look(java_script_enabled=False).page
    page.goto(f"{base}{GRETA}")

    page.get_by_label("The chart as of").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Show this day").click()

    assert "weeks" in day_of(page)
    assert "none on record" in page.locator(".record div", has_text="Medications").inner_text()
    assert page.get_by_role("button", name="Sign the order").is_hidden()
    page.get_by_role("link", name="Back to today").click()
    assert page.get_by_role("button", name="Sign the order").is_visible()

"""The pages in a browser: accessible, quiet, small, usable without a mouse, readable on a phone and on paper."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Looking, Open

PAGES = {
    "home": "/",
    "guidance": "/guidance",
    "card": "/guidance/glutamate-high",
    "suggestions": "/guidance/suggestions",
    "evidence": "/guidance/evidence",
    "code-list": "/guidance/code-lists/kidney-disease",
    "decision-table": "/guidance/decision-table",
    "source-attributes": "/source-attributes",
    "interface": "/docs",
    "chart": "/try?patient=greta-on-treatment",
    "chart-unused": "/try?patient=liam-old-result",
    "nothing": "/guidance/no-such-card",
}
MOST = 110_000  # bytes that a page and what it loads may transfer
SERIOUS = ("serious", "critical")


def findings(looking: Looking) -> list[str]:
    """What axe-core finds to be serious or worse, and where."""
    found = Axe().run(looking.page).response["violations"]
    assert Axe().run(looking.page).response["passes"], "axe-core looked at nothing"
    return [f"{one['id']}: {node['html'][:120]}" for one in found if one["impact"] in SERIOUS for node in one["nodes"]]


def is_wider_than_its_window(looking: Looking) -> bool:
    return bool(looking.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def transferred(looking: Looking) -> int:
    """The bytes of the page and of all that it loaded, with their headers."""
    entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    return int(looking.page.evaluate(f"{entries}.reduce((sum, one) => sum + one.transferSize, 0)"))


def first_paint(looking: Looking) -> float:
    """Milliseconds to the first contentful paint."""
    entry = "performance.getEntriesByName('first-contentful-paint')[0]"
    return float(looking.page.evaluate(f"{entry} ? {entry}.startTime : -1"))


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, size: str, base: str, look: Open, shots: Path) -> None:
    looking = look(size)

    looking.page.goto(base + PAGES[name], wait_until="load")
    looking.page.screenshot(path=shots / f"{name}-{size}.png", full_page=True)
    bytes_, paint = transferred(looking), first_paint(looking)
    with (shots / "figures.txt").open("a", encoding="utf-8") as figures:
        figures.write(f"{name} {size}: {bytes_} bytes, first paint {paint:.0f} ms\n")

    assert [one for one in looking.requests if not one.startswith(f"{base}/")] == []
    assert [one for one in looking.complaints if "404" not in one or name != "nothing"] == []
    assert findings(looking) == []
    assert not is_wider_than_its_window(looking)
    assert bytes_ < MOST


def test_swagger_ui_shows_the_interface_and_sends_its_example_to_this_host_alone(
    base: str, look: Open, shots: Path
) -> None:
    looking = look()
    page = looking.page
    page.goto(f"{base}/docs/swagger")

    page.locator(".opblock-post").first.locator(".opblock-control-arrow").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="200").first.wait_for()
    page.screenshot(path=shots / "swagger-desktop.png", full_page=True)

    assert "Allergy to acetylcysteine on record" in page.locator(".live-responses-table").inner_text()
    assert [one for one in looking.requests if not one.startswith((f"{base}/", "data:"))] == []
    assert looking.complaints == []


@pytest.mark.parametrize("name", ["home", "card", "decision-table", "chart"])
def test_a_page_in_the_dark(name: str, base: str, look: Open, shots: Path) -> None:
    looking = look(color_scheme="dark")

    looking.page.goto(base + PAGES[name])
    looking.page.screenshot(path=shots / f"{name}-dark.png", full_page=True)

    assert findings(looking) == []


def test_axe_finds_what_is_wrong(base: str, look: Open) -> None:
    looking = look(bypass_csp=True)
    looking.page.goto(base)

    looking.page.evaluate("document.querySelectorAll('label').forEach((one) => one.remove())")

    assert any(one.startswith("label") for one in findings(looking))


def test_the_policy_stops_a_script_that_got_into_a_page(base: str, look: Open) -> None:
    looking = look()
    looking.page.goto(base)

    looking.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hurt = 1\">')")
    looking.page.wait_for_timeout(200)

    assert looking.page.evaluate("window.hurt") is None
    assert any("Content Security Policy" in one for one in looking.complaints)


def test_the_decision_table_is_searched_while_typing(base: str, look: Open) -> None:
    page = look().page
    page.goto(base + PAGES["decision-table"])
    everything = page.locator("tbody tr:visible").count()

    page.get_by_label("Show rows that hold").fill("nitroglycerin warning")

    rows = page.locator("tbody tr:visible")
    assert 0 < rows.count() < everything
    assert all("nitroglycerin" in text.lower() for text in rows.all_inner_texts())
    assert page.locator("#count").inner_text().startswith(f"{rows.count()} of {everything}")


def test_an_address_is_copied(base: str, look: Open) -> None:
    page = look(permissions=["clipboard-read", "clipboard-write"]).page
    page.goto(base)

    page.get_by_role("button", name="Copy the address of Discovery").click()

    page.get_by_text(f"Copied: {base}/cds-services").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{base}/cds-services"


def test_the_first_tab_leads_past_the_menu(base: str, look: Open) -> None:
    page = look().page
    page.goto(base)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("name", ["card", "source-attributes"])
def test_a_page_on_paper(name: str, base: str, look: Open, shots: Path) -> None:
    page = look().page
    page.goto(base + PAGES[name])
    page.emulate_media(media="print")

    page.pdf(path=shots / f"{name}.pdf", format="A4")

    assert (shots / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert not page.locator(".top").is_visible()
    assert page.locator("h1").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"

"""The pages in a browser: accessible, quiet, small, usable without a mouse, readable on a phone and on paper."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Looking, Open, shoot

PAGES = {
    "home": "/",
    "guidance": "/guidance",
    "card": "/guidance/glutamate-high",
    "card-about-treatment": "/guidance/new-risk",
    "suggestions": "/guidance/suggestions",
    "evidence": "/guidance/evidence",
    "code-list": "/guidance/code-lists/kidney-disease",
    "decision-table": "/guidance/decision-table",
    "source-attributes": "/source-attributes",
    "interface": "/docs",
    "guides": "/guides",
    "guide": "/guides/integrating",
    "guide-with-a-picture": "/guides/performance",
    "set-up-sheets": "/setup",
    "set-up-sheet": "/setup/open",
    "patients": "/try",
    "chart": "/try?patient=greta-on-treatment",
    "chart-past": "/try?patient=greta-on-treatment&day=-70",
    "chart-unused": "/try?patient=liam-old-result",
    "nothing": "/guidance/no-such-card",
    "not-opened": "/explain",
}
MOST = 110_000  # bytes that a page and what it loads may transfer
WRONG = ("nothing", "not-opened", "set-up-sheet")  # of which the browser complains; the sheet has no icon


def findings(looking: Looking) -> list[str]:
    """What axe-core finds, and where."""
    found = Axe().run(looking.page).response["violations"]
    assert Axe().run(looking.page).response["passes"], "axe-core looked at nothing"
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


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
    shoot(looking.page, shots / f"{name}-{size}.png", full_page=True)
    bytes_, paint = transferred(looking), first_paint(looking)
    with (shots / "figures.txt").open("a", encoding="utf-8") as figures:
        figures.write(f"{name} {size}: {bytes_} bytes, first paint {paint:.0f} ms\n")

    assert [one for one in looking.requests if not one.startswith(f"{base}/")] == []
    assert [one for one in looking.complaints if "Failed to load" not in one or name not in WRONG] == []
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
    shoot(page, shots / "swagger-desktop.png", full_page=True)

    assert "Allergy to acetylcysteine on record" in page.locator(".live-responses-table").inner_text()
    assert [one for one in looking.requests if not one.startswith((f"{base}/", "data:"))] == []
    assert looking.complaints == []


@pytest.mark.parametrize("name", ["home", "card", "decision-table", "chart"])
def test_a_page_in_the_dark(name: str, base: str, look: Open, shots: Path) -> None:
    looking = look(color_scheme="dark")

    looking.page.goto(base + PAGES[name])
    shoot(looking.page, shots / f"{name}-dark.png", full_page=True)

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
    with_heading = "row => `${row.closest('details').querySelector('summary').textContent} ${row.textContent}`"
    assert all("nitroglycerin" in row.evaluate(with_heading).lower() for row in rows.all())
    assert page.locator("#count").inner_text().startswith(f"{rows.count()} of {everything}")


def test_a_code_list_is_searched_while_typing(base: str, look: Open) -> None:
    page = look("phone").page
    page.goto(base + PAGES["code-list"])

    page.get_by_label("Show rows that hold").fill("N18.3 stage 3")

    rows = page.locator("tbody tr:visible").all_inner_texts()
    assert rows
    assert all("N18.3" in row for row in rows)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_an_empty_search_says_so_and_the_sections_come_back(size: str, base: str, look: Open) -> None:
    page = look(size).page
    page.goto(base + PAGES["decision-table"])
    search, sections = page.get_by_label("Show rows that hold"), page.locator("details.fold:visible")
    before = [section.get_attribute("open") for section in sections.all()]

    search.fill("no row holds this")
    assert page.locator("#count").inner_text().startswith("No row holds all these words")
    assert sections.count() == 0
    search.fill("nitroglycerin")
    assert page.locator("tbody tr:visible").count() > 0
    search.fill("")

    assert page.locator("#count").inner_text() == ""
    assert [section.get_attribute("open") for section in sections.all()] == before


FOLDING = ["guide", "card", "suggestions", "evidence", "decision-table", "source-attributes"]


@pytest.mark.parametrize("name", FOLDING)
def test_sections_are_folded_on_a_phone_and_open_on_a_desk(name: str, base: str, look: Open) -> None:
    phone, desktop = look("phone").page, look("desktop").page
    for page in (phone, desktop):
        page.goto(base + PAGES[name])

    folds = desktop.locator("details.fold").count()
    assert folds > 0
    assert desktop.locator("details.fold[open]").count() == folds
    assert phone.locator("details.fold[open]").count() == 0
    assert phone.evaluate("document.documentElement.scrollHeight") < 4_000
    phone.locator("details.fold > summary").first.click()
    assert phone.locator("details.fold[open] > :not(summary)").first.is_visible()


@pytest.mark.parametrize("name", FOLDING)
def test_without_scripts_every_section_is_open(name: str, base: str, look: Open) -> None:
    page = look("phone", java_script_enabled=False).page
    page.goto(base + PAGES[name])

    assert page.locator("details.fold").count() == page.locator("details.fold[open]").count() > 0


def test_printing_opens_what_is_folded_and_folds_it_again(base: str, look: Open, shots: Path) -> None:
    page = look("phone").page
    page.goto(base + PAGES["card"])
    count_closed = "document.querySelectorAll('details.fold:not([open])').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.closedOnPaper = {count_closed} }})")

    page.pdf(path=shots / "card-from-a-phone.pdf", format="A4")

    assert page.evaluate("window.closedOnPaper") == 0
    assert page.evaluate(count_closed) > 0


def test_an_address_inside_a_folded_section_opens_it(base: str, look: Open) -> None:
    page = look("phone").page
    page.goto(base + PAGES["evidence"])
    source = page.locator("dl.sources dt").first.get_attribute("id")

    page.goto(f"{base}{PAGES['evidence']}#{source}")
    assert page.locator(f"#{source}").is_visible()
    page.goto("about:blank")
    page.goto(f"{base}{PAGES['evidence']}#{source}")
    assert page.locator(f"#{source}").is_visible()


def test_an_address_is_copied(base: str, look: Open) -> None:
    page = look(permissions=["clipboard-read", "clipboard-write"]).page
    page.goto(base)

    page.get_by_role("button", name="Copy the address of Discovery").click()

    page.get_by_text(f"Copied: {base}/cds-services").wait_for()
    assert page.get_by_role("button", name="Copied the address of Discovery").is_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{base}/cds-services"


def test_an_address_that_cannot_be_copied_is_selected(base: str, look: Open) -> None:
    page = look().page
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(base)

    page.get_by_role("button", name="Copy the address of Discovery").click()

    page.get_by_text("Not copied").wait_for()
    assert page.evaluate("getSelection().toString()") == f"{base}/cds-services"


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

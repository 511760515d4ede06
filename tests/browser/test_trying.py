"""Somebody tries the service: by mouse, by keyboard, with hostile names; what they do reaches the service."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.browser.conftest import Open, shoot
from tests.browser.test_pages import findings, is_wider_than_its_window
from tests.loopback import serving
from tests.support import FIXTURES

HOSTILE = "<img src=x onerror=\"document.title='hurt'\"><script>document.title='hurt'</script>"


def answer(page: Page) -> str:
    return str(page.locator("section.answer").inner_text())


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_an_order_a_suggestion_and_a_card_set_aside(size: str, base: str, look: Open, shots: Path) -> None:
    looking = look(size)
    page = looking.page
    page.goto(f"{base}/try")

    page.get_by_role("link", name="allergic to acetylcysteine", exact=False).first.click()
    page.get_by_role("link", name="Choose another patient").click()
    page.get_by_role("link", name="Ines Valdorna").click()
    shoot(page, shots / f"chart-of-ines-{size}.png", full_page=True)
    page.get_by_role("button", name="Sign the order for Ines Valdorna").click()
    shoot(page, shots / f"answer-{size}.png", full_page=True)
    assert "Allergy to acetylcysteine on record" in answer(page)
    assert page.locator("article.card").first.get_attribute("class") == "card critical"
    assert findings(looking) == []

    page.get_by_label("Override reason").select_option(index=1)
    page.get_by_role("button", name="Set aside").click()
    shoot(page, shots / f"set-aside-{size}.png", full_page=True)
    assert "Feedback was sent" in answer(page)
    assert "Set aside." in page.locator("article.card").first.inner_text()
    assert findings(looking) == []

    page.goto(f"{base}/try?patient=alma-glutamate-high")
    page.get_by_role("button", name="Sign the order").click()
    page.get_by_role("button", name="Order plasma amino acids in 8 weeks").click()
    assert "Plasma amino acids, due" in answer(page)
    assert not is_wider_than_its_window(looking)
    assert [one for one in looking.requests if not one.startswith(f"{base}/")] == []
    assert looking.complaints == []


def test_a_dose_that_is_taken_over_is_in_the_form(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=alma-glutamate-high")
    page.get_by_role("button", name="Sign the order").click()

    page.get_by_role("button", name="Set to 1,200 mg twice daily").click()

    assert page.get_by_label("Dose").input_value() == "1200"
    assert "Dose 2,400 mg per day" in answer(page)
    page.get_by_text("Request", exact=True).click()
    assert '"value": 1200' in page.locator("details", has_text="Request").locator("pre").inner_text()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_dose_is_checked_where_it_is_typed(size: str, base: str, look: Open, shots: Path) -> None:
    looking = look(size)
    page = looking.page
    page.goto(f"{base}/try?patient=alma-glutamate-high")

    page.get_by_label("Dose").fill("600,5")
    page.get_by_role("button", name="Sign the order").click()
    shoot(page, shots / f"not-a-dose-{size}.png")
    assert page.get_by_label("Dose").input_value() == "600,5"
    assert page.get_by_text("A comma can separate thousands or decimals").is_visible()
    assert page.locator("section.answer").count() == 0
    assert findings(looking) == []
    assert not is_wider_than_its_window(looking)

    page.get_by_label("Dose").fill("600.5")
    page.get_by_role("button", name="Sign the order").click()
    assert "600.5 mg" in answer(page)


def test_a_typed_drug_selects_by_name_and_a_chosen_one_takes_the_typed_name_away(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=alma-glutamate-high")
    drug, written = page.get_by_label("Drug", exact=True), page.get_by_label("Drug as written")

    written.fill("Fluimucil")
    assert drug.input_value() == "by-name"
    written.fill("")
    assert drug.input_value() == "capsule-600"
    written.fill("Fluimucil")
    drug.select_option("tablet-500")

    assert written.input_value() == ""


def test_the_button_says_what_the_hook_is(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=alma-glutamate-high")

    page.get_by_label("When the EHR asks").select_option("order-select")

    assert page.get_by_role("button", name="Select the order").is_visible()


def test_silence_is_explained(base: str, look: Open, shots: Path) -> None:
    looking = look()
    page = looking.page
    page.goto(f"{base}/try?patient=alma-glutamate-high")

    page.get_by_label("Drug", exact=True).select_option("amoxicillin")
    page.get_by_role("button", name="Sign the order").click()
    shoot(page, shots / "silence-desktop.png", full_page=True)

    assert "No card. No acetylcysteine order among 1 order." in answer(page)
    assert findings(looking) == []


def test_everything_on_try_works_without_scripts(base: str, look: Open) -> None:
    page = look(java_script_enabled=False).page
    page.goto(f"{base}/try")

    page.get_by_role("link", name="Alma Quillmere").click()
    page.get_by_label("Drug as written").fill("carbocisteine")
    page.get_by_role("button", name="Sign the order").click()

    assert "carbocisteine: 600 mg" in answer(page)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_why_it_says_that(size: str, base: str, look: Open, shots: Path) -> None:
    looking = look(size)
    page = looking.page
    page.goto(f"{base}/try?patient=alma-glutamate-high")
    page.get_by_role("button", name="Sign the order").click()

    page.get_by_role("button", name="Why it says that").click()
    shoot(page, shots / f"explain-{size}.png", full_page=True)

    assert page.get_by_role("heading", name="Plasma glutamate high: advise").is_visible()
    assert "168 µmol/L" in page.locator("main").inner_text()
    assert findings(looking) == []
    assert not is_wider_than_its_window(looking)
    assert looking.complaints == []


def test_everything_is_done_without_a_mouse(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=ines-allergic")

    def tab_to(text: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.innerText || ''")
            if text in focused:
                return
        raise AssertionError(f"Tab never reaches {text}")

    tab_to("Sign the order")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What the service says").wait_for()
    tab_to("Remove the acetylcysteine order")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.get_by_text("No order is left").wait_for()

    assert outline == "solid"


def test_the_keyboard_goes_on_at_the_answer(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=ines-allergic")
    page.get_by_role("button", name="Sign the order").click()
    page.get_by_role("heading", name="What the service says").wait_for()

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('section.answer') !== null")


def test_hostile_names_do_nothing(tmp_path: Path, look: Open) -> None:
    (tmp_path / "patients").mkdir()
    bundle = json.loads((FIXTURES / "patients" / "ines-allergic.json").read_text(encoding="utf-8"))
    for entry in bundle["entry"]:
        resource = entry["resource"]
        resource["name"] = [{"text": HOSTILE}] if resource["resourceType"] == "Patient" else None
        if resource["name"] is None:
            del resource["name"]
            resource["code"]["text"] = HOSTILE
    (tmp_path / "patients" / "ines.json").write_text(json.dumps(bundle), encoding="utf-8")
    looking = look()
    page = looking.page
    with serving(create_app(Settings(demo=True, fixtures=tmp_path))) as address:
        page.goto(f"{address}/try")
        page.get_by_role("link", name=HOSTILE).click()
        page.get_by_label("Drug as written").fill(f"NAC {HOSTILE}")
        page.get_by_label("Reason as written").fill(HOSTILE)
        page.get_by_role("button", name="Sign the order").click()
        page.get_by_role("heading", name="What the service says").wait_for()

        assert page.locator("#chart-title").inner_text().startswith(HOSTILE)
        assert page.get_by_label("Drug as written").input_value() == f"NAC {HOSTILE}"
        page.get_by_role("button", name="Why it says that").click()
        page.get_by_role("heading", name="Why it says that").wait_for()

    assert page.title().startswith("Why it says that")
    assert page.locator("img").count() == 0
    assert looking.complaints == []

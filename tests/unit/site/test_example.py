"""The example of a site file is one: as it stands, and with everything in it that is commented out."""

import re
from pathlib import Path

from tests.command import run_command
from tests.support import CONTENT, ROOT

EXAMPLE = ROOT / "site.example.toml"


def printed(file: Path, folder: Path) -> list[str]:
    clients = folder / "clients.toml"
    text = (ROOT / "clients.example.toml").read_text(encoding="utf-8").replace(".example/", ".example.org/")
    clients.write_text(text[: text.rindex("[[client]]")], encoding="utf-8")
    done = run_command("site", settings={"CDS_SITE": str(file), "CDS_CLIENTS": str(clients)})
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_it_shows_no_draft(tmp_path: Path) -> None:
    lines = printed(EXAMPLE, tmp_path)
    about_orders, off = CONTENT.order_cards, len(CONTENT.treatment_cards)
    silent_drafts = f"{len(about_orders)} silent (all because they are drafts)"
    sum_of_cards = f"{len(CONTENT.cards)} cards: 0 on, {silent_drafts}, {off} off."
    assert lines[:2] == ["Site file: site.example.toml", sum_of_cards]
    assert lines[2].startswith("Signatures: ")
    assert lines[2].endswith(" (there is no such file: nobody has signed)")
    silent = "  silent: because it is a draft, and the file says that drafts are silent"
    first = lines.index(f"{about_orders[0].id} (draft)")
    assert lines[first : first + len(about_orders) + 1] == [*(f"{card.id} (draft)" for card in about_orders), silent]
    first = lines.index(f"{CONTENT.treatment_cards[0].id} (draft)")
    switched_off = [*(f"{card.id} (draft)" for card in CONTENT.treatment_cards), "  off: because no row switches it on"]
    assert lines[first : first + off + 1] == switched_off
    assert "No codes of the site." in lines
    assert "No reference intervals." in lines


def test_everything_that_is_commented_out_holds(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[\[|[a-z_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "site.toml").write_text(text.replace('drafts = "silent"', 'drafts = "show"'), encoding="utf-8")
    lines = printed(tmp_path / "site.toml", tmp_path)
    row = "because “Cards are shown at signing only, until the first review.” (decided by"
    assert lines[1].endswith(" not the same for every hook and client.")
    assert any(line.startswith(f"  silent for order-select by example-ehr: {row}") for line in lines)
    others = "order-select by every other client, order-sign by every other client, order-sign by example-ehr"
    assert (
        f"  on for medication-prescribe by every other client, medication-prescribe by example-ehr, {others}" in lines
    )
    code = "urn:oid:2.16.840.1.113883.3.9999.1|GLUTAM-P means http://loinc.org|20642-5 (glutamate)"
    assert f"  {code}; without a unit, in umol/L" in lines
    assert any(line.startswith("  plasma amino acids are ordered as urn:oid:") for line in lines)
    assert "  glutamate 10 to 120 umol/L, female, from 18 years, to 120 years (laboratory handbook, 2026)" in lines


def test_without_a_file_it_says_what_is_in_force() -> None:
    first, signatures, services = run_command("site").output.splitlines()
    assert first == "No site file: CDS_SITE is not set. Every card about orders is on, drafts too."
    assert signatures.startswith("Signatures: ")
    assert "acetylcysteine-order-sign (on)" in services
    assert "acetylcysteine-medication-verify (off), acetylcysteine-monitoring (off)" in services


def test_it_says_who_signed_and_warns_of_a_card_that_speaks_without_the_safety_cards(tmp_path: Path) -> None:
    site, signatures = tmp_path / "site.toml", tmp_path / "signed.toml"
    site.write_text('drafts = "silent"\nsignatures = "signed.toml"\n', encoding="utf-8")
    settings = {"CDS_SITE": str(site)}
    for name in ("Dr A", "Dr B"):
        run_command("sign", "dose-above-studied", "--name", name, "--role", "physician", settings=settings)
    lines = run_command("site", settings=settings).output.splitlines()
    assert lines[1].startswith(f"{len(CONTENT.cards)} cards: 1 on, ")
    safety_cards = "acetylcysteine-hypersensitivity, glutamine-contraindicated, screening-incomplete"
    assert lines[2].startswith("Warning: other cards are shown, and not these.")
    assert lines[2].endswith(f": {safety_cards}.")
    assert lines[3] == f"Signatures: {signatures}"
    assert lines[lines.index("dose-above-studied (signed by Dr A and Dr B)") + 1] == "  on"

    written = signatures.read_text(encoding="utf-8")
    signatures.write_text(written.replace('\nwords = "', '\nwords = "0'), encoding="utf-8")
    lines = run_command("site", settings=settings).output.splitlines()
    assert len([line for line in lines if line.startswith("  dose-above-studied: the signature of Dr ")]) == len("AB")
    assert "dose-above-studied (draft, void since it changed: the signature of Dr A and Dr B)" in lines


def test_a_folder_that_is_missing_is_said_by_who_signs(tmp_path: Path) -> None:
    file = str(tmp_path / "nowhere" / "signed.toml")
    signing = ("sign", "dose-above-studied", "--name", "Dr A", "--role", "physician", "--signatures", file)
    assert run_command(*signing).output.startswith("Not signed: there is no folder ")

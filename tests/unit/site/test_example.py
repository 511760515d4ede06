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
    assert lines[:2] == ["Site file: site.example.toml", "Cards that are drafts are silent."]
    drafts = CONTENT.drafts
    silent = "  silent: because it is a draft, and the file says that drafts are silent"
    for card in drafts:
        assert lines[lines.index(f"{card} (draft)") + 1] == silent
    assert "No codes of the site." in lines
    assert "No reference intervals." in lines


def test_everything_that_is_commented_out_holds(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[\[|[a-z_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "site.toml").write_text(text.replace('drafts = "silent"', 'drafts = "show"'), encoding="utf-8")
    lines = printed(tmp_path / "site.toml", tmp_path)
    row = "because “Cards are shown at signing only, until the first review.” (decided by"
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
    assert run_command("site").output == "No site file: CDS_SITE is not set. Every card is on, drafts too.\n"

"""Every command block of every document can be pasted: it is run by `make docs-check`, or says what it needs."""

import re
import subprocess

import pytest

from tests.docs.blocks import BLOCKS, COMMAND_LANGUAGES, COMMANDS, NEEDS, TAGS, Block
from tests.support import ROOT

CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
BY_HAND = {"bench", "mutants", "fix", "golden", "pages", "audit", "sbom", "lock", "clean", "build", "fuzz", "pictures"}


def test_every_command_block_is_found() -> None:
    assert {block.name.partition(":")[0] for block in COMMANDS} >= {"README.md", "docs/operating.md", "docs/records.md"}
    assert [block.name for block in BLOCKS if block.language in COMMAND_LANGUAGES and block.language != "sh"] == []
    assert [block.name for block in BLOCKS if not block.language] == []


def test_the_fences_of_every_document_are_pairs() -> None:
    for document in {block.document for block in BLOCKS}:
        fences = re.findall(r"^ *(?:```|~~~)", document.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * sum(block.document == document for block in BLOCKS), document


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.name)
def test_a_block_says_whether_it_is_run_and_is_a_script(block: Block) -> None:
    assert block.tag in TAGS
    parsed = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.name)
def test_the_command_is_called_where_it_was_installed(block: Block) -> None:
    assert not re.search(r"(?<![\w./-])cds-service(?= )", _without_comments(block)), "write .venv/bin/cds-service"


def test_a_document_with_the_command_says_that_it_takes_a_checkout() -> None:
    for document in {block.document for block in COMMANDS if ".venv/bin/cds-service" in block.text} - {
        ROOT / "README.md"
    }:
        before, _, _ = document.read_text(encoding="utf-8").partition(".venv/bin/cds-service")
        assert "checkout" in before, document


@pytest.mark.parametrize("block", [block for block in COMMANDS if "make " in block.text], ids=lambda block: block.name)
def test_what_make_is_asked_for_exists_and_is_run_by_ci(block: Block) -> None:
    targets = set(re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE))
    assert targets <= TARGETS
    unrun = {target for target in targets if f"\nmake {target}\n" not in CI and f"make {target}\n" not in CI}
    assert unrun - BY_HAND <= {"run"}, "CI has no step for it"


def test_every_reason_is_used_or_removed() -> None:
    assert {block.need for block in COMMANDS if block.need} <= set(NEEDS)


def _without_comments(block: Block) -> str:
    return re.sub(r"(^|\s)#.*$", "", block.text, flags=re.MULTILINE)

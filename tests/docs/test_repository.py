"""The files around the code agree with it: changelog, citation, issue form, workflow."""

import re
from typing import Any

import yaml

from cds_service import __version__
from tests.support import CONTENT, ROOT


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_newest_section_of_the_changelog_is_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) \((unreleased|\d{4}-\d{2}-\d{2})\)$", changelog, re.MULTILINE)

    assert newest is not None
    assert newest[1] == __version__


def test_the_citation_names_this_version() -> None:
    citation = load("CITATION.cff")

    assert citation["version"] == __version__
    assert {"cff-version", "message", "title", "authors", "license"} <= citation.keys()


def test_a_review_can_be_filed_for_every_card() -> None:
    fields = {field.get("id"): field for field in load(".github/ISSUE_TEMPLATE/guidance-review.yml")["body"]}

    assert fields["card"]["attributes"]["options"] == sorted(card.id for card in CONTENT.cards)


def test_the_workflow_runs_all_checks_with_actions_of_a_known_major_version() -> None:
    (job,) = load(".github/workflows/ci.yml")["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []

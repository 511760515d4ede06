"""The command blocks of the documents. What follows `sh` in the info string says how a block is checked:

```sh                   is run as it stands, in a copy of the repository; the blocks of a document in order
```sh starts=service    starts the service, which serves until the end of the document
```sh with=service      is run while the service serves; one in demo mode if the document has not started it
```sh needs=minutes     is not run but parsed, and listed with the reason; `NEEDS` has them all
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

NEEDS = {
    "minutes": "takes minutes; `.ci/run` runs its `make` targets as steps of their own",
    "internet": "reaches servers of others",
    "docker": "needs a container engine",
    "cluster": "needs a Kubernetes cluster",
    "export": "needs an export of a hospital's records",
    "release": "publishes a release",
}
TAGS = {"", "starts=service", "with=service", *(f"needs={need}" for need in NEEDS)}
COMMAND_LANGUAGES = ("sh", "bash", "console", "shell", "zsh", "shell-session")
_FENCE = re.compile(r"^( *)(```+|~~~+)(.*?)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_MADE_HERE = {"mutants", "dist", "node_modules"}


def find_documents() -> list[Path]:
    """Every document of the repository; none of what was installed or made in it."""
    found = (path for path in ROOT.rglob("*.md") if not _MADE_HERE & set(path.relative_to(ROOT).parts))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language, what follows it, and its text."""

    document: Path
    line: int
    language: str
    tag: str
    text: str

    @property
    def name(self) -> str:
        """Where it is, with its tag."""
        return f"{self.document.relative_to(ROOT)}:{self.line} {self.tag}".rstrip()

    @property
    def need(self) -> str:
        """What is lacking to run it here; empty if it is run."""
        return self.tag.removeprefix("needs=") if self.tag.startswith("needs=") else ""


def blocks_of(document: Path) -> list[Block]:
    """Every fenced block of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(document, text.count("\n", 0, match.start()) + 1, *_split(match[3]), _dedent(match[4], match[1]))
        for match in _FENCE.finditer(text)
    ]


def _split(info: str) -> tuple[str, str]:
    language, _, tag = info.strip().partition(" ")
    return language, tag.strip()


def _dedent(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


DOCUMENTS = find_documents()
BLOCKS = [block for document in DOCUMENTS for block in blocks_of(document)]
COMMANDS = [block for block in BLOCKS if block.language == "sh"]

"""The guides of the repository's `docs/` as pages, so that a hospital reads those of the version that it runs.

Links between guides lead to their pages, links to the review pages to `/guidance`. What else a guide links to is in the
repository alone, and the page says so.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Response
from markdown_it.token import Token
from markupsafe import Markup

from cds_service.pages.markup import Pages, new_parser

_IMAGES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
_REVIEW_PAGES = "guidance"  # rendered from the content instead
_INDEX = "README.md"
_MARKS = re.compile(r"^<!--[^\n]*-->\n", re.MULTILINE)  # for programs that write a part of a guide
_NO_LETTERS = re.compile(r"[^\w\- ]")
_HEADING = 3  # tokens of a heading: its opening, its words and its end
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Section:
    """What follows a second-level heading: its id, its words, and the HTML below it."""

    identity: str
    words: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide as a page: what precedes its first section, and its sections, which fold."""

    title: str
    html: Markup
    sections: Sequence[Section]


class Guides:
    """Renders the guides in a folder; each once, since they never change at run time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {_name_of(path): path for path in self._find(".md")}
        self._images = frozenset(path for ending in _IMAGES for path in self._find(ending))
        self._parser = new_parser(_may_be_linked, "image")
        self._rendered: dict[str, Guide] = {}

    def _find(self, ending: str) -> list[str]:
        found = (path.relative_to(self._folder).as_posix() for path in sorted(self._folder.rglob(f"*{ending}")))
        return [path for path in found if not path.startswith(f"{_REVIEW_PAGES}/")]

    def all(self) -> list[tuple[str, str]]:
        """Address and title of each, those of the folder itself first."""
        names = sorted(self._files, key=lambda name: (self._files[name].count("/"), self._files[name] != _INDEX, name))
        return [(f"/guides/{name}", self.find(name).title) for name in names]

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def find(self, name: str) -> Guide:
        """A guide by its name: its path without `.md`. Raises `KeyError`."""
        if name not in self._rendered:
            self._rendered[name] = self._render(self._files[name])
        return self._rendered[name]

    def image(self, path: str) -> tuple[bytes, str] | None:
        """An image and its media type; None if no guide has it."""
        if path not in self._images:
            return None
        return (self._folder / path).read_bytes(), _IMAGES[posixpath.splitext(path)[1]]

    def _render(self, path: str) -> Guide:
        text = _MARKS.sub("", (self._folder / path).read_text(encoding="utf-8"))
        tokens = self._parser.parse(text)
        headings = {identity: (tag, words) for tag, identity, words in _set_ids(tokens)}
        for token in tokens:
            if token.children:
                token.children = list(self._with_links(token.children, path))
        title = next((words for tag, words in headings.values() if tag == "h1"), path)
        before, *parts = _split_at_sections(tokens)
        identities = [str(part[0].attrGet("id")) for part in parts]
        sections = [
            Section(identity, headings[identity][1], self._write(part[_HEADING:]))
            for identity, part in zip(identities, parts, strict=True)
        ]
        return Guide(title, self._write(before), sections)

    def _write(self, tokens: Sequence[Token]) -> Markup:
        return Markup(self._parser.renderer.render(tokens, self._parser.options, {}))  # noqa: S704  # raw HTML is off

    def _with_links(self, tokens: Sequence[Token], path: str) -> Iterator[Token]:
        """The tokens of a paragraph, with links that lead somewhere on this service, and without all others."""
        unserved, words = "", ""
        for token in tokens:
            words += token.content
            if token.type == "image":
                yield self._image(token, path)
            elif token.type == "link_open" and (address := self._address(str(token.attrGet("href")), path)) is None:
                unserved, words = _in_repository(str(token.attrGet("href")), path), ""
            elif token.type == "link_open":
                token.attrSet("href", str(address))
                yield token
            elif token.type == "link_close" and unserved:
                said = "in the repository" if words == unserved else f"{unserved} in the repository"
                yield Token("text", "", 0, content=f" ({said})")
                unserved = ""
            else:
                yield token

    def _image(self, token: Token, path: str) -> Token:
        source = _resolve(str(token.attrGet("src")), path)
        if source not in self._images:
            return Token("text", "", 0, content=token.content)
        token.attrSet("src", f"/guides/{source}")
        return token

    def _address(self, href: str, path: str) -> str | None:
        """Where a link of a guide leads on this service; None if what it names is not served."""
        if urlsplit(href).scheme or href.startswith("#"):
            return href
        file, mark, fragment = href.partition("#")
        target = _resolve(file, path)
        if posixpath.dirname(target) == _REVIEW_PAGES:
            name = _name_of(target)
            return f"/{name}{mark}{fragment}"
        return f"/guides/{_name_of(target)}{mark}{fragment}" if target in self._files.values() else None


def make_router(pages: Pages, folder: Path) -> APIRouter:
    """`/guides`, and below it each guide and the images in them."""
    guides = Guides(folder)
    router = APIRouter(include_in_schema=False)

    @router.get("/guides")
    async def all_guides() -> Response:
        """The titles of all guides."""
        return pages.page("guides.html", path="/guides", guides=guides.all())

    @router.get("/guides/{name:path}")
    async def one_guide(name: str) -> Response:
        """One guide, or an image of one."""
        if name in guides:
            return pages.page("guide.html", path=f"/guides/{name}", guide=guides.find(name))
        if (image := guides.image(name)) is not None:
            return pages.file(*image)
        raise HTTPException(404)

    return router


def _name_of(path: str) -> str:
    """`records` for records.md, and `decisions` for decisions/README.md."""
    return posixpath.dirname(path) if posixpath.basename(path) == _INDEX and "/" in path else path.removesuffix(".md")


def _resolve(href: str, path: str) -> str:
    """The path in the folder of what a guide links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), href))


def _in_repository(href: str, path: str) -> str:
    return posixpath.normpath(f"docs/{_resolve(href, path)}")


def _may_be_linked(url: str) -> bool:
    """A page of another host by https, a guide, or the reader's own machine."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK and not parts.username
    return parts.scheme in ("", "https") and bool(parts.netloc) == bool(parts.scheme) and not parts.username


def _split_at_sections(tokens: Sequence[Token]) -> list[list[Token]]:
    """What precedes the first second-level heading, and each of these headings with what follows it."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.type == "heading_open" and token.tag == "h2":
            parts.append([])
        parts[-1].append(token)
    return parts


def _set_ids(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Gives each heading the id that links to it use; yields its tag, id and words."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(child.content for child in inline.children or [])
            identity = _NO_LETTERS.sub("", words.lower()).replace(" ", "-")
            opening.attrSet("id", identity)
            yield opening.tag, identity, words

"""Templates: the texts of the content, with holes that facts and phrases fill."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

_HOLE = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)\}")


class Template(msgspec.Struct, frozen=True):
    """The words of a text, one piece before, between and after its holes, and the names of the holes."""

    words: tuple[str, ...]
    holes: tuple[str, ...]

    def fill(self, value_of: Callable[[str], str]) -> str:
        """The text, each hole filled with the value of its name."""
        filled = [self.words[0]]
        for hole, words in zip(self.holes, self.words[1:], strict=True):
            filled += (value_of(hole), words)
        return "".join(filled)


@lru_cache(maxsize=1024)  # a content has some hundred texts, and each card that is shown needs several of them
def parse_template(text: str) -> Template:
    """The template of a text: `{fact.text}`, `{phrase}`, `{orders}` or `{content.version}` is a hole."""
    parts = _HOLE.split(text)
    return Template(tuple(parts[::2]), tuple(parts[1::2]))


def replace_holes(text: str, values: Mapping[str, str]) -> str:
    """The text with the holes of these names filled; the others stay."""
    return parse_template(text).fill(lambda hole: values.get(hole, f"{{{hole}}}"))

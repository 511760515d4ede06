"""A hospital that has its own code for everything."""

from cds_service.fhir.json import Coding
from cds_service.fhir.quantities import ACCEPTED, conversion_factor
from cds_service.fhir.systems import UCUM, canonical_system
from tests.support import CONTENT, Body, Json

LOCAL = "urn:x-hospital:codes"


def code_row(code: str, means: str, **keys: str) -> str:
    """A `[[code]]` row."""
    written = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f'[[code]]\nsystem = "{LOCAL}"\ncode = "{code}"\nmeans = "{means}"\n{written}'


def is_read(coding: Coding) -> bool:
    """Whether the service knows the code by itself."""
    is_unit = coding.system == UCUM and any(conversion_factor(kind, coding.code) is not None for kind in ACCEPTED)
    return is_unit or any(listed.find(coding) for listed in CONTENT.vocabulary.code_lists.values())


class Hospital:
    """Rewrites bodies in codes of its own, without any name beside them, and keeps what they mean."""

    def __init__(self) -> None:
        self.codes: dict[Coding, str] = {}

    def rewrite(self, value: Json, *, own_codes: bool) -> Json:
        """The value in its own codes, or, to compare with, in ours; in either case without a name beside a code."""
        if isinstance(value, list):
            return [self.rewrite(item, own_codes=own_codes) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("system") == UCUM and value.get("code") == "d":  # FHIR requires UCUM of a duration
            return value
        nameless = {name: inner for name, inner in value.items() if not (name == "text" and "coding" in value)}
        rewritten = {name: self.rewrite(inner, own_codes=own_codes) for name, inner in nameless.items()}
        is_coded = isinstance(value.get("code"), str) and "system" in value
        return self._code(rewritten, own_codes) if is_coded else rewritten

    def _code(self, coded: Body, own_codes: bool) -> Body:
        coding = Coding(canonical_system(coded["system"]), coded["code"])
        kept = {name: value for name, value in coded.items() if name not in ("display", "unit")}
        if not is_read(coding):
            return coded
        own = self.codes.setdefault(coding, f"C{len(self.codes)}")
        return {**kept, "system": LOCAL, "code": own} if own_codes else kept

    @property
    def rows(self) -> list[str]:
        """The `[[code]]` rows that say what the codes mean that it has used."""
        return [code_row(own, f"{coding.system}|{coding.code}") for coding, own in self.codes.items()]

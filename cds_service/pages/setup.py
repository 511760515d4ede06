"""The set-up sheet of a client: one page with everything that an EHR analyst types in by hand, to be printed.

Some EHRs never read discovery. The sheet is made of the same values that the service works with, for one client.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from cds_service.api.networks import require_network
from cds_service.api.runtime import Runtime
from cds_service.auth.clients import OPEN, Client
from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS, QUERIES
from cds_service.fhir.scopes import smart_scopes
from cds_service.guidance.model import PATIENT_VIEW, Card
from cds_service.guidance.override_reasons import CATEGORIES
from cds_service.hooks.cards import Discovery, Service
from cds_service.hooks.dialects import STANDARD, camel_case
from cds_service.pages.markup import Pages, policy_with_style

_TEMPLATE, _STYLE = "setup-sheet.html", "setup-sheet.css"
_LOCAL = "http://127.0.0.1:8000"  # where the service listens if nothing else is said
_OLD_HOOK = "medication-prescribe"  # deprecated; EHRs of today have the other two
Sheet = Mapping[str, Any]


def make_router(runtime: Runtime, pages: Pages) -> APIRouter:
    """`/setup` and a page for each client. They name clients: only those who may read `/metrics` may read them."""
    router = APIRouter(include_in_schema=False)
    networks = runtime.settings.metrics_from

    @router.get("/setup")
    async def clients(request: Request) -> Response:
        """The clients, each with its sheet."""
        require_network(request, networks)
        return pages.page("setup.html", path="/setup", names=sheet_names(runtime))

    @router.get("/setup/{name}")
    async def sheet(name: str, request: Request) -> Response:
        """The sheet of one client."""
        require_network(request, networks)
        if name not in sheet_names(runtime):
            raise HTTPException(404)
        html, policy = render_sheet(runtime, pages, name)
        return pages.file(html.encode(), "text/html; charset=utf-8", policy=policy)

    return router


def sheet_names(runtime: Runtime) -> list[str]:
    """The clients that have a sheet; `open` where no clients are listed."""
    return [client.name for client in _listed(runtime)] or [OPEN]


def render_sheet(runtime: Runtime, pages: Pages, name: str) -> tuple[str, str]:
    """The sheet of a client as HTML that needs no other file, and the Content-Security-Policy under which it works."""
    style = pages.render(_STYLE)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return pages.render(_TEMPLATE, style=_STYLE, **sheet_of(runtime, name)), policy_with_style(digest)


def _listed(runtime: Runtime) -> Sequence[Client]:
    return runtime.authenticator.clients if runtime.authenticator else ()


def sheet_of(runtime: Runtime, name: str) -> Sheet:
    """What the sheet of a client says."""
    client = next((client for client in _listed(runtime) if client.name == name), None)
    base_url = runtime.settings.public_url or _LOCAL
    offered = msgspec.json.decode(runtime.discovery[name], type=Discovery).services
    return {
        "name": name,
        "client": client,
        "cds_hooks": client.cds_hooks if client else "2.0",
        "dialect": client.dialect if client else STANDARD,
        "settings": runtime.settings,
        "discovery": f"{base_url}/cds-services",
        "services": _services(offered, f"{base_url}/cds-services/"),
        "prefetch": _prefetch(offered),
        "scopes": smart_scopes(_asked(offered)),
        "resources": sorted({QUERIES[key].resource_type for key in _asked(offered)} | {"Medication"}),
        "topics": _topics(_cards(runtime, offered), client),
        "not_shown": _not_shown(runtime, name, [service.hook for service in offered]),
        "cards": len(_cards(runtime, offered)),
        "topic_system": runtime.content.about.topic_system,
        "reasons": _reasons(runtime),
        "reason_system": runtime.content.about.override_system,
    }


def _services(offered: Sequence[Service], below: str) -> list[Mapping[str, str]]:
    """The services, each with the address that it is below; the deprecated hook comes last."""
    services = sorted(offered, key=lambda service: service.hook == _OLD_HOOK)
    return [{"id": service.id, "hook": service.hook, "below": below} for service in services]


def _prefetch(offered: Sequence[Service]) -> list[Mapping[str, Any]]:
    """Every key with its query, and the hooks that ask for it where not all do."""
    templates = {key: template for service in offered for key, template in (service.prefetch or {}).items()}
    hooks = {key: [service.hook for service in offered if key in (service.prefetch or {})] for key in templates}
    return [
        {
            "key": key,
            "query": templates[key],
            "label": QUERIES[key].label,
            "optional": QUERIES[key].optional,
            "only": "" if len(hooks[key]) == len(offered) else " and ".join(hooks[key]),
        }
        for key in QUERIES
        if key in templates
    ]


def _asked(offered: Sequence[Service]) -> Sequence[str]:
    """The keys of what may be asked of the FHIR server, whatever is prefetched."""
    return FOR_TREATMENTS if any(service.hook == PATIENT_VIEW for service in offered) else FOR_ORDERS


def _cards(runtime: Runtime, offered: Sequence[Service]) -> Sequence[Card]:
    """The cards that are asked at one of the hooks."""
    asked = {card.id for service in offered for card in runtime.content.cards_at(service.hook)}
    return [card for card in runtime.content.cards if card.id in asked]


def _topics(cards: Sequence[Card], client: Client | None) -> list[Mapping[str, str]]:
    """The cards by the code that the client sees, each with the highest indicator that it can have."""
    is_camel = client is not None and client.dialect.topic_code == "camel"
    order = ("critical", "warning", "info")
    return [
        {
            "code": camel_case(card.id) if is_camel else card.id,
            "title": card.title,
            "highest": min((row.level for row in card.indicator), key=order.index),
        }
        for card in cards
    ]


def _not_shown(runtime: Runtime, name: str, hooks: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """The cards that the site file keeps from a client at some hook, by id, each with where it is silent or off."""
    found = {}
    for card in runtime.content.cards:
        asked = [hook for hook in hooks if card in runtime.content.cards_at(hook)]
        by_hook = {hook: runtime.site.modes_for(hook, name).by_card.get(card.id) for hook in asked}
        kept = {hook: mode.mode for hook, mode in by_hook.items() if mode is not None and mode.mode != "on"}
        if kept:
            is_alike = len(kept) == len(asked) and len(set(kept.values())) == 1
            where = ", ".join(f"{mode} at {hook}" for hook, mode in kept.items())
            found[card.id] = {"title": card.title, "how": next(iter(kept.values())) if is_alike else where}
    return found


def _reasons(runtime: Runtime) -> list[Mapping[str, str]]:
    return [
        {
            "code": reason.code,
            "display": reason.display,
            "category": f"{reason.category} ({CATEGORIES[reason.category]})" if reason.category else "none fits",
        }
        for reason in runtime.content.override_reasons.values()
    ]

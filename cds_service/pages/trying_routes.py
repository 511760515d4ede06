"""The routes of the demo: the small EHR, and why the service answered it so. There only in demo mode."""

from dataclasses import replace
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
from fastapi import APIRouter, Request, Response

from cds_service.answering import answer
from cds_service.api.bodies import Bodies
from cds_service.content.explaining import explain
from cds_service.errors import CdsServiceError, DataNotObtained, InvalidRequest
from cds_service.hooks.cards import to_json
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import read_request
from cds_service.pages import trying
from cds_service.pages.charting import draw
from cds_service.pages.ordering import LISTS, say_draft
from cds_service.pages.trying import HOOKS, Demo, Visit

_SERVICE_OF = {hook: identity for identity, hook in SERVICES.items()}

router = APIRouter(include_in_schema=False)


@router.get("/try")
async def open_chart(request: Request) -> Response:
    """The chart of somebody, and an order that is not placed yet."""
    demo = _demo(request)
    try:
        visit = demo.read_visit(dict(request.query_params))
    except InvalidRequest as error:
        return _problem(request, error)
    return _show(request, demo, replace(visit, drafts=(), response=None))


@router.post("/try")
async def act(request: Request) -> Response:
    """What was clicked: place the order, take a suggestion, or set a card aside."""
    demo = _demo(request)
    try:
        form = await _form(request)
        return await _act(request, demo, demo.read_visit(form), form)
    except CdsServiceError as error:
        return _problem(request, error)


async def _act(request: Request, demo: Demo, visit: Visit, form: dict[str, str]) -> Response:
    what, *numbers = form.get("do", "order").split()
    where = [int(one) if one.isascii() and one.isdecimal() and len(one) < 4 else -1 for one in numbers] + [-1, -1]
    if what == "take":
        body = trying.accepted(visit, where[0], where[1], demo.now)
        visit = trying.taken(visit, where[0], where[1], request.app.state.new_id)
        return await _ask(request, demo, visit, await _send(request, visit.hook, body))
    if what == "override":
        body = trying.overridden(visit, where[0], form.get(f"reason-{where[0]}", ""), demo.now)
        sent = await _send(request, visit.hook, body)
        return _show(request, demo, visit, feedback=sent, set_aside=where[0])
    return await _ask(request, demo, demo.with_new_order(visit), None)


@router.post("/explain")
async def explanation(request: Request) -> Response:
    """Each card, each condition, and what was found, for the order on /try."""
    demo, state = _demo(request), request.app.state
    try:
        visit = demo.read_visit(await _form(request))
        body = demo.request(visit, state.new_id())
        answered = await answer(read_request(body, visit.hook), state.content, demo.now, state.new_id)
    except CdsServiceError as error:
        return _problem(request, error)
    return state.pages.page("explain.html", path="/explain", visit=visit, orders=explain(answered), now=demo.now)


async def _ask(request: Request, demo: Demo, visit: Visit, feedback: dict[str, Any] | None) -> Response:
    """Calls the service as an EHR would, and shows what it answers."""
    instance = request.app.state.new_id()
    body = demo.request(visit, instance)
    status, raw, milliseconds = await _post(request, f"/cds-services/{_SERVICE_OF[visit.hook]}", body)
    visit = replace(visit, instance=instance, response=trying.read_response(raw) if status == 200 else None)
    failed = "" if status == 200 else f"{status}: {trying.outcome_text(raw)}"
    return _show(request, demo, visit, feedback=feedback, milliseconds=milliseconds, failed=failed, asked=True)


async def _send(request: Request, hook: str, body: bytes) -> dict[str, Any]:
    """Sends feedback as an EHR would; what was sent, and the status of the answer."""
    status, _, _ = await _post(request, f"/cds-services/{_SERVICE_OF[hook]}/feedback", body)
    return {"status": status, "sent": _pretty(body)}


async def _post(request: Request, path: str, body: bytes) -> tuple[int, bytes, float]:
    """A call of this very service, through everything that a call from outside goes through but the network."""
    transport = httpx.ASGITransport(app=request.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=str(request.base_url)) as client:
        started = perf_counter()
        reply = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        return reply.status_code, reply.content, round((perf_counter() - started) * 1000, 1)


def _show(request: Request, demo: Demo, visit: Visit, **more: Any) -> Response:
    chart = demo.chart(visit.patient)
    sent = demo.request(visit, visit.instance) if visit.instance else b""
    shown = {"feedback": None, "milliseconds": None, "failed": "", "asked": False, "set_aside": -1, **more}
    return request.app.state.pages.page(
        "try.html",
        path="/try",
        visit=visit,
        people=demo.people,
        person=next(one for one in demo.people if one.id == visit.patient),
        hooks=HOOKS,
        lists=LISTS,
        drafts=[say_draft(one) for one in visit.drafts],
        chart=trying.summary_of(chart),
        drawings=draw(chart, request.app.state.content.vocabulary, demo.now),
        sent=_pretty(sent) if sent else "",
        response=_pretty(to_json(visit.response)) if visit.response else "",
        **shown,
    )


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()


def _problem(request: Request, error: CdsServiceError) -> Response:
    missing = error.missing if isinstance(error, DataNotObtained) else {}
    return request.app.state.pages.page("problem.html", 400, path="/try", problem=str(error), missing=missing)


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form. A page of another origin may not send it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise InvalidRequest("form", "comes from another site")
    bodies: Bodies = request.app.state.bodies
    body = await bodies.read(request, request.app.state.settings.max_body_bytes)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))


def _demo(request: Request) -> Demo:
    state = request.app.state
    return Demo(state.demo, state.content, state.now())

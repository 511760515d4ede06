"""The pages of demo mode: a small EHR at `/try`, and `/explain`, which shows why a card was shown."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from cds_service.answering import Answer, answer
from cds_service.api.runtime import Runtime
from cds_service.auth.clients import OPEN
from cds_service.content.explaining import explain
from cds_service.content.silence import explain_silence
from cds_service.demo.patients import load_sentences
from cds_service.errors import CdsServiceError, DataNotObtained, InvalidRequest
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.json import Resource
from cds_service.guidance.deciding import ADVISE
from cds_service.hooks.cards import to_json
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import PATIENT_VIEW, HookRequest, read_request
from cds_service.pages import trying
from cds_service.pages.looking_back import TODAY, Timeline
from cds_service.pages.markup import Pages
from cds_service.pages.ordering import CHOICES, describe_draft
from cds_service.pages.trying import HOOKS, MAX_FORM, Demo, Visit

_MAX_FIELDS = 100
_MAX_ACTION = 40  # characters of what a button sends
_NOTHING_SHOWN = {
    "feedback": None,
    "milliseconds": None,
    "error": "",
    "silence": "",
    "called": False,
    "unsent": False,
    "overridden": -1,
    "withheld": (),
}
_SERVICE_IDS = {hook: service_id for service_id, hook in SERVICES.items()}


def make_router(runtime: Runtime, pages: Pages, resources: Sequence[Resource], service: ASGIApp) -> APIRouter:
    """The routes; `resources` are those of the invented patients, `service` is called like a service by an EHR."""
    ehr = _SmallEhr(runtime, pages, resources, service)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/try", ehr.open_chart)
    router.add_api_route("/try", ehr.act, methods=["POST"])
    router.add_api_route("/explain", ehr.explain, methods=["POST"])
    return router


class _SmallEhr:
    """The handlers of the pages. They keep no state between requests: the form carries everything."""

    def __init__(self, runtime: Runtime, pages: Pages, resources: Sequence[Resource], service: ASGIApp) -> None:
        self._runtime, self._page, self._resources = runtime, pages.page, resources
        self._sentences, self._service = load_sentences(runtime.settings.fixtures), service

    async def open_chart(self, request: Request) -> Response:
        """Shows a patient's chart and an order to fill in; all patients, until one is chosen."""
        demo, chosen = self._demo(), dict(request.query_params)
        if "patient" not in chosen:
            return self._page("patients.html", path="/try", patients=demo.patients)
        try:
            visit = demo.read_visit(chosen)
            return await self._show(demo, replace(visit, drafts=(), response=None), day=chosen.get("day", TODAY))
        except InvalidRequest as error:
            return self._problem(error)

    async def act(self, request: Request) -> Response:
        """Carries out what was clicked: placing the order, accepting a suggestion, or overriding a card."""
        demo = self._demo()
        try:
            form = await self._form(request)
            return await self._act(demo, demo.read_visit(form), form)
        except CdsServiceError as error:
            return self._problem(error)

    async def _act(self, demo: Demo, visit: Visit, form: dict[str, str]) -> Response:
        action, *numbers = form.get("do", "order")[:_MAX_ACTION].split()
        card, suggestion = [*map(_index, numbers), -1, -1][:2]
        if action == "take":
            body = trying.accept_feedback(visit, card, suggestion, demo.now)
            visit = trying.apply_suggestion(visit, card, suggestion, self._runtime.new_id)
            return await self._call(demo, visit, await self._send_feedback(visit.hook, body))
        if action == "override":
            body = trying.override_feedback(visit, card, form.get(f"reason-{card}", ""), demo.now)
            feedback = await self._send_feedback(visit.hook, body)
            return await self._show(demo, visit, feedback=feedback, overridden=card)
        if visit.problems:
            return await self._show(demo, replace(visit, drafts=(), response=None, hook_instance=""), 400, unsent=True)
        return await self._call(demo, demo.place_order(visit), None)

    async def explain(self, request: Request) -> Response:
        """Shows every card, every condition and the values found for the order of /try."""
        demo, runtime = self._demo(), self._runtime
        try:
            visit = demo.read_visit(await self._form(request))
            body = demo.build_request(visit, runtime.new_id())
            hook_request, answered = await self._answer(demo, visit.hook, body)
        except CdsServiceError as error:
            return self._problem(error)
        silence = explain_silence(hook_request, answered, runtime.content.vocabulary)
        orders = explain(answered)
        now = f"{format_day(demo.now.date())}, {demo.now:%H:%M} UTC"
        return self._page("explain.html", path="/explain", visit=visit, orders=orders, silence=silence, as_of=now)

    async def _answer(self, demo: Demo, hook: str, body: bytes) -> tuple[HookRequest, Answer]:
        """What the service decides about a hook call, with everything behind it."""
        runtime, hook_request = self._runtime, read_request(body, hook)
        modes = runtime.site.modes_for(hook, OPEN)
        return hook_request, await answer(hook_request, runtime.content, demo.now, runtime.new_id, modes=modes)

    async def _call(self, demo: Demo, visit: Visit, feedback: dict[str, Any] | None) -> Response:
        """Calls the service like an EHR, and shows its response."""
        hook_instance = self._runtime.new_id()
        body = demo.build_request(visit, hook_instance)
        status, content, milliseconds = await self._post(f"/cds-services/{_SERVICE_IDS[visit.hook]}", body)
        response = trying.read_response(content) if status == 200 else None
        error = "" if status == 200 else f"{status}: {trying.format_outcome(content)}"
        visit = replace(visit, hook_instance=hook_instance, response=response)
        shown: dict[str, Any] = {"feedback": feedback, "milliseconds": milliseconds, "error": error, "called": True}
        return await self._show(demo, visit, **shown, **await self._not_shown(demo, visit, body))

    async def _not_shown(self, demo: Demo, visit: Visit, body: bytes) -> dict[str, Any]:
        """Why there is no card, and the cards that the site file does not show: no EHR hears of either."""
        if visit.response is None or not visit.drafts or (visit.response.cards and self._runtime.site.file is None):
            return {}
        hook_request, answered = await self._answer(demo, visit.hook, body)
        cards = [card for order in explain(answered) for card in order.cards]
        withheld = [card for card in cards if card.by_site and card.outcome == ADVISE.value]
        silence = explain_silence(hook_request, answered, self._runtime.content.vocabulary)
        return {"silence": silence, "withheld": withheld}

    async def _send_feedback(self, hook: str, body: bytes) -> dict[str, Any]:
        """Sends feedback like an EHR; returns the body, and the status of the response."""
        status, _, _ = await self._post(f"/cds-services/{_SERVICE_IDS[hook]}/feedback", body)
        return {"status": status, "sent": _pretty(body)}

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        """Calls the service in-process; returns status, body and milliseconds."""
        transport = httpx.ASGITransport(app=self._service, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo.invalid") as client:
            start = perf_counter()
            response = await client.post(path, content=body, headers={"Content-Type": "application/json"})
            return response.status_code, response.content, round((perf_counter() - start) * 1000, 1)

    async def _show(self, demo: Demo, visit: Visit, status: int = 200, day: str = TODAY, **values: Any) -> Response:
        """The page of a patient, on a day. Raises `InvalidRequest` for a day that the page never sends."""
        runtime = self._runtime
        modes = runtime.site.modes_for(PATIENT_VIEW, OPEN)
        answering = partial(answer, content=runtime.content, new_id=_no_id, modes=modes)
        sent = demo.build_request(visit, visit.hook_instance) if visit.hook_instance else b""
        return self._page(
            "try.html",
            status,
            path="/try",
            visit=visit,
            shown=await Timeline(demo, runtime.content, answering).show(visit.patient_id, day),
            hooks=HOOKS,
            hook=next(choice for choice in HOOKS if choice.name == visit.hook),
            choices=CHOICES,
            drafts=[describe_draft(draft) for draft in visit.drafts],
            sent=_pretty(sent) if sent else "",
            response=_pretty(to_json(visit.response)) if visit.response else "",
            **{**_NOTHING_SHOWN, **values},
        )

    def _problem(self, error: CdsServiceError) -> Response:
        missing = error.missing if isinstance(error, DataNotObtained) else {}
        return self._page("problem.html", 400, path="/try", problem=str(error), missing=missing)

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of the form. Raises `InvalidRequest` if a page of another site sent it."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise InvalidRequest("form", "comes from another site")
        body = await self._runtime.bodies.read(request.scope, request.receive)
        if len(body) > MAX_FORM or body.count(b"&") >= _MAX_FIELDS:
            raise InvalidRequest("form", "is more than this page sends")
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))

    def _demo(self) -> Demo:
        return Demo(self._resources, self._sentences, self._runtime.content, self._runtime.now())


def _no_id() -> str:
    """For cards that nobody can answer to."""
    return ""


def _index(number: str) -> int:
    """The index sent by a button; -1, which is never a card, for anything else."""
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else -1


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()

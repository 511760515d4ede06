"""The pages of demo mode: a small EHR at `/try`, and `/explain`, which shows why a card was shown."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
from fastapi import APIRouter, Request, Response

from cds_service.answering import Answer, answer
from cds_service.api.runtime import Runtime
from cds_service.auth.clients import OPEN
from cds_service.content.explaining import ExplainedCard, explain
from cds_service.content.silence import explain_silence
from cds_service.errors import CdsServiceError, DataNotObtained, InvalidRequest
from cds_service.fhir.json import Resource
from cds_service.guidance.deciding import ADVISE
from cds_service.hooks.cards import to_json
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import HookRequest, read_request
from cds_service.pages import trying
from cds_service.pages.markup import Pages
from cds_service.pages.ordering import CHOICES, describe_draft
from cds_service.pages.plotting import make_plots
from cds_service.pages.trying import HOOKS, Demo, Visit

_SERVICE_IDS = {hook: service_id for service_id, hook in SERVICES.items()}


def make_router(runtime: Runtime, pages: Pages, resources: Sequence[Resource]) -> APIRouter:
    """The routes; `resources` are those of the invented patients."""
    ehr = _SmallEhr(runtime, pages, resources)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/try", ehr.open_chart)
    router.add_api_route("/try", ehr.act, methods=["POST"])
    router.add_api_route("/explain", ehr.explain, methods=["POST"])
    return router


class _SmallEhr:
    """The handlers of the pages. They keep no state between requests: the form carries everything."""

    def __init__(self, runtime: Runtime, pages: Pages, resources: Sequence[Resource]) -> None:
        self._runtime, self._page, self._resources = runtime, pages.page, resources

    async def open_chart(self, request: Request) -> Response:
        """Shows a patient's chart and an empty order."""
        demo = self._demo()
        try:
            visit = demo.read_visit(dict(request.query_params))
        except InvalidRequest as error:
            return self._problem(error)
        return self._show(demo, replace(visit, drafts=(), response=None))

    async def act(self, request: Request) -> Response:
        """Carries out what was clicked: placing the order, accepting a suggestion, or overriding a card."""
        demo = self._demo()
        try:
            form = await self._form(request)
            return await self._act(request, demo, demo.read_visit(form), form)
        except CdsServiceError as error:
            return self._problem(error)

    async def _act(self, request: Request, demo: Demo, visit: Visit, form: dict[str, str]) -> Response:
        action, *numbers = form.get("do", "order").split()
        card, suggestion = [*map(_index, numbers), -1, -1][:2]
        if action == "take":
            body = trying.accept_feedback(visit, card, suggestion, demo.now)
            visit = trying.apply_suggestion(visit, card, suggestion, self._runtime.new_id)
            return await self._call(request, demo, visit, await self._send_feedback(request, visit.hook, body))
        if action == "override":
            body = trying.override_feedback(visit, card, form.get(f"reason-{card}", ""), demo.now)
            feedback = await self._send_feedback(request, visit.hook, body)
            return self._show(demo, visit, feedback=feedback, overridden=card)
        return await self._call(request, demo, demo.place_order(visit), None)

    async def explain(self, request: Request) -> Response:
        """Shows every card, every condition and the values found for the order of /try."""
        demo, runtime = self._demo(), self._runtime
        try:
            visit = demo.read_visit(await self._form(request))
            body = demo.build_request(visit, runtime.new_id())
            hook_request = read_request(body, visit.hook)
            answered = await self._answer(hook_request, demo)
        except CdsServiceError as error:
            return self._problem(error)
        silence = explain_silence(hook_request, answered, runtime.content.vocabulary)
        orders = explain(answered)
        return self._page("explain.html", path="/explain", visit=visit, orders=orders, silence=silence, now=demo.now)

    async def _call(self, request: Request, demo: Demo, visit: Visit, feedback: dict[str, Any] | None) -> Response:
        """Calls the service like an EHR, and shows its response."""
        hook_instance = self._runtime.new_id()
        body = demo.build_request(visit, hook_instance)
        status, content, milliseconds = await _post(request, f"/cds-services/{_SERVICE_IDS[visit.hook]}", body)
        response = trying.read_response(content) if status == 200 else None
        error = "" if status == 200 else f"{status}: {trying.format_outcome(content)}"
        visit = replace(visit, hook_instance=hook_instance, response=response)
        withheld = await self._withheld(body, visit, demo) if response else ()
        answered = {"milliseconds": milliseconds, "error": error, "called": True, "withheld": withheld}
        return self._show(demo, visit, feedback=feedback, **answered)

    async def _answer(self, request: HookRequest, demo: Demo) -> Answer:
        runtime = self._runtime
        modes = runtime.site.modes_for(request.hook, OPEN)
        return await answer(request, runtime.content, demo.now, runtime.new_id, modes=modes)

    async def _withheld(self, body: bytes, visit: Visit, demo: Demo) -> Sequence[ExplainedCard]:
        """The cards that apply and that the site file does not show: no EHR hears of them."""
        if self._runtime.site.file is None:
            return ()
        orders = explain(await self._answer(read_request(body, visit.hook), demo))
        return [card for order in orders for card in order.cards if card.by_site and card.outcome == ADVISE.value]

    async def _send_feedback(self, request: Request, hook: str, body: bytes) -> dict[str, Any]:
        """Sends feedback like an EHR; returns the body, and the status of the response."""
        status, _, _ = await _post(request, f"/cds-services/{_SERVICE_IDS[hook]}/feedback", body)
        return {"status": status, "sent": _pretty(body)}

    def _show(self, demo: Demo, visit: Visit, **values: Any) -> Response:
        chart = demo.chart(visit.patient_id)
        sent = demo.build_request(visit, visit.hook_instance) if visit.hook_instance else b""
        defaults = {
            "feedback": None,
            "milliseconds": None,
            "error": "",
            "called": False,
            "overridden": -1,
            "withheld": (),
        }
        return self._page(
            "try.html",
            path="/try",
            visit=visit,
            patients=demo.patients,
            patient=next(patient for patient in demo.patients if patient.id == visit.patient_id),
            hooks=HOOKS,
            choices=CHOICES,
            drafts=[describe_draft(draft) for draft in visit.drafts],
            resource_counts=trying.count_resources(chart),
            plots=make_plots(chart, self._runtime.content.vocabulary, demo.now),
            sent=_pretty(sent) if sent else "",
            response=_pretty(to_json(visit.response)) if visit.response else "",
            **{**defaults, **values},
        )

    def _problem(self, error: CdsServiceError) -> Response:
        missing = error.missing if isinstance(error, DataNotObtained) else {}
        return self._page("problem.html", 400, path="/try", problem=str(error), missing=missing)

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of the form. Raises `InvalidRequest` if a page of another site sent it."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise InvalidRequest("form", "comes from another site")
        body = await self._runtime.bodies.read(request.scope, request.receive)
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))

    def _demo(self) -> Demo:
        return Demo(self._resources, self._runtime.content, self._runtime.now())


def _index(number: str) -> int:
    """The index sent by a button; -1, which is never a card, for anything else."""
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else -1


async def _post(request: Request, path: str, body: bytes) -> tuple[int, bytes, float]:
    """Calls this service in-process; returns status, body and milliseconds."""
    transport = httpx.ASGITransport(app=request.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=str(request.base_url)) as client:
        start = perf_counter()
        response = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        return response.status_code, response.content, round((perf_counter() - start) * 1000, 1)


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()

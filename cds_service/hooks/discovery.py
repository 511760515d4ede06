"""Discovery: one service for each hook, with the prefetch templates of the facts that the cards need."""

from collections.abc import Collection, Mapping

from cds_service.hooks.cards import Discovery, Service
from cds_service.hooks.dialects import CdsHooks
from cds_service.hooks.repeat_options import configuration_items
from cds_service.hooks.requests import PATIENT_VIEW, VERIFY

# id -> hook; one id for each hook, since some clients keep one service per id. Not every one is switched on.
SERVICES: Mapping[str, str] = {
    "acetylcysteine-medication-prescribe": "medication-prescribe",
    "acetylcysteine-order-select": "order-select",
    "acetylcysteine-order-sign": "order-sign",
    "acetylcysteine-medication-verify": VERIFY,
    "acetylcysteine-monitoring": PATIENT_VIEW,
}
HOOKS = tuple(SERVICES.values())
_WHEN = {
    "medication-prescribe": "when a prescription is written",
    "order-select": "when an order is selected",
    "order-sign": "when orders are signed",
    VERIFY: "when a pharmacist verifies a signed order",
}
_ABOUT_ORDERS = (
    "allergy and bronchospasm screens, dose against the doses studied, plasma glutamate and cystine, monitoring, and "
    "the evidence"
)
_ABOUT_TREATMENT = (
    "acetylcysteine by mouth that is active on record: plasma glutamate that is due, or was measured on treatment, and "
    "risks recorded since it was started"
)
_USAGE = (
    "Speaks only about acetylcysteine orders and answers every other order with no cards. What is not prefetched is "
    "asked for at the FHIR server; without both, its screens cannot be done, and a card names each one. A drug that "
    "an order names only by reference is recognised if its Medication is contained, in the same Bundle, in the "
    "prefetch or on the FHIR server."
)
_USAGE_OF = {
    PATIENT_VIEW: "Speaks only where acetylcysteine is active on record, and answers every other chart with no cards. "
    "The active medications decide: where they come neither with the call nor from a FHIR server, the answer is 412."
}
_VERSION_OF: Mapping[CdsHooks, str] = {"3.0": "3.0.0"}  # a member that earlier versions do not define


def discover(
    prefetch: Mapping[str, dict[str, str]],
    content_version: str,
    content_status: str,
    cds_hooks: CdsHooks = "2.0",
    with_options: bool = False,
    *,
    hooks: Collection[str],
) -> Discovery:
    """The response to discovery, with the services of these hooks.

    `prefetch` maps the prefetch keys of each hook to FHIR queries. `with_options`: calls may say whether cards are
    repeated.
    """
    return Discovery(
        services=tuple(
            Service(
                hook=hook,
                id=identity,
                title=f"Acetylcysteine guidance ({hook})",
                description=f"{_describe(hook)}. Content {content_version}, {content_status}.",
                usageRequirements=_USAGE_OF.get(hook, _USAGE),
                prefetch=prefetch[hook] or None,
                version=_VERSION_OF.get(cds_hooks),
                extension=configuration_items(hook) if with_options else None,
            )
            for identity, hook in SERVICES.items()
            if hook in hooks
        )
    )


def _describe(hook: str) -> str:
    if hook == PATIENT_VIEW:
        return f"Monitoring when a chart is opened, of {_ABOUT_TREATMENT}"
    return f"Guidance {_WHEN[hook]} for acetylcysteine (NAC): {_ABOUT_ORDERS}"

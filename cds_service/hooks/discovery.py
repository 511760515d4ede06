"""Discovery: one service for each hook, with the prefetch templates of the facts that the cards need."""

from collections.abc import Collection, Mapping

from cds_service.hooks.cards import Discovery, Service
from cds_service.hooks.dialects import CdsHooks
from cds_service.hooks.repeat_options import configuration_items
from cds_service.hooks.requests import VERIFY

# id -> hook; one id for each hook, since some clients keep one service per id. Not every one is switched on.
SERVICES: Mapping[str, str] = {
    "acetylcysteine-medication-prescribe": "medication-prescribe",
    "acetylcysteine-order-select": "order-select",
    "acetylcysteine-order-sign": "order-sign",
    "acetylcysteine-medication-verify": VERIFY,
}
HOOKS = tuple(SERVICES.values())
_WHEN = {
    "medication-prescribe": "when a prescription is written",
    "order-select": "when an order is selected",
    "order-sign": "when orders are signed",
    VERIFY: "when a pharmacist verifies a signed order",
}
_USAGE = (
    "Speaks only about acetylcysteine orders and answers every other order with no cards. What is not prefetched is "
    "asked for at the FHIR server; without both, its screens cannot be done, and a card names each one. A drug that "
    "an order names only by reference is recognised if its Medication is contained, in the same Bundle, in the "
    "prefetch or on the FHIR server."
)


_VERSION_OF: Mapping[CdsHooks, str] = {"3.0": "3.0.0"}  # a member that earlier versions do not define


def discover(
    prefetch: dict[str, str],
    content_version: str,
    content_status: str,
    cds_hooks: CdsHooks = "2.0",
    with_options: bool = False,
    *,
    hooks: Collection[str],
) -> Discovery:
    """The response to discovery, with the services of these hooks.

    `prefetch` maps prefetch keys to FHIR queries, the same for every service. `with_options`: calls may say whether
    cards are repeated.
    """
    return Discovery(
        services=tuple(
            Service(
                hook=hook,
                id=identity,
                title=f"Acetylcysteine guidance ({hook})",
                description=f"Guidance {_WHEN[hook]} for acetylcysteine (NAC): allergy and bronchospasm screens, dose "
                "against the doses studied, plasma glutamate and cystine, monitoring, and the evidence. "
                f"Content {content_version}, {content_status}.",
                usageRequirements=_USAGE,
                prefetch=prefetch or None,
                version=_VERSION_OF.get(cds_hooks),
                extension=configuration_items(hook) if with_options else None,
            )
            for identity, hook in SERVICES.items()
            if hook in hooks
        )
    )

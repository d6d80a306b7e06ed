"""What the products of :mod:`tests.adopt.products` decide about their databases."""

from __future__ import annotations

from tests.adopt.products import Product
from townhall.adopt import Decisions, look
from townhall.adopt.findings import Weight

_EVENT_OF_PARTICIPANT = (
    "(select p.event_id from public.participants as p where p.id = t.participant_id)"
)

FILLS = {
    Product.EVENTS: {"public.participant_tracks.event_id": _EVENT_OF_PARTICIPANT},
    Product.NETWORKING: {"public.participant_tracks.event_id": _EVENT_OF_PARTICIPANT},
    Product.HALF: {
        "public.campaign_assignments.campaign_id": "public.first_campaign()",
        "public.events.organization_id": "public.first_organization()",
    },
}
"""The values of columns that have no default, by product."""

DROPPED_KINDS = ("policy", "trigger", "constraint")


def decisions_for(product: Product, url: str, server: str) -> Decisions:
    """Return decisions that drop what opens rows, counts or audits, and keep what else may stay.

    Args:
        product: The product.
        url: Its database.
        server: The server for the scratch database.
    """
    findings = look(url, scratch=server).findings
    questions = [each.question for each in findings if each.question and each.question.is_required]
    objects = {
        each.key: "keep" if each.may_be_kept and not each.key.startswith(DROPPED_KINDS) else "drop"
        for each in questions
        if each.section == "objects"
    }
    converted = {each.key: each.suggestion for each in questions if each.section == "convert"}
    assert not [each for each in findings if each.weight is Weight.STOP], findings
    return Decisions(objects, FILLS.get(product, {}), converted)

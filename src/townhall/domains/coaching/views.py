"""The views of coaching: former names of participant_sessions."""

from __future__ import annotations

from townhall.domains.coaching.access import SESSION_ACCESS
from townhall.pg import Entity, View
from townhall.pg.access import grants_of


def _under_its_old_name(name: str) -> View:
    columns = (
        "id",
        "campaign_id",
        "stakeholder_name",
        "stakeholder_email",
        "user_id",
        "status",
        "started_at",
        "completed_at",
        "created_at",
        "updated_at",
        "client_status",
        "tenant_id",
    )
    listed = ",\n".join(f"    s.{column}" for column in columns)
    return View(
        name=name,
        definition=f"select\n{listed}\nfrom public.participant_sessions as s",
        grants=grants_of(SESSION_ACCESS),
        comment="A former name of participant_sessions, for clients that still use it.",
    )


ENTITIES: tuple[Entity, ...] = tuple(
    map(_under_its_old_name, ("campaign_assignments", "stakeholder_sessions"))
)

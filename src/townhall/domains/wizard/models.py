"""Sessions of the wizard that creates an event."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    JsonObject,
    NowByDefault,
    UuidKey,
    is_object,
    one_of,
)
from townhall.domains.events.models import Event
from townhall.refusals import Kind, refused_with
from townhall.types import Document, TextEnum

STAGES = 6
"""The number of the wizard's stages, which are numbered from 1."""

STATE_SIZE = 1024 * 1024
"""The largest state of a session, in bytes as text."""


class WizardStatus(StrEnum):
    """The status of a session."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


class WizardSession(Base):
    """A session of the wizard, saved stage by stage."""

    __tablename__ = "wizard_sessions"
    __table_args__ = (
        CheckConstraint(
            f"stage between 1 and {STAGES}",
            name="stage_in_range",
            info=refused_with(f"A stage is a number from 1 to {STAGES}."),
        ),
        one_of("status", WizardStatus),
        is_object("state"),
        CheckConstraint(
            f"(status = '{WizardStatus.COMPLETED.value}') = (completed_at is not null)",
            name="completed_at_fits_status",
            info=refused_with(
                "A session has the time of its completion if it is completed.", Kind.WRONG_STATE
            ),
        ),
        Index("idx_wizard_sessions_user_id", "user_id"),
        Index("idx_wizard_sessions_status", "status"),
        Index("idx_wizard_sessions_last_saved_at", "last_saved_at"),
        Index("idx_wizard_sessions_user_status", "user_id", "status"),
        Index("idx_wizard_sessions_event_id", "event_id"),
        {"comment": "A session of the wizard that creates an event, saved stage by stage."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("profiles.id", ondelete="CASCADE", info=PERSON),
        comment="The user of the session.",
    )
    event_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("events.id", ondelete="SET NULL"),
        comment="The event that was created; null before that, and once the event is deleted.",
    )
    stage: Mapped[int] = mapped_column(
        server_default=text("1"), comment=f"The stage the person is at, from 1 to {STAGES}."
    )
    status: Mapped[WizardStatus] = mapped_column(
        TextEnum(WizardStatus), server_default=WizardStatus.IN_PROGRESS
    )
    state: Mapped[JsonObject] = mapped_column(
        Document(STATE_SIZE), comment="The data entered so far; immutable once completed."
    )
    started_at: Mapped[NowByDefault] = mapped_column(info=READ_ONLY)
    last_saved_at: Mapped[NowByDefault] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the session last changed; maintained by a trigger.",
    )
    completed_at: Mapped[datetime | None] = mapped_column(
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When it was completed, or null; maintained by a trigger.",
    )

    event: Mapped[Event | None] = relationship(lazy="raise")

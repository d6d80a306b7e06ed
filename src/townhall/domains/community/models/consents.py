"""Consents of founders, and the audit of their changes."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import FetchedValue, ForeignKey, Index, UniqueConstraint, desc, func, text
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    FalseByDefault,
    Line,
    NowByDefault,
    UuidKey,
    account_id,
    one_of,
)
from townhall.types import TextEnum


class ConsentCategory(StrEnum):
    """The purposes that a user can consent to."""

    BENCHMARKS = "benchmarks"
    SOCIAL_FEED = "social_feed"
    DIRECTORY = "directory"
    MESSAGING = "messaging"
    INVESTOR_INTROS = "investor_intros"


class ConsentPreference(Base):
    """The answer of a user to one request for consent."""

    __tablename__ = "consent_preferences"
    __table_args__ = (
        UniqueConstraint("user_id", "category"),
        one_of("category", ConsentCategory),
        {"comment": "A user's consents; no row means none. Only the user can read them."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    category: Mapped[ConsentCategory] = mapped_column(TextEnum(ConsentCategory))
    enabled: Mapped[FalseByDefault] = mapped_column(comment="Whether the user consents.")
    updated_at: Mapped[NowByDefault] = mapped_column(
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="When the row last changed; maintained by a trigger.",
    )


class ConsentAuditLog(Base):
    """One answer to a request for consent: the first, or a change."""

    __tablename__ = "consent_audit_log"
    __table_args__ = (
        one_of("category", ConsentCategory),
        # What a session changed of another user's consents, which is rare.
        Index(
            "ix_consent_audit_log_changed_by",
            "changed_by",
            postgresql_where=text("changed_by <> user_id"),
        ),
        Index("ix_consent_audit_log_user_id_changed_at", "user_id", desc("changed_at")),
        {"comment": "Every new consent and every change of one; written only by a trigger."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    category: Mapped[ConsentCategory] = mapped_column(TextEnum(ConsentCategory))
    previous_value: Mapped[bool] = mapped_column(
        comment="Whether the user had consented before the change."
    )
    new_value: Mapped[bool] = mapped_column(comment="Whether the user consents since the change.")
    changed_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(),
        info=READ_ONLY,
        comment="When; changes of one transaction are in order.",
    )
    # Without a foreign key: it says what happened, whatever becomes of that account.
    changed_by: Mapped[uuid.UUID | None] = mapped_column(
        info=account_id(
            "the audit of another person's consents does not change",
            along=("ip_address", "user_agent"),
        ),
        comment="The account whose session changed it; null for the service.",
    )
    ip_address: Mapped[Line | None] = mapped_column(
        comment="The client's IP address, as the request states it."
    )
    user_agent: Mapped[Line | None] = mapped_column(
        comment="The client's user agent, as the request states it."
    )

"""Connections and messages between founders."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    Index,
    UniqueConstraint,
    desc,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    Created,
    FalseByDefault,
    JsonObject,
    LongText,
    Timestamps,
    UuidKey,
    is_object,
    one_of,
)
from townhall.refusals import Kind, refused_with
from townhall.types import TextEnum


class ConnectionStatus(StrEnum):
    """The status of a connection between two founders."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    DECLINED = "declined"


class ConnectionSource(StrEnum):
    """The place where a requester found the recipient."""

    DIRECTORY = "directory"
    COHORT = "cohort"
    FRED_SUGGESTION = "fred_suggestion"
    COMMUNITY = "community"


class FounderConnection(Timestamps, Base):
    """A connection of two founders, requested or answered."""

    __tablename__ = "founder_connections"
    __table_args__ = (
        UniqueConstraint("requester_id", "recipient_id"),
        CheckConstraint(
            "requester_id <> recipient_id",
            name="between_two",
            info=refused_with("A connection is between two different founders."),
        ),
        CheckConstraint(
            "(status = 'blocked') = (blocked_by_requester or blocked_by_recipient)",
            name="blocked_by_a_party",
            info=refused_with(
                "A connection is blocked by one of its two founders.", Kind.WRONG_STATE
            ),
        ),
        one_of("status", ConnectionStatus),
        one_of("source", ConnectionSource),
        Index(
            "uq_founder_connections_pair",
            text("least(requester_id, recipient_id)"),
            text("greatest(requester_id, recipient_id)"),
            unique=True,
            info=refused_with("These two founders have a connection.", Kind.DUPLICATE),
        ),
        {
            "comment": "Requests of founders for a connection, their answers and blocks; one row"
            " per pair of founders."
        },
    )

    id: Mapped[UuidKey]
    requester_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON),
        comment="The account that sent the request.",
    )
    recipient_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON),
        index=True,
        comment="The account that received the request.",
    )
    status: Mapped[ConnectionStatus] = mapped_column(
        TextEnum(ConnectionStatus),
        server_default=ConnectionStatus.PENDING,
        comment="The answer; blocked while one of the two blocks the other.",
    )
    source: Mapped[ConnectionSource] = mapped_column(
        TextEnum(ConnectionSource),
        server_default=ConnectionSource.DIRECTORY,
        comment="Where the requester found the recipient.",
    )
    declined_by: Mapped[uuid.UUID | None] = mapped_column(
        info=READ_ONLY,
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
        comment="The party that declined or withdrew the request; maintained by a trigger.",
    )
    blocked_by_requester: Mapped[FalseByDefault] = mapped_column(
        info=READ_ONLY,
        server_onupdate=FetchedValue(),
        comment="Whether the requester blocks the recipient; written by block_founder().",
    )
    blocked_by_recipient: Mapped[FalseByDefault] = mapped_column(
        info=READ_ONLY,
        server_onupdate=FetchedValue(),
        comment="Whether the recipient blocks the requester; written by block_founder().",
    )


class FounderMessage(Created, Base):
    """A message from one founder to another."""

    __tablename__ = "founder_messages"
    __table_args__ = (
        is_object("metadata"),
        Index(
            "ix_founder_messages_sender_id_recipient_id_created_at",
            "sender_id",
            "recipient_id",
            desc("created_at"),
            desc("id"),
        ),
        Index("ix_founder_messages_recipient_id_created_at", "recipient_id", desc("created_at")),
        {"comment": "Messages between founders; immutable."},
    )

    id: Mapped[UuidKey]
    sender_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    recipient_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    content: Mapped[LongText]
    is_read: Mapped[FalseByDefault] = mapped_column(
        comment="Whether the recipient has read it; set by mark_messages_read()."
    )
    is_fred_facilitated: Mapped[FalseByDefault] = mapped_column(
        comment="Whether Fred, the assistant, introduced the two; written by the service."
    )
    metadata_: Mapped[JsonObject] = mapped_column("metadata")

    @property
    def position(self) -> tuple[datetime, uuid.UUID]:
        """The position of the message in the conversation, after which older ones come."""
        return self.created_at, self.id

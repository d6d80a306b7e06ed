"""Events with their participants, tracks and seats."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    desc,
    false,
    func,
    null,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    Created,
    FalseByDefault,
    JsonObject,
    Label,
    Line,
    LongText,
    Time,
    Timestamps,
    TrueByDefault,
    UuidKey,
    ViewBase,
    created_at,
    is_object,
    one_of,
    personal,
    updated_at,
)
from townhall.domains.identity.models import Organization
from townhall.refusals import Kind, refused_with
from townhall.types import TextEnum


class EventStatus(StrEnum):
    """The status of an event."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class ParticipantStatus(StrEnum):
    """The status of a participant."""

    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    CANCELLED = "cancelled"


class AssignedBy(StrEnum):
    """What assigned a seat."""

    AI = "ai"
    MANAGER = "manager"
    AUTO = "auto"


# The foreign keys of a placement contain its event, which a trigger sets. The relationships leave
# it out: the ORM would write the column, which clients have no privilege on.
_IS_PARTICIPANT = "Participant.id == foreign(ParticipantTrack.participant_id)"
_IS_TRACK = "Track.id == foreign(ParticipantTrack.track_id)"


class Event(Timestamps, Base):
    """An event of an organization."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(
            "ends_at >= starts_at",
            name="ends_after_start",
            info=refused_with("An event can't end before it starts."),
        ),
        one_of("status", EventStatus),
        is_object("settings"),
        Index("ix_events_organization_id_created_at", "organization_id", desc("created_at")),
        {"comment": "An event of an organization."},
    )

    id: Mapped[UuidKey]
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    name: Mapped[Label]
    description: Mapped[LongText | None]
    starts_at: Mapped[Time | None]
    ends_at: Mapped[Time | None]
    status: Mapped[EventStatus] = mapped_column(
        TextEnum(EventStatus), server_default=EventStatus.DRAFT
    )
    settings: Mapped[JsonObject] = mapped_column(
        comment="Preferences; default_networking_opt_in is the default of new participants.",
    )

    organization: Mapped[Organization] = relationship(lazy="raise")
    participants: Mapped[list[Participant]] = relationship(
        back_populates="event", lazy="raise", passive_deletes=True
    )
    tracks: Mapped[list[Track]] = relationship(
        back_populates="event", lazy="raise", passive_deletes=True
    )


class Participant(Timestamps, Base):
    """A participant of an event, with or without an account."""

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("event_id", "id"),  # what composite foreign keys refer to
        one_of("status", ParticipantStatus),
        Index("ix_participants_lower_email", func.lower(text("email"))),
        Index("uq_participants_event_id_email", "event_id", func.lower(text("email")), unique=True),
        {"comment": "A participant of an event, with or without an account."},
    )

    id: Mapped[UuidKey]
    event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=PERSON),
        index=True,
        comment="The person's account; null for a guest without one.",
    )
    first_name: Mapped[Label | None] = mapped_column(info=personal())
    last_name: Mapped[Label | None] = mapped_column(info=personal())
    email: Mapped[Line | None] = mapped_column(
        info=personal(is_email=True), comment="Unique within the event, without regard to case."
    )
    phone: Mapped[Line | None] = mapped_column(info=personal())
    status: Mapped[ParticipantStatus] = mapped_column(
        TextEnum(ParticipantStatus), server_default=ParticipantStatus.REGISTERED
    )
    is_vip: Mapped[FalseByDefault]
    networking_opt_in: Mapped[bool] = mapped_column(
        default=null(),
        server_default=false(),
        server_onupdate=FetchedValue(),  # a change of the account sets it
        comment="הסכמה מפורשת להשתתף בנטוורקינג; NULL בהוספה מקבל את ברירת המחדל של האירוע"
        " (Explicit consent to networking; NULL on insert takes the event's default)",
    )

    event: Mapped[Event] = relationship(back_populates="participants", lazy="raise")
    tracks: Mapped[list[ParticipantTrack]] = relationship(
        primaryjoin=_IS_PARTICIPANT,
        back_populates="participant",
        lazy="raise",
        passive_deletes=True,
    )
    table_assignment: Mapped[TableAssignment | None] = relationship(
        back_populates="participant", lazy="raise", passive_deletes=True
    )


class Track(Timestamps, Base):
    """A part of an event's programme that participants choose."""

    __tablename__ = "tracks"
    __table_args__ = (
        UniqueConstraint("event_id", "name"),
        UniqueConstraint("event_id", "id"),  # what composite foreign keys refer to
        {"comment": "A part of an event's programme that participants choose."},
    )

    id: Mapped[UuidKey]
    event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    name: Mapped[Label]
    description: Mapped[LongText | None]
    color: Mapped[Label | None]
    is_active: Mapped[TrueByDefault] = mapped_column(
        comment="Whether the track is open; statistics cover open tracks only."
    )
    sort_order: Mapped[int | None]

    event: Mapped[Event] = relationship(back_populates="tracks", lazy="raise")
    participants: Mapped[list[ParticipantTrack]] = relationship(
        primaryjoin=_IS_TRACK, back_populates="track", lazy="raise", passive_deletes=True
    )


class ParticipantTrack(Created, Base):
    """The placement of a participant in a track of the same event."""

    __tablename__ = "participant_tracks"
    __table_args__ = (
        UniqueConstraint("participant_id", "track_id"),
        ForeignKeyConstraint(
            ["event_id", "participant_id"],
            ["participants.event_id", "participants.id"],
            ondelete="CASCADE",
            info=PERSON,
        ),
        ForeignKeyConstraint(
            ["event_id", "track_id"], ["tracks.event_id", "tracks.id"], ondelete="CASCADE"
        ),
        Index(
            "uq_participant_tracks_primary",
            "participant_id",
            unique=True,
            postgresql_where=text("is_primary"),
        ),
        Index(None, "event_id"),
        Index(None, "track_id"),
        {"comment": "The tracks of a participant, at most one of them primary."},
    )

    id: Mapped[UuidKey]
    event_id: Mapped[uuid.UUID] = mapped_column(
        server_default=FetchedValue(),
        server_onupdate=FetchedValue(),
        info=READ_ONLY,
        comment="The event of both, set by a trigger; it keeps the two in one event.",
    )
    participant_id: Mapped[uuid.UUID]
    track_id: Mapped[uuid.UUID]
    is_primary: Mapped[FalseByDefault] = mapped_column(
        comment="Whether this is the participant's primary track."
    )

    participant: Mapped[Participant] = relationship(
        primaryjoin=_IS_PARTICIPANT, back_populates="tracks", lazy="raise"
    )
    track: Mapped[Track] = relationship(
        primaryjoin=_IS_TRACK, back_populates="participants", lazy="raise"
    )


class TableAssignment(Timestamps, Base):
    """The seat of a participant."""

    __tablename__ = "table_assignments"
    __table_args__ = (
        UniqueConstraint("event_id", "participant_id"),
        # Checked at the end of a statement, which may exchange seats.
        UniqueConstraint(
            "event_id",
            "table_number",
            "seat_number",
            deferrable=True,
            initially="IMMEDIATE",
            info=refused_with("This seat is taken.", Kind.DUPLICATE),
        ),
        ForeignKeyConstraint(
            ["event_id", "participant_id"],
            ["participants.event_id", "participants.id"],
            ondelete="CASCADE",
            info=PERSON,
        ),
        CheckConstraint("table_number > 0", name="table_number_positive"),
        CheckConstraint("seat_number > 0", name="seat_number_positive"),
        one_of("assigned_by", AssignedBy),
        Index("idx_table_assignments_event", "event_id"),
        Index("idx_table_assignments_table", "event_id", "table_number"),
        Index("idx_table_assignments_participant", "participant_id"),
        Index(
            "idx_table_assignments_vip",
            "event_id",
            "table_number",
            postgresql_where=text("is_vip_table"),
        ),
        {"comment": "שיבוץ משתתפים לשולחנות (Seats at tables: one per participant and event)"},
    )

    id: Mapped[UuidKey]
    event_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), comment="האירוע (The event)"
    )
    participant_id: Mapped[uuid.UUID] = mapped_column(
        comment="המשתתף, מאותו אירוע (The participant, of the same event)"
    )
    table_number: Mapped[int] = mapped_column(
        comment="מספר השולחן, מ-1 (The number of the table, from 1)"
    )
    seat_number: Mapped[int | None] = mapped_column(
        comment="מספר המושב ליד השולחן, מ-1; NULL כשלא נקבע"
        " (The seat at the table, from 1; null where none was chosen)"
    )
    is_vip_table: Mapped[FalseByDefault] = mapped_column(
        comment="האם זה שולחן VIP (Whether it is a VIP table)"
    )
    assigned_by: Mapped[AssignedBy] = mapped_column(
        TextEnum(AssignedBy),
        server_default=AssignedBy.AI,
        comment="מי שיבץ: בינה מלאכותית, מנהל או אוטומטי (Assigned by: ai, manager, auto)",
    )
    assigned_at: Mapped[Time] = mapped_column(
        server_default=func.now(), comment="מועד השיבוץ (When the seat was chosen)"
    )
    notes: Mapped[LongText | None] = mapped_column(
        info=personal(), comment="הערות לשיבוץ (Notes on the seat)"
    )
    created_at: Mapped[datetime] = created_at("מועד יצירת השורה (When the row was created)")
    updated_at: Mapped[datetime] = updated_at(
        "מועד השינוי האחרון; נשמר בטריגר (When the row last changed; maintained by a trigger)"
    )

    participant: Mapped[Participant] = relationship(back_populates="table_assignment", lazy="raise")


class TrackStatistics(ViewBase):
    """The statistics of a track."""

    __tablename__ = "track_statistics"

    track_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    event_id: Mapped[uuid.UUID]
    track_name: Mapped[str]
    color: Mapped[str | None]
    participant_count: Mapped[int]
    vip_count: Mapped[int]
    primary_count: Mapped[int]
    percentage: Mapped[Decimal | None]

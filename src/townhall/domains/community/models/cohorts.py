"""Cohorts: small groups of founders."""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    PERSON,
    Base,
    JsonObject,
    Label,
    Time,
    Timestamps,
    TrueByDefault,
    UuidKey,
    is_object,
    one_of,
)
from townhall.types import TextEnum


class CohortType(StrEnum):
    """The kind of criterion by which a cohort was matched."""

    STAGE = "stage"
    INDUSTRY = "industry"
    CUSTOM = "custom"


class CohortStatus(StrEnum):
    """The status of a cohort."""

    FORMING = "forming"
    ACTIVE = "active"
    ARCHIVED = "archived"


class CohortRole(StrEnum):
    """The role of a member in a cohort."""

    MEMBER = "member"
    FACILITATOR = "facilitator"


class Cohort(Timestamps, Base):
    """A small group of founders."""

    __tablename__ = "cohorts"
    __table_args__ = (
        CheckConstraint("max_members > 0", name="max_members_positive"),
        one_of("cohort_type", CohortType),
        one_of("status", CohortStatus),
        is_object("match_criteria"),
        {"comment": "A small group of founders; only its active members can read it."},
    )

    id: Mapped[UuidKey]
    name: Mapped[Label]
    cohort_type: Mapped[CohortType] = mapped_column(
        TextEnum(CohortType), server_default=CohortType.STAGE
    )
    max_members: Mapped[int] = mapped_column(
        server_default=text("8"),
        comment="The size that the matching aims for; not enforced by the database.",
    )
    status: Mapped[CohortStatus] = mapped_column(
        TextEnum(CohortStatus), server_default=CohortStatus.FORMING
    )
    match_criteria: Mapped[JsonObject] = mapped_column(
        comment="The criteria by which the group was matched."
    )

    members: Mapped[list[CohortMember]] = relationship(
        back_populates="cohort", lazy="raise", passive_deletes="all"
    )


class CohortMember(Base):
    """The membership of a founder in a cohort."""

    __tablename__ = "cohort_members"
    __table_args__ = (
        UniqueConstraint("cohort_id", "user_id"),
        one_of("role", CohortRole),
        {"comment": "The members of a cohort; a founder who left can't read it."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), index=True
    )
    cohort_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohorts.id", ondelete="CASCADE"))
    role: Mapped[CohortRole] = mapped_column(TextEnum(CohortRole), server_default=CohortRole.MEMBER)
    joined_at: Mapped[Time] = mapped_column(server_default=func.now())
    left_at: Mapped[Time | None] = mapped_column(
        comment="When the founder left; a value ends the membership."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(
        comment="Whether the membership is active; false ends it."
    )

    cohort: Mapped[Cohort] = relationship(back_populates="members", lazy="raise")

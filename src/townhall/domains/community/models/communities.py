"""Communities, their members and sponsors."""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    ACTOR,
    PERSON,
    READ_ONLY,
    Base,
    FalseByDefault,
    Label,
    Line,
    LongText,
    NowByDefault,
    Time,
    Timestamps,
    TrueByDefault,
    UuidKey,
    ZeroByDefault,
    one_of,
    owners,
    personal,
)
from townhall.refusals import refused_with
from townhall.types import TextEnum

MOST_LEVELS = 5
"""The largest number of levels of communities below each other."""


class CommunityRole(StrEnum):
    """The role of a member in a community."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class Community(Timestamps, Base):
    """A place where founders meet."""

    __tablename__ = "communities"
    __table_args__ = (
        CheckConstraint(
            "parent_community_id <> id",
            name="parent_is_another",
            info=refused_with("A community can't be below itself."),
        ),
        CheckConstraint("tier_required between 0 and 2", name="tier_required_known"),
        Index(
            "idx_communities_parent",
            "parent_community_id",
            postgresql_where=text("parent_community_id is not null"),
        ),
        {"comment": "A place where founders meet."},
    )

    id: Mapped[UuidKey]
    name: Mapped[Label]
    slug: Mapped[Label] = mapped_column(unique=True, comment="The name in URLs.")
    description: Mapped[LongText | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=ACTOR),
        index=True,
        comment="The account that created it; null once that account is deleted.",
    )
    is_private: Mapped[FalseByDefault] = mapped_column(
        comment="Whether only its members and its creator can read it; all below it are private."
    )
    is_archived: Mapped[FalseByDefault] = mapped_column(
        comment="Whether it is closed; only its owners and its creator can read it then."
    )
    parent_community_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE"),
        comment="The parent community; null at the top level. At most five levels.",
    )
    is_sponsored: Mapped[FalseByDefault] = mapped_column(
        info=READ_ONLY, comment="Whether it has a paying sponsor; written by the service."
    )
    tier_required: Mapped[ZeroByDefault] = mapped_column(
        comment="The subscription tier that joining it requires: 0 free, 1 pro, 2 studio."
    )

    parent: Mapped[Community | None] = relationship(
        back_populates="parts", lazy="raise", remote_side="Community.id"
    )
    parts: Mapped[list[Community]] = relationship(
        back_populates="parent", lazy="raise", passive_deletes="all"
    )
    members: Mapped[list[CommunityMember]] = relationship(
        back_populates="community", lazy="raise", passive_deletes="all"
    )
    sponsors: Mapped[list[SubcommunitySponsor]] = relationship(
        back_populates="community", lazy="raise", passive_deletes="all"
    )


class CommunityMember(Base):
    """The membership of a person in a community."""

    __tablename__ = "community_members"
    __table_args__ = (
        UniqueConstraint("community_id", "user_id"),
        one_of("role", CommunityRole),
        {
            "comment": "The members of a community, with their roles.",
            "info": owners(group="community_id", role="role", owner=CommunityRole.OWNER),
        },
    )

    id: Mapped[UuidKey]
    community_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE")
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), index=True
    )
    role: Mapped[CommunityRole] = mapped_column(
        TextEnum(CommunityRole), server_default=CommunityRole.MEMBER
    )
    joined_at: Mapped[NowByDefault] = mapped_column(info=READ_ONLY)

    community: Mapped[Community] = relationship(back_populates="members", lazy="raise")


class SubcommunitySponsor(Timestamps, Base):
    """The sponsors of a community."""

    __tablename__ = "subcommunity_sponsors"
    __table_args__ = (
        UniqueConstraint("community_id", "sponsor_user_id"),
        {"comment": "The sponsors of a community."},
    )

    id: Mapped[UuidKey]
    sponsor_user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("auth.users.id", ondelete="SET NULL", info=PERSON),
        index=True,
        comment="The sponsor's account; null where there is none, or it was deleted.",
    )
    community_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("communities.id", ondelete="CASCADE")
    )
    sponsor_name: Mapped[Label] = mapped_column(info=personal(instead="Former sponsor"))
    sponsor_logo_url: Mapped[Line | None] = mapped_column(info=personal())
    sponsor_url: Mapped[Line | None] = mapped_column(info=personal())
    is_featured: Mapped[FalseByDefault] = mapped_column(
        comment="Whether the sponsor is shown first."
    )
    started_at: Mapped[Time] = mapped_column(
        server_default=func.now(), comment="When the sponsorship began."
    )
    expires_at: Mapped[Time | None] = mapped_column(
        comment="When the sponsorship ends; null for no end."
    )
    is_active: Mapped[TrueByDefault] = mapped_column(comment="Whether the sponsor is shown.")

    community: Mapped[Community] = relationship(back_populates="sponsors", lazy="raise")

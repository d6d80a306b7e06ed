"""Accounts, profiles, and organizations with their members."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from townhall.base import (
    PERSON,
    READ_ONLY,
    Base,
    Created,
    JsonObject,
    Label,
    Line,
    Timestamps,
    UuidKey,
    ZeroByDefault,
    accounts,
    is_object,
    one_of,
    owners,
    personal,
)
from townhall.types import Document, TextEnum


class OrganizationRole(StrEnum):
    """The role of a member in an organization."""

    OWNER = "owner"
    MANAGER = "manager"
    VIEWER = "viewer"


class User(Base):
    """An account. On Supabase the table is Supabase's, and never altered or compared."""

    __tablename__ = "users"
    __table_args__ = (
        # A column of Supabase: whoever signs up with another person's address has not proved it.
        {"schema": "auth", "info": accounts(confirmed_at="email_confirmed_at")},
    )

    # Supabase's table has no default for the key.
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    email: Mapped[str | None] = mapped_column(unique=True, info=personal(is_email=True))
    raw_app_meta_data: Mapped[dict[str, Any] | None] = mapped_column(Document(None))
    raw_user_meta_data: Mapped[dict[str, Any] | None] = mapped_column(Document(None))
    created_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime | None] = mapped_column(
        server_default=FetchedValue(), server_onupdate=FetchedValue()
    )
    last_sign_in_at: Mapped[datetime | None]


class Profile(Timestamps, Base):
    """What a person tells about themselves."""

    __tablename__ = "profiles"
    __table_args__ = (
        CheckConstraint("tier between 0 and 2", name="tier_known"),
        {"comment": "The profile of a person; one row per account."},
    )

    id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON),
        primary_key=True,
        comment="The account, auth.users.id.",
    )
    full_name: Mapped[Label | None]
    avatar_url: Mapped[Line | None]
    stage: Mapped[Label | None] = mapped_column(comment="The stage of the person's company.")
    industry: Mapped[Label | None] = mapped_column(comment="The industry of the person's company.")
    tier: Mapped[ZeroByDefault] = mapped_column(
        info=READ_ONLY,
        comment="The subscription tier: 0 free, 1 pro, 2 studio; written by the service.",
    )


class Organization(Timestamps, Base):
    """A company or group that runs events."""

    __tablename__ = "organizations"
    __table_args__ = (
        is_object("settings"),
        {"comment": "A company or group that runs events."},
    )

    id: Mapped[UuidKey]
    name: Mapped[Label]
    slug: Mapped[Label] = mapped_column(unique=True, comment="The name in URLs.")
    settings: Mapped[JsonObject] = mapped_column(comment="The organization's preferences.")

    members: Mapped[list[OrganizationMember]] = relationship(
        back_populates="organization", lazy="raise", passive_deletes=True
    )


class OrganizationMember(Created, Base):
    """The membership of a person in an organization."""

    __tablename__ = "organization_members"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        # Both columns, so that one membership of a user in thousands of organizations is looked up.
        Index(None, "user_id", "organization_id"),
        one_of("role", OrganizationRole),
        {
            "comment": "The members of an organization, with their roles.",
            "info": owners(group="organization_id", role="role", owner=OrganizationRole.OWNER),
        },
    )

    id: Mapped[UuidKey]
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON)
    )
    role: Mapped[OrganizationRole] = mapped_column(
        TextEnum(OrganizationRole),
        server_default=OrganizationRole.VIEWER,
        comment="Owners manage the organization, managers its events; viewers read.",
    )

    organization: Mapped[Organization] = relationship(back_populates="members", lazy="raise")

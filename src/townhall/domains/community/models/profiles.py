"""The profiles that founders show to the community."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import (
    PERSON,
    Base,
    Label,
    Labels,
    Line,
    LongText,
    Timestamps,
    UuidKey,
    is_object,
)
from townhall.types import JsonValue, TypedJson


class VisibilitySettings(JsonValue):
    """The fields of a community profile that applications show."""

    show_name: bool = True
    show_stage: bool = True
    show_industry: bool = True
    show_bio: bool = True
    show_achievements: bool = True

    @classmethod
    def readable(cls, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the settings of a stored object; a value that is not a boolean hides the field.

        Founders can store any object by SQL, and an invalid one must not make a query of many
        profiles fail.
        """
        known = {name: value is True for name, value in stored.items() if name in cls.model_fields}
        return {**stored, **known}

    def as_stored(self) -> dict[str, Any]:
        """Return all settings, so that readers of the JSON need not know the defaults."""
        return self.model_dump(mode="json")


class CommunityProfile(Timestamps, Base):
    """What a founder tells the community about themselves."""

    __tablename__ = "community_profiles"
    __table_args__ = (
        is_object("visibility_settings"),
        Index("ix_community_profiles_created_at", desc("created_at"), desc("id")),
        {"comment": "The profile that a founder shows to the community; one row per account."},
    )

    id: Mapped[UuidKey]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth.users.id", ondelete="CASCADE", info=PERSON), unique=True
    )
    display_name: Mapped[Label] = mapped_column(server_default="")
    bio: Mapped[LongText] = mapped_column(server_default="")
    avatar_url: Mapped[Line | None]
    stage: Mapped[Label | None] = mapped_column(comment="The stage of the founder's company.")
    industry: Mapped[Label | None] = mapped_column(comment="The industry of the founder's company.")
    achievements: Mapped[Labels]
    visibility_settings: Mapped[VisibilitySettings] = mapped_column(
        TypedJson(VisibilitySettings),
        server_default=text(
            """'{"show_name": true, "show_stage": true, "show_industry": true,"""
            """ "show_bio": true, "show_achievements": true}'::jsonb"""
        ),
        comment="The fields that applications show; signed-in users can read the whole row.",
    )

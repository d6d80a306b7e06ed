"""The declarative base: naming convention, repeated column shapes, mixins and checks."""

from __future__ import annotations

from townhall.base.asking import asking_for
from townhall.base.bases import Base, ViewBase
from townhall.base.checks import is_object, one_of
from townhall.base.columns import (
    READ_ONLY,
    Day,
    FalseByDefault,
    JsonObject,
    Label,
    Labels,
    Line,
    LongText,
    NowByDefault,
    Time,
    TrueByDefault,
    UuidKey,
    ZeroByDefault,
    created_at,
    is_read_only,
    updated_at,
)
from townhall.base.mixins import Created, Timestamps
from townhall.base.naming import NAMING_CONVENTION, metadata
from townhall.base.people import (
    ACTOR,
    OTHER,
    PERSON,
    account_id,
    accounts,
    kept,
    owners,
    personal,
)

__all__ = [
    "ACTOR",
    "NAMING_CONVENTION",
    "OTHER",
    "PERSON",
    "READ_ONLY",
    "Base",
    "Created",
    "Day",
    "FalseByDefault",
    "JsonObject",
    "Label",
    "Labels",
    "Line",
    "LongText",
    "NowByDefault",
    "Time",
    "Timestamps",
    "TrueByDefault",
    "UuidKey",
    "ViewBase",
    "ZeroByDefault",
    "account_id",
    "accounts",
    "asking_for",
    "created_at",
    "is_object",
    "is_read_only",
    "kept",
    "metadata",
    "one_of",
    "owners",
    "personal",
    "updated_at",
]

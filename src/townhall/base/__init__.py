"""The declarative base: naming convention, repeated column shapes, mixins and checks."""

from __future__ import annotations

from townhall.base.bases import Base, ViewBase
from townhall.base.checks import is_object, one_of
from townhall.base.columns import (
    KEPT_BY_DATABASE,
    FalseByDefault,
    JsonObject,
    NowByDefault,
    TextArray,
    TrueByDefault,
    UuidKey,
    ZeroByDefault,
    created_at,
    is_kept_by_database,
    updated_at,
)
from townhall.base.mixins import Created, Timestamps
from townhall.base.naming import NAMING_CONVENTION, metadata

__all__ = [
    "KEPT_BY_DATABASE",
    "NAMING_CONVENTION",
    "Base",
    "Created",
    "FalseByDefault",
    "JsonObject",
    "NowByDefault",
    "TextArray",
    "Timestamps",
    "TrueByDefault",
    "UuidKey",
    "ViewBase",
    "ZeroByDefault",
    "created_at",
    "is_kept_by_database",
    "is_object",
    "metadata",
    "one_of",
    "updated_at",
]

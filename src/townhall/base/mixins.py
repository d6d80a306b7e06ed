"""Columns that many tables have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from townhall.base.columns import created_at, updated_at


class Created:
    """A row with the time when it was created."""

    created_at: Mapped[datetime] = created_at("When the row was created.")


class Timestamps(Created):
    """A row with the times when it was created and last changed."""

    updated_at: Mapped[datetime] = updated_at("When the row last changed; maintained by a trigger.")

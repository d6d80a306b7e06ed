"""The tables of venues."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from townhall.base import Base, Timestamps, UuidKey


class Venue(Timestamps, Base):
    """A place where an organization holds events."""

    __tablename__ = "venues"
    __table_args__ = ({"comment": "A place where an organization holds events."},)

    id: Mapped[UuidKey]
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    capacity: Mapped[int] = mapped_column(comment="How many people fit in.")

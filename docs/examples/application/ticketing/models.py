"""The tables of the shop."""

from __future__ import annotations

import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, MetaData, Numeric, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import townhall
from townhall.base import Timestamps, UuidKey
from townhall.people import account_id


class Base(DeclarativeBase):
    """The shop's own base, which does not depend on townhall's."""

    metadata = MetaData(naming_convention=townhall.metadata.naming_convention)


class Ticket(Base):
    """A ticket of an event."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        {"comment": "A ticket of an event."},
    )

    id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("gen_random_uuid()")
    )
    event_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(townhall.Event.id, ondelete="CASCADE"), index=True
    )
    holder_id: Mapped[uuid.UUID | None] = mapped_column(
        Uuid,
        index=True,
        info=account_id("what was sold stays in the books"),
        comment="The account of the buyer; NULL while it is for sale.",
    )
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class Sponsor(Timestamps, townhall.Base):
    """A sponsor of an event; a table on townhall's base, beside townhall's own."""

    __tablename__ = "event_sponsors"
    __table_args__ = ({"comment": "The sponsors of an event."},)

    id: Mapped[UuidKey]
    event_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("events.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    logo_url: Mapped[str | None]

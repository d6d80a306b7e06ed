"""A few tables to declare rules for; they are mapped on a base of their own."""

from __future__ import annotations

from sqlalchemy import BigInteger, Computed, ForeignKey, Identity, literal_column
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
    synonym,
)

from townhall.base import READ_ONLY


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "teams"
    __table_args__ = ({"schema": "app"},)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
    team_id: Mapped[int] = mapped_column(ForeignKey("app.teams.id"))
    text: Mapped[str]
    likes: Mapped[int] = mapped_column(info=READ_ONLY)

    team: Mapped[Team] = relationship()
    content: Mapped[str] = synonym("text")
    one: Mapped[int] = column_property(literal_column("1"))


class Receipt(Base):
    """A table most of whose columns no client may write."""

    __tablename__ = "receipts"

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    buyer_id: Mapped[int]
    double: Mapped[int] = mapped_column(Computed("number * 2", persisted=True))

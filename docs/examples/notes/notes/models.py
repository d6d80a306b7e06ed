"""Accounts, the workspaces they belong to, and the notes in them."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Identity, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from townhall.base import NAMING_CONVENTION


class Base(DeclarativeBase):
    """The application's own base."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar = {int: BigInteger, str: Text}


class Account(Base):
    """A person."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


class Workspace(Base):
    """A tenant: what belongs to one is hidden from the others."""

    __tablename__ = "workspaces"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]


class Membership(Base):
    """The place of an account in a workspace."""

    __tablename__ = "memberships"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(
        ForeignKey(Account.id, ondelete="CASCADE"), primary_key=True, index=True
    )


class Note(Base):
    """A note, which all members of its workspace read and its author writes."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(
        ForeignKey(Workspace.id, ondelete="CASCADE"), index=True
    )
    author_id: Mapped[int] = mapped_column(ForeignKey(Account.id, ondelete="CASCADE"), index=True)
    content: Mapped[str]

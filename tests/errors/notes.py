"""Tables whose rows everybody reads, and their owner alone writes, on a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    body: Mapped[str] = mapped_column(default="")
    is_hidden: Mapped[bool] = mapped_column(default=False)
    answers_id: Mapped[UUID | None] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"))


class Attachment(Base):
    """A row that goes with its note, which the ORM does not know of."""

    __tablename__ = "attachments"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    note_id: Mapped[UUID] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"))


class Place(Base):
    """A row with a key of two columns."""

    __tablename__ = "places"

    row: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    body: Mapped[str] = mapped_column(default="")


class Draft(Base):
    """A row with a version, which each update counts."""

    __tablename__ = "drafts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    body: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  read once


class Item(Base):
    """A row whose subclass has a table of its own."""

    __tablename__ = "items"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    body: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column()

    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "item"}  # noqa: RUF012  read once


class Book(Item):
    __tablename__ = "books"

    id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    book_owner: Mapped[UUID]
    pages: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"polymorphic_identity": "book"}  # noqa: RUF012  read once


class Folder(Base):
    """A row whose loaded children the ORM deletes with it."""

    __tablename__ = "folders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    files: Mapped[list[File]] = relationship(cascade="all, delete-orphan")


class File(Base):
    __tablename__ = "files"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    owner: Mapped[UUID]
    is_hidden: Mapped[bool] = mapped_column(default=False)
    folder_id: Mapped[UUID] = mapped_column(ForeignKey("folders.id"))


def create_notes(connection: Connection) -> None:
    """Create the tables, with their policies for signed-in users."""
    Base.metadata.create_all(connection)
    for name in Base.metadata.tables:
        hidden, owner = ("false", "book_owner") if name == "books" else ("is_hidden", "owner")
        connection.execute(
            text(
                f"""
                alter table {name} enable row level security;
                grant all on {name} to authenticated, service_role;
                create policy readers on {name} for select to authenticated using (not {hidden});
                create policy owners on {name} to authenticated using ({owner} = auth.uid());
                create policy the_service on {name} to service_role using (true)
                """
            )
        )

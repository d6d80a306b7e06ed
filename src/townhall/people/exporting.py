"""The data of a person, read as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, MetaData, Table, Text, cast, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.sql import column

from townhall.people.account import Account
from townhall.people.links import shown_name
from townhall.people.service import READING
from townhall.people.subject import Subject
from townhall.product import Product
from townhall.roles import SUPABASE, Roles
from townhall.types import Document

Row = dict[str, Any]
"""A row by the names of its columns, with the values that SQLAlchemy loads; JSON is plain."""


def export_person(
    session: Session,
    user_id: UUID | int | str,
    *,
    product: Product | bool = True,
    metadata: Iterable[MetaData] = (),
    roles: Roles = SUPABASE,
) -> dict[str, list[Row]]:
    """Return the rows of a person, by table.

    They are the rows with a foreign key to the account, or to a row of the person, that is
    classified as ``PERSON`` or ``ACTOR``; and the account, where the role may read it. Of an
    ``AsyncSession`` call ``await session.run_sync(export_person, user_id)``.

    Args:
        session: A session of ``as_service()``.
        user_id: The key of the account, of the type ``roles.caller_type``.
        product: The product whose tables take part, as in :func:`townhall.migrate.run`.
        metadata: The metadata of the application.
        roles: The roles of the application; with a product they are the product's.

    Returns:
        The rows of each table that has any: ``{"participants": [{"id": …}, …]}``. It is empty
        where nobody has the key.

    Raises:
        ActorError: The session does not act as the service, or policies hide rows from it.
        InputError: The user id is not of the type, or a foreign key is not classified.
        TypeError: The session is none.
    """
    subject = Subject.of(
        session, user_id, product=product, metadata=metadata, roles=roles, commands=READING
    )
    links = subject.links
    account = Account(subject).row()
    exported = {shown_name(links.accounts): [account]} if account is not None else {}
    for table in links.tables_of_people:
        if rows := _rows(subject, table):
            exported[shown_name(table)] = rows
    return exported


def _rows(subject: Subject, table: Table) -> list[Row]:
    # A row may be a person's by several foreign keys. Each has a query, which can use its index.
    place: list[ColumnElement[Any]] = [column("tableoid"), cast(column("ctid"), Text)]
    names = [each.name for each in table.columns]
    found: dict[tuple[Any, ...], Row] = {}
    for path in subject.links.paths_of(table):
        query = (
            select(*place, *map(_as_stored, table.columns))
            .select_from(table)
            .where(subject.rows(path))
            .order_by(*table.primary_key.columns)
        )
        for row in subject.session.execute(query):
            found[tuple(row[: len(place)])] = dict(zip(names, row[len(place) :], strict=True))
    return list(found.values())


def _as_stored(exported: Column[Any]) -> Any:  # noqa: ANN401 - an expression of any type
    """Return a column as it is stored: JSON with a known shape with all its keys."""
    is_document = isinstance(exported.type, Document)
    return type_coerce(exported, Document(None)) if is_document else exported

"""The person whose data is read or erased, and the tables that are looked through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData, Table
from sqlalchemy.orm import Session

from townhall.people.links import Links, Path
from townhall.people.rows import number_of_rows, of_person
from townhall.people.service import CHANGING, key_of, refuse_hidden_rows
from townhall.product import Product, own_product
from townhall.roles import Roles


@dataclass(frozen=True)
class Subject:
    """A person, on a session that acts as the service.

    Attributes:
        session: The session.
        links: The foreign keys by which rows are the person's.
        key: The key of the account.
    """

    session: Session
    links: Links
    key: object

    @classmethod
    def of(  # noqa: PLR0913 - each is a setting of its own
        cls,
        session: Session,
        user_id: object,
        *,
        product: Product | bool,
        metadata: Iterable[MetaData],
        roles: Roles,
        commands: tuple[str, ...],
    ) -> Subject:
        """Return a person, after the changes of the session were written.

        Args:
            session: What a caller passed as the session.
            user_id: What a caller passed as the id.
            product: The product: True for the one that this package ships, False for none.
            metadata: The metadata of the application.
            roles: The roles of the application; with a product they are the product's.
            commands: What is to be done with the rows, as for :func:`refuse_hidden_rows`.

        Raises:
            ActorError: The session does not act as the service, or policies hide rows from it.
            InputError: The user id is not of the type, or a foreign key is not classified.
            TypeError: The session is none.
        """
        if product is True:
            product = own_product()
        every = [product.metadata, *metadata] if product else [*metadata]
        key = key_of(session, user_id, product.roles if product else roles)
        links = Links(dict.fromkeys(every))
        session.flush()
        others = links.tables_with_address_alone if commands == CHANGING else []
        refuse_hidden_rows(session, [*links.tables_of_people, *others], commands)
        return cls(session, links, key)

    def rows(self, path: Path) -> ColumnElement[bool]:
        """Return the condition that a row is the person's by a path."""
        return of_person(path, self.account_column(path), self.key)

    def account_column(self, path: Path) -> Column[Any]:
        """Return the column at the end of a path that has the key of an account."""
        return self.links.account_column(path[-1])

    def number(self, table: Table, conditions: Iterable[ColumnElement[bool]]) -> int:
        """Return the number of rows of a table for which one of some conditions holds."""
        return self.session.scalar(number_of_rows(table, conditions)) or 0

"""The account of a person, as far as the role of a session may read and delete it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy import CursorResult, column, delete, select, table, text
from sqlalchemy.sql.expression import ColumnClause, TableClause

from townhall.base.people import Accounts, declared_in
from townhall.people.columns import email_columns
from townhall.people.service import hidden, name_in_sql
from townhall.people.subject import Subject

_PRIVILEGES = text(
    """
    select
        array(
            select a.attname::text
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            order by a.attnum
        ) as columns,
        array(
            select a.attname::text
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid
                and a.attnum > 0
                and not a.attisdropped
                and pg_catalog.has_schema_privilege(n.oid, 'usage')
                and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
            order by a.attnum
        ) as readable,
        pg_catalog.has_any_column_privilege(c.oid, 'update') as is_lockable,
        pg_catalog.has_table_privilege(c.oid, 'delete') as is_deletable
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = :schema and c.relname = :name
    """
)


@dataclass(frozen=True)
class _Privileges:
    columns: Collection[str] = ()
    readable: Collection[str] = ()
    is_lockable: bool = False
    is_deletable: bool = False


class Account:
    """The account of a person."""

    def __init__(self, subject: Subject) -> None:
        """Read what the role of the session may do with it.

        Args:
            subject: The person.
        """
        session, links = subject.session, subject.links
        self._session, self._key_value = session, subject.key
        schema, _, name = links.accounts.partition(".")
        self._declared = links.tables.get(links.accounts)
        self._key = links.account_key
        found = session.execute(_PRIVILEGES, {"schema": schema, "name": name}).mappings().first()
        self._privileges = _Privileges(**found) if found is not None else _Privileges()
        self._table: TableClause = (
            self._declared
            if self._declared is not None
            else table(name, *map(_column, self._privileges.columns), schema=schema)
        )

    @cached_property
    def is_readable(self) -> bool:
        """Whether the role sees it if it exists."""
        return self._may_read(self._table.c[self._key].name) and self._sees("r")

    @cached_property
    def is_deletable(self) -> bool:
        """Whether the role may delete it."""
        return self.is_readable and self._privileges.is_deletable and self._sees("d")

    def lock(self) -> bool:
        """Lock it until the end of the transaction, so that no new row refers to it.

        Returns:
            Whether it is there; false as well where the role can't read it.
        """
        if not self.is_readable:
            return False
        query = select(self._table.c[self._key]).where(self._is_it)
        if self._privileges.is_lockable and self._sees("w"):
            query = query.with_for_update()
        return self._session.execute(query).first() is not None

    def row(self) -> dict[str, Any] | None:
        """Return the declared columns of it that the role may read, or None where it sees none."""
        if self._declared is None or not self.is_readable:
            return None
        columns = [each for each in self._declared.columns if self._may_read(each.name)]
        found = self._session.execute(select(*columns).where(self._is_it)).first()
        names = (each.name for each in columns)
        return None if found is None else dict(zip(names, found, strict=True))

    def addresses(self) -> list[str]:
        """Return the e-mail addresses that it has proved, as far as the role may read them."""
        if self._declared is None or not self.is_readable or not self._is_confirmed():
            return []
        columns = [each for each in email_columns(self._declared) if self._may_read(each.name)]
        if not columns:
            return []
        found = self._session.execute(select(*columns).where(self._is_it)).first()
        return [each for each in found or () if each]

    def delete(self) -> bool:
        """Delete it; returns whether it was there."""
        done = self._session.execute(delete(self._table).where(self._is_it))
        return cast("CursorResult[Any]", done).rowcount > 0

    @property
    def _is_it(self) -> Any:  # noqa: ANN401 - a condition on a column of any type
        return self._table.c[self._key] == self._key_value

    def _may_read(self, name: str) -> bool:
        return name in self._privileges.readable

    def _is_confirmed(self) -> bool:
        declared = declared_in(self._declared.info) if self._declared is not None else None
        name = declared.confirmed_at if isinstance(declared, Accounts) else None
        if name is None or name not in self._privileges.columns:
            return True
        if not self._may_read(name):
            return False
        query = select(_column(name)).select_from(self._table).where(self._is_it)
        return self._session.scalar(query) is not None

    def _sees(self, command: str) -> bool:
        name = name_in_sql(self._session, self._table)
        return hidden(self._session, [name], (command,)) is None


def _column(name: str) -> ColumnClause[Any]:
    return column(name)

"""The data of a person, erased in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    MetaData,
    Table,
    null,
    text,
    update,
)
from sqlalchemy.orm import Session

from townhall.base.people import LinkKind
from townhall.input_error import InputError
from townhall.people.account import Account
from townhall.people.columns import Values, cleared_values, email_columns
from townhall.people.erasure import AccountState, Deleted, Erasure
from townhall.people.links import is_kept, shown_name
from townhall.people.remaining import (
    account_ids,
    kept_rows,
    of_other_accounts,
    with_account,
    without_owner,
)
from townhall.people.rows import has_address, with_address
from townhall.people.service import CHANGING
from townhall.people.subject import Subject
from townhall.product import Product
from townhall.roles import SUPABASE, Roles

# What the transaction has deleted so far, also by cascades and in tables that nobody declared.
_DELETED = text(
    """
    select n.nspname, c.relname, sum(s.n_tup_del)::bigint
    from pg_catalog.pg_stat_xact_user_tables as s
    join pg_catalog.pg_class as c
        on c.oid = coalesce(pg_catalog.pg_partition_root(s.relid), s.relid)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where s.n_tup_del > 0
    group by n.nspname, c.relname
    """
)


def erase_person(  # noqa: PLR0913 - each is a setting of its own
    session: Session,
    user_id: UUID | int | str,
    *,
    emails: Iterable[str] = (),
    product: Product | bool = True,
    metadata: Iterable[MetaData] = (),
    roles: Roles = SUPABASE,
) -> Erasure:
    """Erase a person: delete the account where the role may, and clear what stays of the person.

    The foreign keys to the account decide what is deleted with it. Of the rows that stay, the
    columns that are declared ``personal`` are cleared, and the link is cut; so are rows without a
    link that have an e-mail address of the person. It is a part of the session's transaction, and
    can be repeated. Of an ``AsyncSession`` call ``await session.run_sync(erase_person, user_id)``.

    Args:
        session: A session of ``as_service()``.
        user_id: The key of the account, of the type ``roles.caller_type``.
        emails: E-mail addresses that the person has proved, beside those of the account; where the
            role may not read accounts, the only ones by which rows without a link are found.
        product: The product whose tables take part, as in :func:`townhall.migrate.run`.
        metadata: The metadata of the application.
        roles: The roles of the application; with a product they are the product's.

    Raises:
        ActorError: The session does not act as the service, or policies hide rows from it.
        InputError: The user id is not of the type, an address is empty, a foreign key is not
            classified, or a personal column can't be cleared.
        TypeError: The session is none, or the addresses are one text.
    """
    addresses = _checked(emails)
    subject = Subject.of(
        session, user_id, product=product, metadata=metadata, roles=roles, commands=CHANGING
    )
    return _Erasing(subject, addresses).run()


def _checked(emails: Iterable[object]) -> list[str]:
    if isinstance(emails, str):
        raise TypeError("emails are several addresses, not one text: pass [address]")
    given = list(emails)
    addresses = [each for each in given if isinstance(each, str) and each.strip()]
    if len(addresses) < len(given):
        raise InputError("an e-mail address in emails is empty, or no text: leave it out")
    return addresses


class _Erasing:
    """One erasure."""

    def __init__(self, subject: Subject, emails: list[str]) -> None:
        self._subject, self._session, self._links = subject, subject.session, subject.links
        self._emails = emails
        self._account = Account(subject)
        self._cleared: Counter[str] = Counter()
        # What refers to a row is found by its link, which is cut after that.
        self._kept = sorted(filter(is_kept, self._links.paths), key=len, reverse=True)
        theirs = [path[0].table for path in self._kept if path[0].kind is LinkKind.PERSON]
        self._values = {
            table: cleared_values(table)
            for table in (*theirs, *self._links.tables_with_address_alone)
        }

    def run(self) -> Erasure:
        """Erase the person."""
        is_there = self._account.lock()
        addresses = [*self._emails, *self._account.addresses()]
        remaining = [*without_owner(self._subject), *kept_rows(self._subject)]
        self._clear_linked()
        if addresses:
            self._clear_unlinked(addresses)
            remaining += of_other_accounts(self._subject, addresses)
        own = self._own_rows()
        state = self._state(is_there=is_there)
        deleted = self._delete(own) if state is AccountState.DELETED else {}
        if state is AccountState.REMAINS:
            remaining += with_account(self._subject, own)
        remaining += account_ids(self._subject)
        return Erasure(
            state,
            deleted,
            {name: number for name, number in sorted(self._cleared.items()) if number},
            tuple(sorted(remaining, key=lambda each: (each.table, each.why))),
        )

    def _state(self, *, is_there: bool) -> AccountState:
        if is_there and self._account.is_deletable:
            return AccountState.DELETED
        may_be_there = is_there or not self._account.is_readable
        return AccountState.REMAINS if may_be_there else AccountState.ABSENT

    def _delete(self, own: dict[str, int]) -> dict[str, Deleted]:
        before = self._deleted_so_far()
        self._account.delete()
        counted = self._deleted_so_far() - before
        own = {**own, shown_name(self._links.accounts): 1}
        # PostgreSQL counts nothing where track_counts is off.
        return {
            name: Deleted(own.get(name, 0), max(counted[name] - own.get(name, 0), 0))
            for name in sorted({*counted, *own})
        }

    def _deleted_so_far(self) -> Counter[str]:
        rows = self._session.execute(_DELETED)
        return Counter({shown_name(f"{schema}.{name}"): number for schema, name, number in rows})

    def _own_rows(self) -> dict[str, int]:
        """Return how many rows go with the account, by table."""
        numbers = {}
        for table in self._links.tables_of_people:
            paths = [path for path in self._links.paths_of(table) if not is_kept(path)]
            if paths and (number := self._subject.number(table, map(self._subject.rows, paths))):
                numbers[shown_name(table)] = number
        return numbers

    def _clear_linked(self) -> None:
        for path in self._kept:
            table = path[0].table
            values = self._values.get(table, {}) if path[0].kind is LinkKind.PERSON else {}
            account = self._subject.account_column(path)
            cut: Values = {account: null()} if len(path) == 1 and account.nullable else {}
            number = self._update(table, self._subject.rows(path), {**values, **cut})
            if values:
                self._cleared[shown_name(table)] += number

    def _clear_unlinked(self, addresses: list[str]) -> None:
        for path in self._kept:
            table, root = path[0].table, path[-1]
            account = self._subject.account_column(path)
            if path[0].kind is LinkKind.PERSON and account.nullable and email_columns(root.table):
                condition = with_address(path, account, addresses)
                self._cleared[shown_name(table)] += self._update(
                    table, condition, self._values[table]
                )
        for table in self._links.tables_with_address_alone:
            condition = has_address(table, addresses)
            self._cleared[shown_name(table)] += self._update(table, condition, self._values[table])

    def _update(self, table: Table, condition: ColumnElement[bool], values: Values) -> int:
        if not values:
            return 0
        done = self._session.execute(update(table).where(condition).values(values))
        return cast("CursorResult[Any]", done).rowcount

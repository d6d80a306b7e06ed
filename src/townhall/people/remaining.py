"""What an erasure leaves, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, exists

from townhall.base.people import AccountId, Kept, LinkKind, Owners, declared_in
from townhall.people.columns import email_columns, undeclared_texts
from townhall.people.erasure import Remaining
from townhall.people.links import is_kept, shown_name
from townhall.people.rows import has_address
from townhall.people.subject import Subject
from townhall.session import Actor
from townhall.session.registry import ACTOR_KEY

_CLEARED = "they stay without what tells of the person"
_UNDECLARED = (
    "it is not declared whether they tell of the person: give each column info=personal() or"
    " kept(…), and clear what tells of them"
)
_MADE = "the person made it, and it stays without the link"
_ONLY_OWNER = "the person was the only owner: make another member one, or delete it"
_OF_ANOTHER = (
    "an address of the person stands in the row of another account: ask that person, or correct"
    " the row"
)
_WITH_ACCOUNT = "they go with the account, which is not deleted yet"


def kept_rows(subject: Subject) -> Iterator[Remaining]:
    """Yield the rows that stay when the account goes; before their links are cut.

    Args:
        subject: The person.
    """
    for table in subject.links.tables_of_people:
        for kind in (LinkKind.PERSON, LinkKind.ACTOR):
            paths = [
                path
                for path in subject.links.paths_of(table)
                if is_kept(path) and path[0].kind is kind
            ]
            number = subject.number(table, map(subject.rows, paths)) if paths else 0
            if number and kind is LinkKind.ACTOR:
                yield Remaining(shown_name(table), number, _MADE)
            elif number:
                yield from _kept_columns(table, number)


def _kept_columns(table: Table, number: int) -> Iterator[Remaining]:
    reasons: dict[str, list[str]] = {}
    for column in table.columns:
        declared = declared_in(column.info)
        if isinstance(declared, Kept):
            reasons.setdefault(declared.why, []).append(column.name)
    if undeclared := undeclared_texts(table):
        reasons[_UNDECLARED] = [each.name for each in undeclared]
    for why, columns in reasons.items():
        yield Remaining(shown_name(table), number, why, tuple(columns))
    if not reasons:
        yield Remaining(shown_name(table), number, _CLEARED)


def without_owner(subject: Subject) -> Iterator[Remaining]:
    """Yield the groups that the person is the only owner of; before the account is deleted.

    Args:
        subject: The person.
    """
    for table in subject.links.tables_of_people:
        declared = declared_in(table.info)
        if not isinstance(declared, Owners):
            continue
        other = table.alias()
        for path in subject.links.paths_of(table):
            if len(path) > 1:
                continue
            has_other = exists().where(
                other.c[declared.group] == table.c[declared.group],
                other.c[declared.role] == declared.owner,
                other.c[subject.account_column(path).key] != subject.key,
            )
            alone = and_(subject.rows(path), table.c[declared.role] == declared.owner, ~has_other)
            if number := subject.number(table, [alone]):
                yield Remaining(_group_of(table, declared), number, _ONLY_OWNER)


def _group_of(table: Table, declared: Owners) -> str:
    targets = (each.target_fullname for each in table.c[declared.group].foreign_keys)
    return next((each.rpartition(".")[0] for each in targets), shown_name(table))


def of_other_accounts(subject: Subject, addresses: Collection[str]) -> Iterator[Remaining]:
    """Yield the rows of other accounts that have an address of the person.

    Args:
        subject: The person, whose own links are cut.
        addresses: The e-mail addresses of the person.
    """
    for path in subject.links.paths:
        link = path[0]
        emails = email_columns(link.table)
        if len(path) == 1 and link.kind is LinkKind.PERSON and emails:
            account = subject.account_column(path)
            of_another = and_(account != subject.key, has_address(link.table, addresses))
            if number := subject.number(link.table, [of_another]):
                columns = tuple(each.name for each in emails)
                yield Remaining(shown_name(link.table), number, _OF_ANOTHER, columns)


def with_account(subject: Subject, own: Mapping[str, int]) -> Iterator[Remaining]:
    """Yield an account that could not be deleted, and the rows that go with it.

    Args:
        subject: The person.
        own: The numbers of these rows, by table.
    """
    actor: Actor = subject.session.info[ACTOR_KEY]
    accounts, role = shown_name(subject.links.accounts), actor.role
    yield Remaining(
        accounts,
        1,
        f"{role} may not delete accounts: delete it by the API of the accounts (on Supabase"
        f" auth.admin.deleteUser), or grant select, update, delete on {accounts} to {role} and call"
        " erase_person again",
    )
    for name, number in own.items():
        yield Remaining(name, number, _WITH_ACCOUNT)


def account_ids(subject: Subject) -> Iterator[Remaining]:
    """Yield the rows of others in which the key of the account stands without a foreign key.

    Args:
        subject: The person.
    """
    for _, table in sorted(subject.links.tables.items()):
        for column in table.columns:
            declared = declared_in(column.info)
            if isinstance(declared, AccountId):
                condition = and_(column == subject.key, *_of_another(subject, column))
                if number := subject.number(table, [condition]):
                    columns = (column.name, *declared.along)
                    yield Remaining(shown_name(table), number, declared.why, columns)


def _of_another(subject: Subject, column: Column[Any]) -> Iterator[ColumnElement[bool]]:
    # An index on the rows in which the two differ serves it.
    for path in subject.links.paths_of(column.table):
        if len(path) == 1:
            account = subject.account_column(path)
            yield account.is_distinct_from(column) if account.nullable else column != account

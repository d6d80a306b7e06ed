"""What the growing tables are measured on: the rows, and the same tables by month and with BRIN."""

from __future__ import annotations

import re
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

_LITERAL = {"no_parameters": True}
COACH = UUID(int=0xC0)
TENANT, QUIET_TENANT = UUID(int=0x70), UUID(int=0x71)
PLAIN, BY_MONTH, WITH_BRIN = "public", "by_month", "with_brin"
MONTHS = 24

_TENANTS, _USERS = 1_000, 10_000
_QUIET_ROWS = 60
_FIRST = "timestamptz '2026-01-01 00:00+00'"
_WHEN = f"{_FIRST} + n * (interval '{MONTHS} months' / cast(:rows as float8))"
# Of the coach's tenants one has as many events as each of the others, and one a few old ones.
_TENANT = f"""
    case
        when n <= {_QUIET_ROWS} then cast('{QUIET_TENANT}' as uuid)
        when n % {_TENANTS} = 0 then cast('{TENANT}' as uuid)
        else cast(md5('tenant ' || n % {_TENANTS}) as uuid)
    end
"""


def user(number: int) -> UUID:
    """Return the key of one of the users, who are numbered from 0."""
    return UUID(int=0xA0000 + number)


def _user(number: str) -> str:
    return f"cast(lpad(to_hex({0xA0000} + ({number}) % {_USERS}), 32, '0') as uuid)"


class Growing(NamedTuple):
    """A table to which rows are only added.

    Attributes:
        name: The table.
        time: The column of its time.
        person: The column of the account whose rows are read and erased.
        erase: What erases an account from a row.
        columns: The columns that are filled.
        values: Their values for row ``n``.
    """

    name: str
    time: str
    person: str
    erase: str
    columns: str
    values: str

    def insert(self, when: str = _WHEN) -> str:
        """Return the statement that adds the rows from ``:first`` to ``:last``.

        Args:
            when: The time of row ``n``.
        """
        return f"""
            insert into {self.name} ({self.columns}, {self.time})
            select {self.values}, {when}
            from generate_series(cast(:first as integer), cast(:last as integer)) as n
        """


GROWING = (
    Growing(
        "usage_events",
        "created_at",
        "user_id",
        "update usage_events set user_id = null",
        "tenant_id, user_id, event_type, model_used, tokens_used, cost_cents",
        f"""
            {_TENANT},
            {_user("n / 7")},
            (array['chat', 'report', 'visit'])[1 + n % 3],
            (array['large', 'small', null])[1 + n / 7 % 3],
            n % 5000,
            n % 100 / 10.0
        """,
    ),
    Growing(
        "consent_audit_log",
        "changed_at",
        "user_id",
        "delete from consent_audit_log",
        "user_id, category, previous_value, new_value, changed_by",
        f"{_user('n / 7')}, 'benchmarks', n % 2 = 0, n % 2 = 1, {_user('n / 7')}",
    ),
    Growing(
        "reputation_events",
        "created_at",
        "user_id",
        "delete from reputation_events",
        "user_id, event_type, points",
        f"{_user('n / 7')}, 'intro_made', n % 5",
    ),
    Growing(
        "founder_messages",
        "created_at",
        "sender_id",
        "delete from founder_messages",
        "sender_id, recipient_id, content",
        f"{_user('n / 7')}, {_user('n / 7 + 1 + n % 20')}, 'Message ' || n",
    ),
)

_ACCOUNTS = (
    f"""
    insert into auth.users (id, email)
    select {_user("n")}, n || '@example.org' from generate_series(0, {_USERS - 1}) as n
    """,
    f"insert into auth.users (id, email) values ('{COACH}', 'coach@example.org')",
    f"""
    insert into tenant_profiles (id, slug, display_name)
    select cast(md5('tenant ' || n) as uuid), 'tenant-' || n, 'Tenant'
    from generate_series(1, {_TENANTS - 1}) as n
    """,
    f"""
    insert into tenant_profiles (id, slug, display_name, user_id)
    values ('{TENANT}', 'mine', 'Mine', '{COACH}'), ('{QUIET_TENANT}', 'quiet', 'Quiet', '{COACH}')
    """,
)


def fill(connection: Connection, rows: int) -> None:
    """Fill the tables, in the order of time, and make the same by month and with BRIN.

    Args:
        connection: A superuser's connection to a database at head, in a transaction.
        rows: How many rows each table gets.
    """
    # Without triggers and foreign keys, which are as they are after it.
    connection.exec_driver_sql("set local session_replication_role = replica")
    for statement in _ACCOUNTS:
        connection.execute(text(statement))
    for each in GROWING:
        connection.execute(text(each.insert()), {"first": 1, "last": rows, "rows": rows})
        # Those of the copies are built after their rows as well.
        connection.exec_driver_sql(f"reindex table {each.name}")
    for schema, tables in ((BY_MONTH, GROWING), (WITH_BRIN, GROWING[:1])):
        connection.exec_driver_sql(f"create schema {schema}")
        connection.exec_driver_sql(f"grant usage on schema {schema} to authenticated")
        for each in tables:
            _copy(connection, schema, each)


def partition(table: Growing, month: int) -> str:
    """Return the name of a partition.

    Args:
        table: The table.
        month: The number of its month, from 0.
    """
    return f"{BY_MONTH}.{table.name}_{month}"


def month_of(table: Growing, month: int) -> str:
    """Return the condition of a month.

    Args:
        table: The table.
        month: Its number, from 0.
    """
    return f"{table.time} >= {_begin(month)} and {table.time} < {_begin(month + 1)}"


def _begin(month: int) -> str:
    return f"timestamptz '{2026 + month // 12}-{1 + month % 12:02}-01 00:00+00'"


def _copy(connection: Connection, schema: str, table: Growing) -> None:
    name = f"{schema}.{table.name}"
    is_by_month = schema == BY_MONTH
    connection.exec_driver_sql(
        f"create table {name} (like {PLAIN}.{table.name} including all excluding indexes)"
        + (f" partition by range ({table.time})" if is_by_month else "")
    )
    # One month ahead, as retention keeps it.
    for month in range(MONTHS + 2) if is_by_month else ():
        connection.exec_driver_sql(
            f"create table {partition(table, month)} partition of {name}"
            f" for values from ({_bound(month)}) to ({_bound(month + 1)})"
        )
    connection.exec_driver_sql(
        f"insert into {name} select * from {PLAIN}.{table.name} order by {table.time}"
    )
    key = f"id, {table.time}" if is_by_month else "id"
    connection.exec_driver_sql(f"alter table {name} add primary key ({key})")
    parts = _PARTS.format(relation=f"'{PLAIN}.{table.name}'::regclass")
    mention = re.compile(rf"( on | table )({PLAIN}\.)?{table.name} ", re.IGNORECASE)
    for part in connection.exec_driver_sql(parts, execution_options=_LITERAL).scalars().all():
        statement = mention.sub(rf"\1{name} ", part)
        if schema == WITH_BRIN:
            statement = statement.replace("USING btree (created_at)", "USING brin (created_at)")
        connection.exec_driver_sql(statement, execution_options=_LITERAL)


def _bound(month: int) -> str:
    return _begin(month).removeprefix("timestamptz ")


# Only what reading and writing of the comparison goes through.
_PARTS = """
    select pg_get_indexdef(i.indexrelid)
    from pg_index as i
    where i.indrelid = {relation} and not i.indisprimary
    union all
    select format('alter table %s add %s', {relation}, pg_get_constraintdef(k.oid))
    from pg_constraint as k
    where k.conrelid = {relation} and k.contype = 'f'
    union all
    select pg_get_triggerdef(t.oid)
    from pg_trigger as t
    where t.tgrelid = {relation} and not t.tgisinternal
    union all
    select format(
        'create policy %I on %s for select to authenticated using (%s)',
        p.polname,
        {relation},
        pg_get_expr(p.polqual, p.polrelid)
    )
    from pg_policy as p
    where p.polrelid = {relation} and p.polcmd = 'r'
    union all
    select format('alter table %s enable row level security', {relation})
    union all
    select format('grant select on table %s to authenticated', {relation})
"""

"""A row that breaks each constraint of every declared table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from townhall import metadata
from townhall.pg.dialect import named_dialect

TABLES = [each for each in metadata.sorted_tables if each.schema is None]

OF_THE_PLATFORM = {
    "auth.users": "Supabase makes this table and its constraints; adoption leaves them alone.",
}
"""Declared tables whose constraints rows can't break, with the reason."""

BREAKING_VALUES = {
    "BIGINT": "-1",
    "DATE": "'infinity'",
    "INTEGER": "-1",
    "JSONB": "to_jsonb(repeat('x', 1048577))",
    "NUMERIC": "-1",
    "SMALLINT": "-1",
    "TEXT": "repeat('- ', 10001)",
    "TEXT[]": "'{null}'",
    "TIMESTAMP WITH TIME ZONE": "'infinity'",
}
"""A value that breaks the checks of a column alone, by its type: an SQL expression."""

BREAKING_ROWS = {
    "ck_communities_parent_is_another": {
        "id": "'00000000-0000-4000-8000-000000000001'",
        "parent_community_id": "'00000000-0000-4000-8000-000000000001'",
    },
    "ck_engagement_streaks_longest_is_longest": {"current_streak": "2", "longest_streak": "1"},
    "ck_events_ends_after_start": {"starts_at": "'2026-10-02'", "ends_at": "'2026-10-01'"},
    "ck_founder_connections_between_two": {
        "requester_id": "'00000000-0000-4000-8000-000000000001'",
        "recipient_id": "'00000000-0000-4000-8000-000000000001'",
    },
    "ck_founder_connections_blocked_by_a_party": {
        "status": "'blocked'",
        "blocked_by_requester": "false",
        "blocked_by_recipient": "false",
    },
    "ck_tenant_profiles_brand_config_colors_are_hex": {
        "brand_config": """'{"colors": {"primary": "red"}}'"""
    },
    "ck_tenant_profiles_brand_config_fonts_are_names": {
        "brand_config": """'{"fonts": {"body": "a; b"}}'"""
    },
    "ck_tenant_profiles_brand_config_logo_is_url": {
        "brand_config": """'{"logo": {"url": "javascript:a"}}'"""
    },
    "ck_tenant_profiles_brand_config_width_is_number": {
        "brand_config": """'{"logo": {"width": "wide"}}'"""
    },
    "ck_tenant_profiles_custom_domain_verified_at_has_domain": {
        "custom_domain": "null",
        "custom_domain_verified_at": "'2026-10-01'",
    },
    "ck_tenant_profiles_email_config_from_name_is_plain": {
        "email_config": """'{"fromName": "a <b>"}'"""
    },
    "ck_tenant_profiles_email_config_reply_to_is_address": {
        "email_config": """'{"replyTo": "nowhere"}'"""
    },
    "ck_wizard_sessions_completed_at_fits_status": {
        "status": "'completed'",
        "completed_at": "null",
    },
}
"""Values that break a check of several columns, or of the content of a document."""

FIRST_ROWS = {
    "participant_tracks": {"is_primary": "true"},
    "tenant_profiles": {
        "custom_domain": "'cedar.example.org'",
        "custom_domain_verified_at": "'2026-10-01'",
    },
}
"""Values of the first row that make it one of those which a partial unique index is about."""

_DIALECT = named_dialect()


@dataclass(frozen=True)
class Breaking:
    """A row that breaks a constraint, and is without values but for its key and these.

    Attributes:
        table: The name of the table.
        object: The constraint as findings name it: ``constraint public.events pk_events``.
        values: SQL expressions by column.
        repeated: The columns that have the values of the first row.
    """

    table: str
    object: str
    values: Mapping[str, str]
    repeated: frozenset[str] = frozenset()


def breaking_rows(table: Table) -> Iterator[Breaking]:
    """Yield a row that breaks each constraint and unique index of a table.

    Args:
        table: A declared table.
    """
    for constraint in table.constraints:
        object_ = f"constraint public.{table.name} {constraint.name}"
        match constraint:
            case CheckConstraint():
                values = BREAKING_ROWS.get(str(constraint.name)) or _beyond(constraint, table)
                yield Breaking(table.name, object_, values)
            case ForeignKeyConstraint():
                values = {each.name: unused(object_) for each in constraint.columns}
                yield Breaking(table.name, object_, values)
            case PrimaryKeyConstraint() | UniqueConstraint():
                repeated = frozenset(each.name for each in constraint.columns)
                yield Breaking(table.name, object_, {}, repeated)
            case _:
                raise TypeError(f"no row is known that breaks {constraint!r}")
    for index in table.indexes:
        if index.unique:
            object_ = f"index public.{table.name} {index.name}"
            yield Breaking(table.name, object_, {}, frozenset(_indexed(index, table)))


def required_columns(table: Table) -> list[str]:
    """Return the columns that are declared to refuse NULL."""
    return [each.name for each in table.columns if not each.nullable]


def unused(name: str) -> str:
    # A key that no row has.
    return f"'{uuid5(NAMESPACE_OID, name)}'"


def _beyond(check: CheckConstraint, table: Table) -> dict[str, str]:
    (name,) = _named(str(check.sqltext), table)
    type_ = type_in_sql(table.columns[name]).partition("(")[0]
    return {name: BREAKING_VALUES[type_]}


def _indexed(index: Index, table: Table) -> list[str]:
    parts = [*index.expressions, index.dialect_options["postgresql"]["where"]]
    return _named(" ".join(map(str, parts)), table)


def _named(expression: str, table: Table) -> list[str]:
    return [each.name for each in table.columns if re.search(rf"\b{each.name}\b", expression)]


def type_in_sql(column: Column[Any]) -> str:
    return column.type.compile(_DIALECT)

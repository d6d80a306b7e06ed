"""Every declared table without its constraints, and a row that breaks each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, text

from tests.support.broken import FIRST_ROWS, TABLES, Breaking, breaking_rows, type_in_sql, unused

Rows = Mapping[str, Sequence[str]]
"""Rows of each table, as JSON, by its name."""


def load_broken(connection: Connection, first_rows: Rows) -> dict[str, str]:
    """Make every declared table without constraints, with rows that break each of ours.

    Args:
        connection: A connection as the role that is to own the tables.
        first_rows: Rows without faults.

    Returns:
        The place in its table of each breaking row, by the constraint as findings name it.
    """
    places = {}
    for table in TABLES:
        name = f"public.{table.name}"
        columns = ", ".join(f'"{each.name}" {type_in_sql(each)}' for each in table.columns)
        _run(connection, f"create table {name} ({columns})")
        for row in first_rows[table.name]:
            record = f"jsonb_populate_record(null::{name}, $row${row}$row$)"
            _run(connection, f"insert into {name} select * from {record}")
        for column, value in FIRST_ROWS.get(table.name, {}).items():
            _run(connection, f"update {name} set {column} = {value}")
        _run(connection, f"create temporary table first_row as table {name} limit 1")
        # Without a value in any column, also in those that refuse NULL.
        _run(connection, f"insert into {name} default values")
        for breaking in breaking_rows(table):
            places[breaking.object] = str(_run(connection, _insert(breaking)).scalar_one())
        _run(connection, "drop table first_row")
    return places


def correct(connection: Connection, first_rows: Rows) -> None:
    """Delete what :func:`load_broken` has added to rows without faults.

    Args:
        connection: A connection as the role that owns the tables.
        first_rows: The rows that :func:`load_broken` was given.
    """
    for table in TABLES:
        connection.execute(
            text(
                f"""
                delete from public.{table.name}
                where ctid <> all (
                    select min(t.ctid)
                    from public.{table.name} as t
                    where t.id::text = any(:keys)
                    group by t.id
                )
                """
            ),
            {"keys": [json.loads(row)["id"] for row in first_rows[table.name]]},
        )


def _insert(row: Breaking) -> str:
    repeated = {each: f"first_row.{each}" for each in row.repeated}
    values = {"id": unused(f"key of {row.object}"), **row.values, **repeated}
    names = ", ".join(f'"{each}"' for each in values)
    found = f"select {', '.join(values.values())} from first_row"
    return f"insert into public.{row.table} ({names}) {found} returning ctid::text"


def _run(connection: Connection, statement: str) -> CursorResult[Any]:
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

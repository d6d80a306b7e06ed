"""Reading what Alembic compares of tables and no more, for several schemas as for one.

Alembic reads each part of all tables at once, such as their columns, and keeps what it has read of
the schema that comes first, which may be any. Each part of each table of the other schemas it then
reads with a statement of its own. It also reads parts that it does not compare, and parts that no
table has, for each of which SQLAlchemy makes a long query.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial, wraps
from typing import Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Inspector

from townhall.pg.catalog import TableName, tables_with_parts

_Read = Callable[..., dict[Any, Any]]
_Tables = Mapping[str | None, Sequence[str]]


def _no_comment() -> dict[str, None]:
    return {"text": None}


_SELDOM: Mapping[str, Callable[[], object]] = {
    "foreign_keys": list,
    "indexes": list,
    "unique_constraints": list,
    "table_comment": _no_comment,
}
"""What only some tables have, with what the inspector returns for the others."""

_NOT_COMPARED: Mapping[str, Callable[[], object]] = {
    "pk_constraint": dict,
    "check_constraints": list,
    "table_options": dict,
}
"""What only a table that is dropped would need, which comes back by PostgreSQL's definition."""


def read_schemas_together(
    context: AutogenContext, connection: Connection, schemas: set[str | None]
) -> None:
    """Make the inspector of a comparison read each part of the tables of all schemas at once.

    What Alembic does not compare is not read, and what a table does not have neither.

    Args:
        context: The context of the comparison.
        connection: Its connection.
        schemas: The schemas that are compared.
    """
    inspector = context.inspector
    tables = {schema: _tables(context, schema) for schema in schemas}
    with_parts = tables_with_parts(connection, [*map(_name, schemas)])
    for part, empty in _NOT_COMPARED.items():
        _replace(inspector, part, partial(_of_some, tables, empty, ()))
    for part, empty in _SELDOM.items():
        _replace(inspector, part, partial(_of_some, tables, empty, with_parts.get(part, ())))
    if len(schemas) > 1:
        _replace(inspector, "columns", partial(_of_all, tables))


def _name(schema: str | None) -> str:
    return schema or "public"


def _tables(context: AutogenContext, schema: str | None) -> Sequence[str]:
    return [
        name
        for name in context.inspector.get_table_names(schema=schema)
        if context.run_name_filters(name, "table", {"schema_name": schema})
    ]


def _replace(inspector: Inspector, part: str, replacement: Callable[[_Read], _Read]) -> None:
    name = f"get_multi_{part}"
    read = getattr(inspector, name)
    # Alembic looks at the name of the method.
    setattr(inspector, name, wraps(read)(replacement(read)))


def _of_some(
    tables: _Tables, empty: Callable[[], object], having: Collection[TableName], read: _Read
) -> _Read:
    read_some = _of_all(
        {
            schema: [name for name in names if (_name(schema), name) in having]
            for schema, names in tables.items()
        },
        read,
    )
    found = {(schema, name): empty() for schema, names in tables.items() for name in names}
    return lambda **_: found | read_some()


def _of_all(tables: _Tables, read: _Read) -> _Read:
    def of_all(**_: object) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for schema, names in tables.items():
            if names:
                found |= read(schema=schema, filter_names=names)
        return found

    return of_all

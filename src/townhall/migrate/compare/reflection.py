"""Reading what Alembic compares of tables, in as many statements for several schemas as for one.

Alembic reads each part of all tables at once, such as their columns, and keeps what it has read of
the schema that comes first, which may be any. Each part of each table of the other schemas it then
reads with a statement of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from alembic.autogenerate.api import AutogenContext

_Read = Callable[..., dict[Any, Any]]

_PARTS = (
    "columns",
    "pk_constraint",
    "foreign_keys",
    "indexes",
    "unique_constraints",
    "table_comment",
    "check_constraints",
    "table_options",
)


def read_schemas_together(context: AutogenContext, schemas: set[str | None]) -> None:
    """Make the inspector of a comparison read each part of the tables of all schemas at once.

    Args:
        context: The context of the comparison.
        schemas: The schemas that are compared.
    """
    if len(schemas) > 1:
        tables = {schema: _tables(context, schema) for schema in schemas}
        for part in _PARTS:
            name = f"get_multi_{part}"
            setattr(context.inspector, name, _of_all(tables, getattr(context.inspector, name)))


def _tables(context: AutogenContext, schema: str | None) -> Sequence[str]:
    return [
        name
        for name in context.inspector.get_table_names(schema=schema)
        if context.run_name_filters(name, "table", {"schema_name": schema})
    ]


def _of_all(tables: Mapping[str | None, Sequence[str]], read: _Read) -> _Read:
    @wraps(read)
    def of_all(**_: object) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for schema, names in tables.items():
            if names:
                found |= read(schema=schema, filter_names=names)
        return found

    return of_all

"""Steps that give an existing table the comments that are declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from townhall.adopt.step import Step
from townhall.pg import sql
from townhall.pg.catalog import Table


def comment(declared: Table, actual: Table) -> Iterable[Step]:
    """Yield what sets the comments that a table and its columns lack.

    Args:
        declared: The table as declared.
        actual: The table as it is; the columns that it lacks are added before.
    """
    known = dict(_comments(actual))
    statements = [
        f"comment on {target} is {sql.literal(text)}"
        for target, text in _comments(declared)
        if text is not None and known.get(target) != text
    ]
    if statements:
        title = f"comment on {sql.qualified(declared.schema, declared.name)}"
        yield Step(title, tuple(statements))


def _comments(table: Table) -> Iterator[tuple[str, str | None]]:
    target = sql.qualified(table.schema, table.name)
    yield f"table {target}", table.comment
    for column in table.columns.values():
        yield f"column {target}.{sql.quote(column.name)}", column.comment

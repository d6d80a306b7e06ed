"""Declared comments on constraints and indexes.

SQLAlchemy has ``comment=`` for foreign keys alone. Any other constraint or an index has its comment
in ``info={"comment": "…"}``.
"""

from __future__ import annotations

from sqlalchemy import Constraint, Index, Table

from townhall.migrate.compare.constraints import by_name
from townhall.migrate.compare.table_states import Part, TableState


def declared_comments(table: Table, actual: TableState | None) -> dict[Part, str]:
    """Return the declared comments on the constraints and indexes of a table.

    Args:
        table: The declared table.
        actual: The state of the table in the database, if it exists.
    """
    constraints = by_name(filter(_comment, table.constraints), actual)
    parts: dict[Part, Constraint | Index] = {
        **{("constraint", name): each for name, each in constraints.items()},
        **{("index", str(each.name)): each for each in table.indexes},
    }
    return {part: text for part, each in parts.items() if (text := _comment(each))}


def _comment(part: Constraint | Index) -> str | None:
    comment: str | None = getattr(part, "comment", None) or part.info.get("comment")
    return comment

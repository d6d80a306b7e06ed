"""The constraints and indexes that a revision adds to tables, for what asks before it runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Index, Table
from sqlalchemy.schema import AddConstraint, CreateIndex

from townhall.pg.dialect import named_dialect

_OPTION = "townhall_created_parts"


class CreatedPart(NamedTuple):
    """A constraint or an index that a revision adds to a table.

    Attributes:
        table: Schema and name of the table.
        kind: ``constraint``, ``index`` or ``unique index``.
        name: Its name.
        definition: What follows the name of a constraint, or the table of an index.
    """

    table: tuple[str, str]
    kind: str
    name: str
    definition: str


def collect_created_parts(context: MigrationContext) -> list[CreatedPart]:
    """Return the list to which a revision adds what it adds to tables, instead of adding it.

    Args:
        context: The migration context in which the revision is going to run, as a script.
    """
    parts: list[CreatedPart] = []
    context.opts[_OPTION] = parts

    def take(part: Any, **_: Any) -> None:  # noqa: ANN401 - Alembic's
        parts.extend(_part_of(part))

    vars(context.impl).update(create_index=take, add_constraint=take)
    return parts


def tell_created_part(context: MigrationContext, part: CreatedPart) -> None:
    """Tell what is going to be added to a table, if that is asked for.

    Args:
        context: The migration context of the revision.
        part: The constraint or the index.
    """
    context.opts.get(_OPTION, []).append(part)


def parts_of_table(table: Table) -> list[CreatedPart]:
    """Return the named constraints and the indexes of a table.

    Args:
        table: A table that a revision creates.
    """
    constraints = sorted(table.constraints, key=lambda each: str(each.name))
    return [found for part in (*constraints, *table.indexes) for found in _part_of(part)]


def _part_of(part: Any) -> list[CreatedPart]:  # noqa: ANN401 - SQLAlchemy's
    table = getattr(part, "table", None)
    if not isinstance(table, Table) or not isinstance(part.name, str):
        return []
    dialect = named_dialect()
    place = (table.schema or "public", table.name)
    if isinstance(part, Index):
        text = str(CreateIndex(part).compile(dialect=dialect))
        target = dialect.identifier_preparer.format_table(table)
        kind = "unique index" if part.unique else "index"
        return [CreatedPart(place, kind, part.name, text.partition(f" ON {target} ")[2])]
    text = str(AddConstraint(part).compile(dialect=dialect))
    name = dialect.identifier_preparer.format_constraint(part)
    return [CreatedPart(place, "constraint", part.name, text.partition(f" CONSTRAINT {name} ")[2])]

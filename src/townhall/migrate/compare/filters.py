"""What an application's filters leave out of the comparison.

They are those of Alembic's ``context.configure``, and asked for entities as alembic-utils does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
)

from townhall.migrate.compare.constraints import by_name
from townhall.migrate.compare.table_states import TableState
from townhall.pg import Entity
from townhall.pg.adapted import Adapted
from townhall.pg.as_alembic_utils import expressed

IncludeName = Callable[[str | None, Any, MutableMapping[Any, str | None]], bool]
IncludeObject = Callable[[Any, str | None, Any, bool, Any], bool]

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Filters:
    """The filters of an application.

    Attributes:
        include_name: Whether a name of the database takes part, as ``include_name`` of Alembic's
            ``context.configure``.
        include_object: Whether a declared or an actual object takes part, as ``include_object``.
    """

    include_name: IncludeName | None = None
    include_object: IncludeObject | None = None

    def with_names(self, own: IncludeName) -> IncludeName:
        """Return a filter of names that lets pass what this one and another one do."""
        theirs = self.include_name
        if theirs is None:
            return own
        return lambda *name: own(*name) and theirs(*name)

    def with_objects(self, own: IncludeObject) -> IncludeObject:
        """Return a filter of objects that lets pass what this one and another one do."""
        theirs = self.include_object
        if theirs is None:
            return own
        return lambda *item: own(*item) and theirs(*item)

    def take_table(self, table: Table) -> bool:
        """Tell whether a declared table takes part."""
        return self._take(table, str(table.name), "table")

    def declared_state(self, table: Table, declared: TableState, actual: TableState) -> TableState:
        """Return the declared state of a table, in which what is left out is as it actually is.

        Args:
            table: The declared table.
            declared: Its state.
            actual: The state of the table in the database.
        """
        if self == NO_FILTERS:
            return declared
        constraints = by_name(table.constraints, actual)
        left_out = {name for name, each in constraints.items() if not self._take_part(each)}
        # Alembic finds every unique constraint that is not declared, and asks the filters for it.
        left_out |= {
            name
            for name, definition in actual.constraints.items()
            if name not in declared.constraints and definition.startswith("UNIQUE")
        }
        columns = {each.name for each in table.columns if not self._take_part(each)}
        indexes = {str(each.name) for each in table.indexes if not self._take_part(each)}
        return replace(
            declared,
            columns=_as_actual(declared.columns, actual.columns, columns),
            constraints=_as_actual(declared.constraints, actual.constraints, left_out),
            foreign_keys=_as_actual(declared.foreign_keys, actual.foreign_keys, left_out),
            indexes=_as_actual(declared.indexes, actual.indexes, indexes),
        )

    def _take_part(self, part: Column[Any] | Constraint | Index) -> bool:
        # Alembic asks for no other kinds.
        kind = next((kind for each, kind in _PARTS.items() if isinstance(part, each)), None)
        name = None if part.name is None else str(part.name)
        return kind is None or self._take(part, name, kind)

    def take_entity(self, entity: Entity, *, is_actual: bool) -> bool:
        """Tell whether an entity takes part.

        The filters get an entity of alembic-utils where it is one, or can be said as one.

        Args:
            entity: A declared entity, or an object of the database.
            is_actual: Whether it is one of the database.
        """
        if self == NO_FILTERS:
            return True
        adapter = entity if isinstance(entity, Adapted) else is_actual and expressed(entity)
        if isinstance(adapter, Adapted):
            item, kind = adapter.target, adapter.target.type_
            name = f"{entity.schema}.{adapter.target.signature}"
        else:
            item, kind = entity, entity.kind.replace(" ", "_")
            name = ".".join(entity.name_parts)
        parents = {"schema_name": entity.schema, "table_name": getattr(entity, "table", None)}
        if is_actual and self.include_name and not self.include_name(name, kind, parents):
            return False
        return self._take(item, name, kind, is_actual=is_actual)

    def _take(self, item: object, name: str | None, kind: str, *, is_actual: bool = False) -> bool:
        include = self.include_object
        return include is None or include(item, name, kind, is_actual, None)


NO_FILTERS = Filters()


def _as_actual(
    declared: Mapping[str, _Part], actual: Mapping[str, _Part], names: Collection[str]
) -> dict[str, _Part]:
    others = {name: each for name, each in declared.items() if name not in names}
    return others | {name: actual[name] for name in names if name in actual}


_PARTS: dict[type[Any], str] = {
    Column: "column",
    Index: "index",
    ForeignKeyConstraint: "foreign_key_constraint",
    UniqueConstraint: "unique_constraint",
}
"""The kinds of parts that Alembic has a filter for."""

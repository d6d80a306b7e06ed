"""Entities of alembic-utils, which take part in the comparison as they are.

One says less of an object than an entity of this package: nothing of comments, of the privileges
on views and functions, of the indexes of a materialized view. What it does not say stays as it is.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from sqlalchemy import Connection, text

from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.alembic_utils import (
    CreateOp,
    DropOp,
    PGExtension,
    PGFunction,
    PGGrantTable,
    PGMaterializedView,
    PGPolicy,
    PGTrigger,
    PGView,
    ReplaceableEntity,
    ReplaceOp,
    SQLParseFailure,
)
from townhall.pg.arguments import without_default
from townhall.pg.catalog import empty_search_path
from townhall.pg.entity import Entity
from townhall.pg.extension import Extension
from townhall.pg.function import Function
from townhall.pg.layout import SECOND_STATEMENT, ZERO_BYTE, has_second_statement, separated
from townhall.pg.policy import Policy
from townhall.pg.table_access import TableAccess
from townhall.pg.trigger import Trigger
from townhall.pg.view import MaterializedView, View
from townhall.pg.written_entities import as_written, spelled

Key = tuple[str, ...]

_OPERATIONS = {"create": CreateOp, "replace": ReplaceOp, "drop": DropOp}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Adapted(Entity):
    """An entity of alembic-utils.

    Attributes:
        target: The entity.
    """

    name_fields: ClassVar[tuple[str, ...]] = ("schema",)
    reader: ClassVar[type[Entity]]
    """The class that reads such objects from the catalogs."""
    stated: ClassVar[tuple[str, ...]]
    """The fields of that class that the entity says something of."""

    target: Any

    def __post_init__(self) -> None:
        """Check nothing: alembic-utils has."""

    @property
    def name_parts(self) -> tuple[str, ...]:
        """The name as alembic-utils has it, which differs between any two entities."""
        return (self.schema, self.target.identity)

    @property
    def identity(self) -> str:
        """The object in alembic-utils' words."""
        return str(self.target.identity)

    @property
    def object_name(self) -> tuple[str, ...]:
        """The name of the object, in which a function's arguments are left out."""
        return (self.schema, self.target.signature)

    @classmethod
    def name_of(cls, found: Entity) -> tuple[str, ...]:
        """Return the same of an object as the catalogs have it."""
        return found.name_parts

    def create_statements(self) -> Iterable[str]:
        """Yield what creates the object, or replaces an existing one."""
        return map(spelled, self.target.to_sql_statement_create_or_replace())

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the object."""
        yield spelled(self.target.to_sql_statement_drop())

    @property
    def written(self) -> ReplaceableEntity | None:
        """The entity as a revision holds it, or None where it would execute something else."""
        return as_written(self.target)

    def found_in(self, actual: Entity | None) -> Entity | None:
        """Return the actual object, or None if what the entity stands for is missing in it."""
        return actual

    def merged(self, created: Entity, actual: Entity) -> Entity:
        """Return the object as declared, with what the entity says nothing of as it is.

        Args:
            created: The object as it was after the entity was created.
            actual: The object as it is.
        """
        return replace(actual, **{name: getattr(created, name) for name in self.stated})

    def as_created(self, created: Entity) -> Entity:
        """Return the created object as an entity of this package that creates it.

        Args:
            created: The object as it was after the entity was created without its rows.
        """
        return created

    def diff_tuple(self, verb: str) -> tuple[Any, ...]:
        """Return the diff tuple that alembic-utils has for an operation.

        Args:
            verb: ``create``, ``replace`` or ``drop``.
        """
        operation: Any = _OPERATIONS[verb]
        return cast("tuple[Any, ...]", operation(self.target).to_diff_tuple())

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Any]:
        """Return nothing: the objects are read as entities of this package."""
        del connection, schemas
        return ()

    @classmethod
    def keys_in_database(cls, connection: Connection, entities: Sequence[Entity]) -> dict[Key, Key]:
        """Return the keys that the created objects have as entities of this package."""
        adapted = cast("Sequence[Adapted]", entities)
        schemas = sorted({name for each in adapted for name in _spellings(each.schema)})
        found: dict[tuple[str, ...], list[Key]] = {}
        with empty_search_path(connection):
            for each in cls.reader.read(connection, schemas):
                found.setdefault(cls.name_of(each), []).append(each.key)
        return {each.key: each.key_among(connection, found) for each in adapted}

    def key_among(
        self, connection: Connection, found: Mapping[tuple[str, ...], Sequence[Key]]
    ) -> Key:
        """Return the key of the created object.

        Args:
            connection: A connection to the database.
            found: The keys of all objects of this kind by name.

        Raises:
            LookupError: There is none.
        """
        del connection
        # In names that alembic-utils does not quote PostgreSQL makes capitals small.
        names = (self.object_name, tuple(map(str.lower, self.object_name)))
        return next(key for name in names for key in found.get(name, ()))


def _spellings(name: str) -> tuple[str, str]:
    return name, name.lower()


class AdaptedFunction(Adapted):
    """A ``PGFunction``."""

    kind = "function"
    reader = Function
    stated = (
        *("arguments", "returns", "language", "body", "volatility", "security", "settings"),
        *("is_strict", "is_leakproof", "parallel", "cost", "rows", "verbatim"),
    )

    @property
    def object_name(self) -> tuple[str, ...]:
        """Schema and name."""
        return (self.schema, self.target.signature.partition("(")[0].strip())

    @property
    def _literal_signature(self) -> str:
        # alembic-utils takes a comma in a default for the end of the argument.
        _, _, arguments = self.target.signature.partition("(")
        inputs = map(without_default, separated(arguments.rpartition(")")[0]))
        name = self.target.literal_signature.partition("(")[0]
        return f"{self.target.literal_schema}.{name}({', '.join(inputs)})"

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the function."""
        yield f"drop function {self._literal_signature}"

    @classmethod
    def name_of(cls, found: Entity) -> tuple[str, ...]:
        """Return schema and name."""
        return (found.schema, cast("Function", found).name)

    def key_among(
        self, connection: Connection, found: Mapping[tuple[str, ...], Sequence[Key]]
    ) -> Key:
        """Return the key of the created function, which may have overloads."""
        overloads = found[self.object_name]
        if len(overloads) == 1:
            return overloads[0]
        # PostgreSQL tells which one the arguments name.
        with connection.begin_nested() as savepoint:
            comment = f"comment on function {self._literal_signature} is '{_MARK}'"
            connection.execute(sql.statement(comment))
            types = connection.scalar(text(_MARKED), {"mark": _MARK})
            savepoint.rollback()
        return next(key for key in overloads if key[-1].endswith(f"({types})"))


_MARK = "townhall: the function that is looked for"
_MARKED = """
    select array_to_string(
        array(
            select pg_catalog.format_type(a.type, null)
            from unnest(p.proargtypes::oid[]) with ordinality as a (type, position)
            order by a.position
        ),
        ', '
    )
    from pg_catalog.pg_proc as p
    where pg_catalog.obj_description(p.oid, 'pg_proc') = :mark
"""


class AdaptedView(Adapted):
    """A ``PGView``."""

    kind = "view"
    reader = View
    stated = ("definition", "columns")

    def create_statements(self) -> Iterable[str]:
        """Yield what creates the view, or drops and creates it where it has other columns."""
        # In alembic-utils' block `into` would name a variable of the block.
        create = spelled(self.target.to_sql_statement_create())
        replacement = create.replace("CREATE VIEW", "create or replace view", 1)
        drop = f"drop view if exists {sql.qualified(*self.object_name)}"
        yield sql.do(
            f"\nbegin\n    execute {sql.literal(replacement)};\nexception when others then\n"
            f"    {drop};\n    execute {sql.literal(create)};\nend\n"
        )


class AdaptedMaterializedView(Adapted):
    """A ``PGMaterializedView``."""

    kind = "materialized view"
    reader = MaterializedView
    stated = ("definition", "columns")

    def as_created(self, created: Entity) -> Entity:
        """Return the created view, with its rows."""
        return replace(created, populated=self.target.with_data)  # type: ignore[call-arg] # a field of the subclass

    def create_without_data_statements(self) -> Iterable[str]:
        """Yield what creates the view without its rows."""
        empty = copy.copy(self.target)
        empty.with_data = False
        return map(spelled, empty.to_sql_statement_create_or_replace())


class _AdaptedOnTable(Adapted):
    @property
    def object_name(self) -> tuple[str, ...]:
        """Schema, table and name."""
        _, _, table = self.target.on_entity.partition(".")
        return (self.schema, table, self.target.signature)


class AdaptedTrigger(_AdaptedOnTable):
    """A ``PGTrigger``."""

    kind = "trigger"
    reader = Trigger
    stated = (
        *("timing", "events", "columns", "level", "condition", "old_table", "new_table"),
        *("function", "arguments", "constraint", "referenced_table", "deferrable", "initially"),
    )


class AdaptedPolicy(_AdaptedOnTable):
    """A ``PGPolicy``."""

    kind = "policy"
    reader = Policy
    stated = ("command", "roles", "using", "check", "permissive")


class AdaptedGrant(Adapted):
    """A ``PGGrantTable``: one privilege of one role on a table."""

    kind = "grant"
    reader = TableAccess

    @property
    def object_name(self) -> tuple[str, ...]:
        """Schema and table."""
        return (self.schema, self.target.table)

    def found_in(self, actual: Entity | None) -> Entity | None:
        """Return the access to the table if the role has the privilege."""
        return actual if isinstance(actual, TableAccess) and self._part(actual) else None

    def merged(self, created: Entity, actual: Entity) -> Entity:
        """Return the actual access to the table with this privilege as it was created."""
        assert isinstance(created, TableAccess)  # noqa: S101 - reader
        assert isinstance(actual, TableAccess)  # noqa: S101 - reader
        before, after = self._part(actual), self._part(created)
        if {*before} == {*after}:
            return actual
        others = [each for each in actual.grants.get(self.target.role, ()) if each not in before]
        grants = {**actual.grants, self.target.role: (*others, *after)}
        return replace(actual, grants=grants)

    def _part(self, access: TableAccess) -> list[str]:
        names = {str(self.target.grant).lower(), "all"}
        grants = access.grants.get(self.target.role, ())
        return [each for each in grants if each.partition(" ")[0] in names]


_ADAPTED: Mapping[type[ReplaceableEntity], type[Adapted]] = {
    PGFunction: AdaptedFunction,
    PGGrantTable: AdaptedGrant,
    PGMaterializedView: AdaptedMaterializedView,
    PGPolicy: AdaptedPolicy,
    PGTrigger: AdaptedTrigger,
    PGView: AdaptedView,
}


def adapted(entity: ReplaceableEntity) -> Entity:
    """Return an entity of alembic-utils as one that takes part in the comparison.

    Args:
        entity: Any entity; one of this package is returned as it is, and a ``PGExtension``, which
            says no less than this package's, becomes one of this package.

    Raises:
        InputError: The entity is of a class that is not known, or alembic-utils can't read its
            definition, or that has a zero byte or a second statement, which would run as well.
    """
    if isinstance(entity, Entity):
        return entity
    known: tuple[type[ReplaceableEntity], ...] = (PGExtension, *_ADAPTED)
    if not isinstance(entity, known):
        raise InputError(
            f"{entity.identity}: {type(entity).__name__} is none of the classes of alembic-utils"
            f" that are compared: {', '.join(sorted(each.__name__ for each in known))}"
        )
    if why := _refused(entity):
        raise InputError(f"{entity.identity}: the definition {why}")
    if isinstance(entity, PGExtension):
        return Extension(schema=entity.schema, name=entity.signature)
    adapter = next(each for of, each in _ADAPTED.items() if isinstance(entity, of))
    return adapter(schema=entity.schema, target=entity)


def _refused(entity: ReplaceableEntity) -> str | None:
    definition = str(getattr(entity, "definition", ""))
    if "\0" in definition:
        return ZERO_BYTE
    has_body = isinstance(entity, PGFunction) and _ATOMIC.search(definition)
    if not has_body and has_second_statement(definition):
        return SECOND_STATEMENT
    try:
        entity.to_sql_statement_create()
    except SQLParseFailure:
        return (
            f"is {definition!r}, in which alembic-utils finds no statement: write it as in its"
            f" documentation of {type(entity).__name__}"
        )
    return None


_ATOMIC = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)

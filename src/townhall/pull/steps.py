"""The steps of the first revision: what each creates, and how that is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from townhall.migrate.operations.bodies import UNCHECKED
from townhall.migrate.write.python_source import (
    quoted,
    render_call,
    render_execution,
    render_name,
)
from townhall.pg import Entity, Extension, Policy, Routine, TableEntity, View, ddl, sql
from townhall.pg.catalog import TableName
from townhall.pg.requirements import guarded
from townhall.pg.state import State
from townhall.pg.table_definition import TableDefinition
from townhall.pull.declarable import Declarable
from townhall.pull.source import Source, roles_of


@dataclass(frozen=True)
class Step:
    """A part of the revision.

    Attributes:
        name: What it creates, in words.
        calls: The Python calls that create it.
        statements: What these calls execute.
        drop_calls: The Python calls that drop it; none where it goes with something else.
        drop_statements: What these calls execute.
        goes_with: The table that a policy goes with. It has to be dropped before it only where it
            reads a table that is dropped earlier.
    """

    name: str
    calls: Sequence[str]
    statements: Sequence[str]
    drop_calls: Sequence[str] = ()
    drop_statements: Sequence[str] = ()
    goes_with: str | None = None

    @property
    def reversed(self) -> Step:
        """The drop as a step of its own."""
        return Step(self.name, self.drop_calls, self.drop_statements)


def schema_steps(names: Iterable[str]) -> Sequence[Step]:
    """Return what creates schemas.

    Args:
        names: The schemas.
    """
    return [*map(_schema, sorted(names))]


def extension_steps(extensions: Iterable[Extension]) -> Sequence[Step]:
    """Return what creates extensions, in the order to try.

    Args:
        extensions: The extensions.
    """
    return [*map(_entity, extensions)]


def steps_of(source: Source, declared: Declarable, existing: State) -> Sequence[Step]:
    """Return what makes a database that has its schemas and extensions, in the order to try.

    Args:
        source: The database.
        declared: Its entities.
        existing: The entities of an empty database, such as the access of the schema ``public``.
    """
    roles = roles_of(source).names
    entities = [each.with_api_roles(roles) for each in declared.made]
    entities = [each for each in entities if not isinstance(each, Extension)]
    first = [each for each in entities if each.precedes_tables]
    later = [each for each in entities if not each.precedes_tables]
    routines = [each for each in later if isinstance(each, Routine)]
    others = [each for each in later if not isinstance(each, Routine)]
    tables = _Tables(source.definitions)
    return [
        *map(_entity, first),
        # A body may read a table that is created later.
        *([_executing("bodies of functions", [UNCHECKED])] if routines else []),
        *map(_entity, routines),
        *tables.steps(),
        *(
            _replacement(each, existing[each.key].with_api_roles(roles))
            if each.key in existing
            else _entity(_placeholder(each, source))
            if each.key in source.circular
            else _policy(each)
            if isinstance(each, Policy) and _goes_with_table(each, source)
            else _entity(each, with_drop=not _goes_with_table(each, source))
            for each in others
            if existing.get(each.key) != each
        ),
        *(
            _replacement(each, _placeholder(each, source))
            for each in others
            if each.key in source.circular
        ),
    ]


def table_step_name(table: str) -> str:
    """Return the name of the step that creates a table.

    Args:
        table: The table as SQL names it.
    """
    return f"table {table}"


class _Tables:
    def __init__(self, definitions: Mapping[TableName, TableDefinition]) -> None:
        self._definitions = {each.name: each for each in definitions.values()}

    def steps(self) -> Iterator[Step]:
        for each in self._in_order:
            yield self._table(each)
        for each in self._in_order:
            for name in self._later(each):
                yield _foreign_key(each, name)

    @cached_property
    def _in_order(self) -> Sequence[TableDefinition]:
        # What a table refers to or inherits from is before it, but where tables form a circle.
        found: dict[str, TableDefinition] = {}
        begun: set[str] = set()
        for start in self._definitions:
            path = [start]
            while path:
                name = path[-1]
                begun.add(name)
                pending = [each for each in self._needed(name) if each not in begun]
                if pending:
                    path.append(pending[0])
                else:
                    found.setdefault(name, self._definitions[path.pop()])
        return list(found.values())

    def _needed(self, name: str) -> Iterable[str]:
        definition = self._definitions[name]
        needed = [*definition.details.parents, *definition.references.values()]
        return (each for each in needed if each in self._definitions)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {each.name: place for place, each in enumerate(self._in_order)}

    def _later(self, definition: TableDefinition) -> Sequence[str]:
        place = self._places[definition.name]
        return [
            name
            for name, referenced in definition.references.items()
            if self._places.get(referenced, -1) > place
        ]

    def _table(self, definition: TableDefinition) -> Step:
        statements = list(definition.create_without_entities(self._later(definition)))
        table = definition.table
        name = f"{quoted(table.name)}{_schema_argument(table.schema)}"
        return replace(
            _executing(table_step_name(definition.name), statements),
            drop_calls=[f"op.drop_table({name}, if_exists=True)"],
            drop_statements=[f"drop table if exists {definition.name}"],
        )


def _foreign_key(definition: TableDefinition, name: str) -> Step:
    constraint = definition.table.constraints[name]
    table = definition.table
    place = f"{quoted(name)}, {quoted(table.name)}{_schema_argument(table.schema)}"
    statements = [
        ddl.add_missing_constraint(definition.name, name, constraint.definition),
        *definition.constraint_settings(name),
    ]
    return replace(
        _executing(f"constraint {sql.quote(name)} on {definition.name}", statements),
        drop_calls=[f'op.drop_constraint({place}, type_="foreignkey", if_exists=True)'],
        drop_statements=[ddl.drop_constraint(definition.name, name)],
    )


def _schema_argument(schema: str) -> str:
    return "" if schema == "public" else f", schema={quoted(schema)}"


def _schema(name: str) -> Step:
    # What was there before the revisions is left, and its schema with it.
    drop = sql.do(
        f"""
begin
    {ddl.drop_schema(name)};
exception when dependent_objects_still_exist then
    raise notice 'a schema is left, since something is in it: %', {sql.literal(name)};
end
"""
    )
    return replace(
        _executing(f"schema {sql.quote(name)}", [ddl.create_schema(name)]),
        drop_calls=[render_execution(drop)],
        drop_statements=[drop],
    )


def _executing(name: str, statements: Sequence[str]) -> Step:
    laid_out = [sql.layout(each) for each in statements]
    return Step(name, [*map(render_execution, laid_out)], laid_out)


def _entity(entity: Entity, *, with_drop: bool = True) -> Step:
    created = (each for each in entity.create_without_data_statements() if not _is_idle(each))
    step = Step(
        entity.identity,
        [render_call("create_entity", entity)],
        _statements(entity, created),
    )
    if not with_drop or not entity.is_own_object:
        return step
    return replace(
        step,
        drop_calls=[f"pg.drop_entity({render_name(entity)})"],
        drop_statements=_statements(entity, entity.drop_statements()),
    )


def _is_idle(statement: str) -> bool:
    # It removes what a new object does not have, and is one of three statements of a schema.
    return (
        statement.startswith("drop policy if exists ")
        or (statement.startswith("comment on ") and statement.endswith(" is null"))
        or statement.endswith(" no force row level security")
    )


def _placeholder(view: Entity, source: Source) -> Entity:
    assert isinstance(view, View)  # noqa: S101 - no other entity is circular
    return replace(view, columns=source.circular[view.key].columns).placeholder()


def _policy(policy: Policy) -> Step:
    return replace(_entity(policy), goes_with=sql.qualified(policy.schema, policy.table))


def _replacement(entity: Entity, previous: Entity) -> Step:
    return Step(
        entity.identity,
        [render_call("replace_entity", entity)],
        _statements(entity, entity.replace_statements()),
        [render_call("replace_entity", previous)],
        _statements(previous, previous.replace_statements()),
    )


def _statements(entity: Entity, statements: Iterable[str]) -> Sequence[str]:
    required = entity.requirement
    return [*statements] if required is None else [guarded(required, statements)]


def _goes_with_table(entity: Entity, source: Source) -> bool:
    return isinstance(entity, TableEntity) and (entity.schema, entity.table) in source.definitions

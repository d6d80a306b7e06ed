"""Every entity and every operation emits the SQL that is written down here."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from io import StringIO
from textwrap import dedent

import pytest
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import OpContainer

import townhall.migrate
from tests.pg.statements import (
    database,
    functions,
    operations,
    platform,
    policies,
    procedures,
    tables,
    triggers,
    types,
    views,
)
from tests.pg.statements.case import EntityCase, OperationCase
from townhall.migrate.operations.columns import FillColumnOp
from townhall.migrate.operations.expressions import GenerateOnceOp
from townhall.pg import ENTITY_CLASSES

ENTITIES: dict[str, EntityCase] = {
    **database.CASES,
    **functions.CASES,
    **platform.CASES,
    **policies.CASES,
    **procedures.CASES,
    **tables.CASES,
    **triggers.CASES,
    **types.CASES,
    **views.CASES,
}
OPERATIONS = operations.CASES


@pytest.mark.parametrize("case", ENTITIES.values(), ids=ENTITIES)
def test_entity_emits_its_statements(case: EntityCase) -> None:
    entity, create = case.entity, lines(case.create)
    assert script(entity.create_statements()) == create
    assert script(entity.drop_statements()) == lines(case.drop)
    assert script(entity.replace_statements()) == (
        create if case.replace is None else lines(case.replace)
    )
    assert script(entity.create_without_data_statements()) == (
        create if case.without_data is None else lines(case.without_data)
    )


@pytest.mark.parametrize("case", OPERATIONS.values(), ids=OPERATIONS)
def test_operation_and_its_reverse_emit_their_statements(case: OperationCase) -> None:
    assert emitted(case.operation) == lines(case.forward)
    assert emitted(case.operation.reverse()) == lines(case.backward)
    assert case.operation.to_diff_tuple() == case.difference


def test_every_kind_of_entity_has_a_case() -> None:
    assert {type(case.entity) for case in ENTITIES.values()} == {*ENTITY_CLASSES}


def test_every_operation_has_a_case() -> None:
    # A container emits what it contains.
    of_ours = {each for each in operations_of_ours() if not issubclass(each, OpContainer)}
    # What has no reverse is no difference, but a step of a live revision, or of another reverse.
    steps = {FillColumnOp, GenerateOnceOp}
    assert of_ours - {type(case.operation) for case in OPERATIONS.values()} - steps == set()


def operations_of_ours() -> set[type[MigrateOperation]]:
    """Return the kinds of operations of this package that have no other kind below them."""
    for module in pkgutil.walk_packages(townhall.migrate.__path__, "townhall.migrate."):
        import_module(module.name)
    return {
        each
        for each in subclasses(MigrateOperation)
        if each.__module__.startswith("townhall.") and not each.__subclasses__()
    }


def subclasses(of: type[MigrateOperation]) -> Iterator[type[MigrateOperation]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def script(statements: Iterable[str]) -> list[str]:
    return lines("".join(f"{statement};\n" for statement in statements))


def emitted(operation: MigrateOperation) -> list[str]:
    output = StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": output},
        dialect_opts={"paramstyle": "named"},
    )
    with Operations.context(context):
        for each in operation.ops if isinstance(operation, OpContainer) else [operation]:
            Operations(context).invoke(each)
    return lines(output.getvalue())


def lines(text: str) -> list[str]:
    """Return the lines of a script without its indentation and empty lines."""
    return [line for line in dedent(text).splitlines() if line.strip()]

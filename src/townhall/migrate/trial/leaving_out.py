"""Which steps of a revision may be refused in a second run, and how they are left out there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    CreateIndexOp,
    CreateTableOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
    OpContainer,
)
from sqlalchemy import Connection, text

from townhall.migrate.compare.overloads import created_routine
from townhall.migrate.operations.comments import CommentOp
from townhall.migrate.operations.constraints import AddDefinedOp
from townhall.migrate.operations.decisions import UndecidedOp
from townhall.migrate.operations.hooks import is_of_hook
from townhall.migrate.operations.parts import DropPartOp
from townhall.migrate.operations.schemas import CreateSchemaOp, DropSchemaOp
from townhall.migrate.operations.second_run import FindResultOp, UnlessFoundOp
from townhall.pg import CreateEntityOp, DropEntityOp, Routine
from townhall.pg.adapted import Adapted
from townhall.pg.catalog import Trace

_ADDITIONS = (
    AddColumnOp,
    AddConstraintOp,
    AddDefinedOp,
    CommentOp,
    CreateEntityOp,
    CreateIndexOp,
    CreateSchemaOp,
    CreateTableOp,
)
_REMOVALS = (
    CommentOp,
    DropColumnOp,
    DropConstraintOp,
    DropEntityOp,
    DropIndexOp,
    DropPartOp,
    DropSchemaOp,
    DropTableOp,
)
_PARTS = ("default value ", "index ", "table constraint ")
"""The parts of tables, of which there are many."""


def can_fail_again(connection: Connection, operations: Iterable[MigrateOperation]) -> bool:
    """Tell whether operations that have run may be refused over their own result.

    Those that only add, or only remove, are not, unless they are alembic-utils' own or those of a
    hook, or add a function beside another one of its name, and a call may fit both.

    Args:
        connection: A connection within a transaction, in which they have run.
        operations: The operations of all revisions in one direction.
    """
    steps = [*map(_unwrapped, operations)]
    if any(
        isinstance(getattr(each, "target", None), Adapted) or is_of_hook(each) for each in steps
    ):
        return True
    if all(isinstance(each, _REMOVALS) for each in steps):
        return False
    if not all(isinstance(each, _ADDITIONS) for each in steps):
        return True
    routines = [routine for each in steps if (routine := created_routine(each))]
    return bool(routines) and _are_overloaded(connection, routines)


def _are_overloaded(connection: Connection, routines: Iterable[Routine]) -> bool:
    query = """
        select exists (
            select
            from pg_catalog.pg_proc as p
            join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
            join unnest(cast(:schemas as text[]), cast(:names as text[])) as r (schema, name)
                on r.schema = n.nspname and r.name = p.proname
            group by n.nspname, p.proname
            having count(distinct p.oid) > 1
        )
    """
    parts = [(each.schema, each.name) for each in routines]
    names = {"schemas": [schema for schema, _ in parts], "names": [name for _, name in parts]}
    return bool(connection.scalar(text(query), names))


def _unwrapped(operation: MigrateOperation) -> MigrateOperation:
    while isinstance(operation, OpContainer) and len(operation.ops) == 1:
        (operation,) = operation.ops
    return operation


class Change(NamedTuple):
    """What suffices to tell the result of a revision from the state before it.

    Attributes:
        made: What the result alone has.
        gone: What the state before it alone has.
    """

    made: Collection[Trace]
    gone: Collection[Trace]


def without_steps(
    operations: Iterable[MigrateOperation],
    left_out: Collection[MigrateOperation],
    change: Change,
) -> Iterator[MigrateOperation]:
    """Yield operations so that some are left out where their result is there.

    Args:
        operations: The operations of a revision in one direction.
        left_out: Those that are left out.
        change: What tells its result from the state before it.
    """
    made, gone = (sorted(map(str, each)) for each in change)
    yield FindResultOp(made, gone)
    for is_left_out, steps in groupby(operations, lambda each: _is_left_out(each, left_out)):
        if is_left_out:
            yield UnlessFoundOp([*steps])
        else:
            yield from steps


def _is_left_out(operation: MigrateOperation, left_out: Collection[MigrateOperation]) -> bool:
    return operation in left_out and not isinstance(operation, UndecidedOp)


def change_between(before: set[Trace], after: set[Trace], result: set[Trace]) -> Change:
    """Return what suffices to tell the result of a revision from the state before it.

    Args:
        before: What can be told before the revision.
        after: What can be told after it.
        result: What can be told after all revisions.
    """
    own = _change(before, after, result)
    # What can't be told, as other values of an enum, comes before what the later revisions do.
    return own if any(own) else _change(before, result, result)


def _change(before: set[Trace], after: set[Trace], result: set[Trace]) -> Change:
    made, gone = (after - before) & result, before - after - result
    told = Change(_telling(made, before), _telling(gone, after))
    return told if any(told) else Change(made, gone)


def _telling(changed: Iterable[Trace], other: Iterable[Trace]) -> Collection[Trace]:
    # One trait of each object that uses something else suffices, and another type.
    known = {each.thing for each in other}
    uses: dict[str, Trace] = {}
    others: list[Trace] = []
    for each in sorted(changed, key=_by_meaning):
        if each.thing.startswith(_PARTS):
            continue
        if each.trait.startswith("uses "):
            uses.setdefault(each.thing, each)
        elif each.thing in known:
            others.append(each)
    return [*uses.values(), *others]


def _by_meaning(trace: Trace) -> tuple[bool, Trace]:
    # What is in a schema says less than what uses what.
    return trace.trait.startswith("uses schema "), trace

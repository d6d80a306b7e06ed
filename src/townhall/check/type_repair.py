"""The SQL that makes types and sequences what is declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from townhall.check.snapshot import Object
from townhall.pg import AlterableEntity, ddl, sql


def change_alterable(_fact: str, declared: Object, actual: Object) -> Iterable[str]:
    """Yield what changes a type or a sequence: whichever fact differs, all of it.

    Args:
        declared: The type or sequence as declared.
        actual: The same as it is.
    """
    entity, previous = declared.entity, actual.entity
    assert isinstance(entity, AlterableEntity)  # noqa: S101 - that of every type
    assert isinstance(previous, AlterableEntity)  # noqa: S101 - as before
    if entity.can_replace(previous):
        return entity.alter_statements(previous)
    if not actual.uses:
        return [*previous.drop_statements(), *entity.create_statements()]
    return _recreate(entity, actual)


def _recreate(entity: AlterableEntity, actual: Object) -> Iterable[str]:
    previous = actual.entity
    assert isinstance(previous, AlterableEntity)  # noqa: S101 - as before
    replaced = replace(previous, name="replaced_by_repair")
    yield from previous.rename_statements(replaced.name)
    yield from entity.create_statements()
    for use in actual.uses:
        table = sql.qualified(use.schema, use.table)
        if use.default is not None:
            yield ddl.alter_default(table, use.column, None)
        yield ddl.alter_type_through_text(table, use.column, use.type)
        if use.default is not None:
            yield ddl.alter_default(table, use.column, use.default)
    yield from replaced.drop_statements()

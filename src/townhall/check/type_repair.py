"""The SQL that makes enums and domains what is declared."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.check.snapshot import Object
from townhall.pg import ddl, sql
from townhall.pg.catalog import Type
from townhall.pg.entity import comment_statement


def create_type(declared: Type) -> list[str]:
    """Return what creates a type, without its comment."""
    name = ddl.qualified(declared.schema, declared.name)
    if declared.kind == "enum":
        return [ddl.create_enum(name, declared.values)]
    parts = [f"create domain {name} as {declared.base}"]
    if declared.default is not None:
        parts.append(f"default {declared.default}")
    if not declared.is_nullable:
        parts.append("not null")
    parts += [ddl.define_constraint(*check) for check in declared.checks.items()]
    return [" ".join(parts)]


def change_type(fact: str, declared: Object, actual: Object) -> Iterable[str]:
    """Yield what changes a fact of a type; nothing where PostgreSQL can't.

    Args:
        fact: The name of the fact.
        declared: The type as declared.
        actual: The type as it is.
    """
    type_, former = declared.record, actual.record
    assert isinstance(type_, Type)  # noqa: S101 - the record of every type
    assert isinstance(former, Type)  # noqa: S101 - as before
    name = ddl.qualified(type_.schema, type_.name)
    match fact:
        case "values":
            yield from _change_values(name, type_, former)
        case "default":
            change = "drop default" if type_.default is None else f"set default {type_.default}"
            yield f"alter domain {name} {change}"
        case "is_nullable":
            yield f"alter domain {name} {'drop' if type_.is_nullable else 'set'} not null"
        case "checks":
            yield from _change_checks(name, type_, former)


def _change_values(name: str, declared: Type, actual: Type) -> Iterable[str]:
    kept = tuple(value for value in declared.values if value in actual.values)
    if kept == actual.values:
        yield from ddl.add_enum_values(name, actual.values, declared.values)
        return
    # PostgreSQL takes no value from an enum and moves none.
    yield f"alter type {name} rename to {sql.quote(f'{declared.name}_replaced')}"
    yield ddl.create_enum(name, declared.values)
    for use in actual.columns:
        table = ddl.qualified(use.schema, use.table)
        if use.default is not None:
            yield ddl.alter_default(table, use.column, None)
        yield ddl.alter_type_through_text(table, use.column, use.type)
        if use.default is not None:
            yield ddl.alter_default(table, use.column, use.default)
    yield ddl.drop_type(ddl.qualified(declared.schema, f"{declared.name}_replaced"))
    yield comment_statement("type", name, declared.comment)


def _change_checks(name: str, declared: Type, actual: Type) -> Iterable[str]:
    for check in sorted(actual.checks.keys() - declared.checks.keys()):
        yield f"alter domain {name} drop constraint {sql.quote(check)}"
    for check, definition in declared.checks.items():
        if actual.checks.get(check) == definition:
            continue
        if check in actual.checks:
            yield f"alter domain {name} drop constraint {sql.quote(check)}"
        yield f"alter domain {name} add {ddl.define_constraint(check, definition)}"

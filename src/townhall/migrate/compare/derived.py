"""The types and sequences that declared tables and metadata declare.

Alembic creates an enum or a domain with a table but not with a column, compares and drops none, and
ignores sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from alembic.util import CommandError
from sqlalchemy import Enum, MetaData
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.types import TypeEngine

from townhall import pg
from townhall.migrate.compare.copies import named_type
from townhall.pg import AlterableEntity, Domain, Entity, EnumType
from townhall.pg.state import Key


def declared_by(metadata: Iterable[MetaData]) -> list[Entity]:
    """Return the enums and domains of columns, and the sequences.

    Args:
        metadata: The declared tables.

    Raises:
        CommandError: Two declarations of one name differ.
    """
    found: dict[tuple[str, ...], _Declaration] = {}
    for each in _declarations([*metadata]):
        first = found.setdefault(each.entity.key, each)
        if first.entity != each.entity:
            _refuse_second(first, each)
    return [each.entity for each in found.values()]


class _Declaration(NamedTuple):
    entity: AlterableEntity
    where: str


def _declarations(metadata: Sequence[MetaData]) -> Iterable[_Declaration]:
    for table in (table for each in metadata for table in each.tables.values()):
        for column in table.columns:
            for type_ in _types_of(column.type):
                yield _Declaration(type_, f"the column {table.fullname}.{column.name}")
    for sequence in (found for each in metadata for found in each._sequences.values()):  # noqa: SLF001 - there is no public way
        if not sequence.optional:
            yield _Declaration(pg.Sequence.of(sequence), "a Sequence")


def _types_of(type_: TypeEngine[Any]) -> Iterable[AlterableEntity]:
    named = named_type(type_)
    if isinstance(named, DOMAIN):
        yield from _types_of(named.data_type)
        yield Domain.of(named)
    elif named is not None and not _is_reference(named):
        yield EnumType.of(named)


def _is_reference(enum: Enum) -> bool:
    return not enum.enums and getattr(enum, "create_type", True) is False


def referred_to(metadata: Iterable[MetaData]) -> frozenset[Key]:
    """Return the keys of the enums that columns name without their values.

    Such a column, ``postgresql.ENUM(name="mood", create_type=False)``, only refers to its type. The
    type is declared elsewhere; one that is not declared at all is left as it is.

    Args:
        metadata: The declared tables.
    """
    columns = (c for each in metadata for table in each.tables.values() for c in table.columns)
    types = (named_type(column.type) for column in columns)
    return frozenset(
        EnumType.of(each).key for each in types if isinstance(each, Enum) and _is_reference(each)
    )


def _refuse_second(first: _Declaration, second: _Declaration) -> NoReturn:
    differing = first.entity.differences(second.entity)
    raise CommandError(
        f"{first.entity.identity} is declared twice, and differs in"
        f" {' and '.join(name.replace('_', ' ') for name in differing)}: {_in_words(first)} and"
        f" {_in_words(second)}. It has one definition: give one of the two another name, or both"
        " the same definition."
    )


def _in_words(declaration: _Declaration) -> str:
    entity = declaration.entity
    values = f" ({', '.join(entity.values)})" if isinstance(entity, EnumType) else ""
    return f"by {declaration.where}{values}"


def with_declared_by(metadata: Iterable[MetaData], entities: Sequence[Entity]) -> list[Entity]:
    """Return entities with the types and sequences that metadata declares.

    Args:
        metadata: The declared tables.
        entities: The declared entities; one of the same name says all about it.

    Raises:
        CommandError: A type is declared twice, in different ways.
    """
    derived = declared_by(metadata)
    if not derived:
        return list(entities)
    by_key = {entity.key: entity for entity in entities}
    for entity in derived:
        other = by_key.get(entity.key)
        if isinstance(entity, EnumType) and isinstance(other, EnumType):
            _refuse_other_values(entity, other)
    return [*(entity for entity in derived if entity.key not in by_key), *entities]


def _refuse_other_values(of_column: EnumType, declared: EnumType) -> None:
    if of_column.values != declared.values:
        raise CommandError(
            f"{declared.identity} is declared twice: with the values"
            f" {', '.join(of_column.values)} by a column, and {', '.join(declared.values)} by an"
            " entity. Declare the same values, with townhall.pg.EnumType.of(…)."
        )

"""The types and sequences that declared tables and metadata declare.

Alembic creates an enum or a domain with a table but not with a column, compares and drops none, and
ignores sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.util import CommandError
from sqlalchemy import MetaData, Table
from sqlalchemy.dialects.postgresql import DOMAIN

from townhall import pg
from townhall.migrate.compare.copies import named_type
from townhall.pg import Domain, Entity, EnumType


def declared_by(metadata: Iterable[MetaData]) -> list[Entity]:
    """Return the enums and domains of columns, and the sequences.

    Args:
        metadata: The declared tables.
    """
    every = list(metadata)
    tables = [table for each in every for table in each.tables.values()]
    sequences = [sequence for each in every for sequence in each._sequences.values()]  # noqa: SLF001 - there is no public way
    declared = [
        *_types_of(tables),
        *(pg.Sequence.of(sequence) for sequence in sequences if not sequence.optional),
    ]
    return list({entity.key: entity for entity in declared}.values())


def _types_of(tables: Iterable[Table]) -> Iterable[Entity]:
    for table in tables:
        for column in table.columns:
            type_ = named_type(column.type)
            if isinstance(type_, DOMAIN):
                yield Domain.of(type_)
            elif type_ is not None:
                yield EnumType.of(type_)


def with_declared_by(metadata: Iterable[MetaData], entities: Sequence[Entity]) -> list[Entity]:
    """Return entities with the types and sequences that metadata declares.

    Args:
        metadata: The declared tables.
        entities: The declared entities; one of the same name says all about it.

    Raises:
        CommandError: An enum is declared twice, with different values.
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

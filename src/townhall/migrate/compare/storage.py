"""The storage parameters that models declare with ``postgresql_with``."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table

from townhall.migrate.compare.copies import options_of
from townhall.pg import Entity, StorageParameters


def storage_parameters(
    tables: Iterable[Table], entities: Iterable[Entity]
) -> list[StorageParameters]:
    """Return the storage parameters of tables, except where an entity declares them.

    Args:
        tables: The declared tables.
        entities: The declared entities.
    """
    found = [
        StorageParameters(
            schema=table.schema or "public",
            table=table.name,
            parameters={name: _text(value) for name, value in parameters.items()},
        )
        for table in tables
        if (parameters := options_of(table).get("with"))
    ]
    declared = {each.key for each in entities if isinstance(each, StorageParameters)}
    return [each for each in found if each.key not in declared]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

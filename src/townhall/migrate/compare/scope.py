"""Which schemas and objects are compared, and which are never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData

from townhall.migrate.compare.derived import declared_by
from townhall.migrate.origins import Origins
from townhall.pg import Entity, catalog
from townhall.pg.catalog import PLATFORM_SCHEMAS

OF_PLATFORM = "of_platform"
"""The key in the ``info`` of a declared table that others have, and that is only referred to."""


@dataclass(frozen=True)
class Scope:
    """The schemas that are compared, in which undeclared objects are proposed to be dropped.

    Attributes:
        schemas: Names of schemas, ``public`` among them.
    """

    schemas: tuple[str, ...]

    @classmethod
    def of(
        cls, metadata: Sequence[MetaData], entities: Iterable[Entity], schemas: Iterable[str]
    ) -> Scope:
        """Return the scope of what is declared.

        Args:
            metadata: The declared tables.
            entities: The declared entities.
            schemas: Further schemas: those that the application owns, and that of helper functions.
        """
        tables = (table for each in metadata for table in each.tables.values())
        of_tables = {table.schema for table in tables if not table.info.get(OF_PLATFORM)}
        of_entities = {entity.schema for entity in [*entities, *declared_by(metadata)]}
        named = {"public", *of_tables, *of_entities, *schemas} - PLATFORM_SCHEMAS
        return cls(tuple(sorted(name for name in named if name is not None)))

    def object_filter(
        self, connection: Connection
    ) -> Callable[[Any, str | None, str, bool, Any], bool]:
        """Return Alembic's filter of declared and actual objects.

        Args:
            connection: A connection to the database, to read the tables of other owners.
        """
        of_others = catalog.tables_of_other_roles(connection)
        default = connection.dialect.default_schema_name

        def is_included(
            item: Any,  # noqa: ANN401 - Alembic's
            name: str | None,
            kind: str,
            reflected: bool,  # noqa: FBT001 - Alembic's
            compare_to: Any,  # noqa: ANN401 - Alembic's
        ) -> bool:
            if kind != "table":
                return True
            if item.info.get(OF_PLATFORM):
                return False
            undeclared = reflected and compare_to is None
            return item.schema not in PLATFORM_SCHEMAS and not (
                undeclared and (item.schema or default, name) in of_others
            )

        return is_included

    def name_filter(
        self, connection: Connection
    ) -> Callable[[str | None, str, MutableMapping[Any, str | None]], bool]:
        """Return Alembic's filter of the names in the database.

        Args:
            connection: A connection to the database, to read the tables that belong to an extension
                or, as partitions, to another table.
        """
        of_others = catalog.tables_of_other_objects(connection)
        of_partitions = catalog.foreign_keys_of_partitions(connection)
        default = connection.dialect.default_schema_name

        def is_included(
            name: str | None, kind: str, parents: MutableMapping[Any, str | None]
        ) -> bool:
            if kind == "schema":
                return (name or default) in self.schemas
            if kind == "table":
                is_memory = name == Origins.TABLE
                return not is_memory and (parents["schema_name"] or default, name) not in of_others
            if kind == "foreign_key_constraint":
                table = (parents["schema_name"] or default, parents["table_name"])
                return (*table, name) not in of_partitions
            return True

        return is_included

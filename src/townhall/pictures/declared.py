"""What pictures show of what is declared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Table

from townhall.migrate.compare.scope import OF_PLATFORM
from townhall.migrate.settings import Settings
from townhall.pg import Entity
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.product import Product
from townhall.roles import Roles


@dataclass(frozen=True)
class Declared:
    """What is declared.

    Attributes:
        tables: The tables.
        entities: The entities, with what access rules are expanded to.
        roles: The roles that requests act as.
        product: The product that takes part, if one does.
    """

    tables: tuple[Table, ...]
    entities: tuple[Entity, ...]
    roles: Roles
    product: Product | None

    @classmethod
    def of(cls, settings: Settings) -> Declared:
        """Return what an ``env.py`` declares; of a table that is declared twice the first.

        Args:
            settings: What it passes to the engine.
        """
        tables: dict[tuple[str, str], Table] = {}
        for metadata in settings.metadata:
            for table in metadata.tables.values():
                tables.setdefault((table.schema or "public", table.name), table)
        return cls(tuple(tables.values()), settings.entities, settings.roles, settings.product)

    @property
    def of_application(self) -> Declared:
        """What neither the product nor the platform has."""
        rules = self.product.access_rules if self.product is not None else ()
        of_product = {(rule.schema, rule.table.name) for rule in rules}
        keys = {entity.key for entity in self.product.entities} if self.product else set()
        tables = (
            table
            for table in self.tables
            if (table.schema or "public", table.name) not in of_product
            and table.schema not in PLATFORM_SCHEMAS
            and not table.info.get(OF_PLATFORM)
        )
        entities = (entity for entity in self.entities if entity.key not in keys)
        return replace(self, tables=tuple(tables), entities=tuple(entities))

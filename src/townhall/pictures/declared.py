"""What an ``env.py`` declares, read without a database."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table

from townhall.input_error import InputError
from townhall.migrate.compare.scope import OF_PLATFORM
from townhall.migrate.settings import SETTINGS, Settings
from townhall.pg import Entity
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.product import Product, own_product
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


def declared_by(ini: Path | None) -> Declared:
    """Return what the ``env.py`` of a configuration declares.

    It is run as for ``alembic upgrade --sql``, so that it connects to nothing, without a revision.

    Args:
        ini: The ``alembic.ini``; None for the tables of this package alone.

    Raises:
        InputError: There is no such file, or its ``env.py`` is not townhall's.
    """
    if ini is None:
        product = own_product()
        tables = _tables([product.metadata.tables.values()])
        return Declared(tables, product.entities, product.roles, product)
    if not ini.is_file():
        raise InputError(f"there is no {ini}: name the alembic.ini with --config")
    config = Config(ini, output_buffer=io.StringIO())
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=lambda *_: [], as_sql=True):
        script.run_env()
    settings: Settings | None = config.attributes.get(SETTINGS)
    if settings is None:
        raise InputError(
            f"{script.env_py_location} does not call townhall.migrate.run(), which is where tables"
            " and rules are declared: townhall init writes one that does"
        )
    tables = _tables(metadata.tables.values() for metadata in settings.metadata)
    return Declared(tables, settings.entities, settings.roles, settings.product)


def _tables(groups: Iterable[Iterable[Table]]) -> tuple[Table, ...]:
    """Return the tables, each once; of one that is declared twice the first."""
    found: dict[tuple[str, str], Table] = {}
    for table in (table for group in groups for table in group):
        found.setdefault((table.schema or "public", table.name), table)
    return tuple(found.values())

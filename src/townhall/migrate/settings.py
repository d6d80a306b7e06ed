"""What an ``env.py`` tells the engine, as one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.util import CommandError
from sqlalchemy import MetaData
from sqlalchemy.ext.declarative import DeferredReflection

from townhall.input_error import InputError
from townhall.migrate.compare.filters import NO_FILTERS, Filters
from townhall.migrate.compare.scope import OF_PLATFORM, Scope
from townhall.pg import ENTITY_CLASSES, Accepted, Entity, sql
from townhall.pg.access import Declaration, entities_of
from townhall.pg.adapted import adapted
from townhall.pg.alembic_utils import ReplaceableEntity
from townhall.pg.caller import caller_entities
from townhall.pg.catalog import PLATFORM_SCHEMAS
from townhall.product import Product, own_product
from townhall.roles import HELPER_SCHEMA, SUPABASE, Roles

SETTINGS = "townhall_settings"
"""The key under which a run leaves its :class:`Settings` in ``Config.attributes``.

A program that has Alembic run an ``env.py`` reads there what it declares::

    command.check(config)
    settings = config.attributes[SETTINGS]
"""


LOCK_TIMEOUT_OPTION = "townhall_lock_timeout"
"""The option of a migration context with the lock timeout of a comparison."""

LIVE_OPTION = "townhall_live"
"""The option of a migration context that says whether tables are changed while they are in use."""

REVISIONS_OPTION = "townhall_revisions"
"""The option of a migration context with a function that returns the files of the revisions."""


@dataclass(frozen=True)
class Settings:
    """What is declared, and how the engine is configured.

    Attributes:
        product: The product that takes part, if one does.
        metadata: The declared tables.
        entities: The declared entities, with the ``api_roles`` of ``roles``.
        scope: The schemas that are compared.
        roles: The roles that requests act as.
        helper_schema: The schema of helper functions, which clients don't see.
        kinds: The kinds of entities that are compared: those of ``townhall.pg`` and those of the
            application.
        filters: What of the application is left out of the comparison.
        skipped_schemas: Schemas of the application that are not compared, because the platform has
            schemas of these names.
        exposed: The schemas whose objects requests can name, where they are declared.
        accepted: The dangers that were looked at and do no harm.
    """

    product: Product | None
    metadata: tuple[MetaData, ...]
    entities: tuple[Entity, ...]
    scope: Scope
    roles: Roles
    helper_schema: str
    kinds: tuple[type[Entity], ...] = ENTITY_CLASSES
    filters: Filters = NO_FILTERS
    skipped_schemas: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    @classmethod
    def of(  # noqa: PLR0913 - each is a setting of its own
        cls,
        *,
        product: Product | bool,
        metadata: Iterable[MetaData] = (),
        entities: Iterable[Declaration | ReplaceableEntity] = (),
        schemas: Iterable[str] = (),
        roles: Roles = SUPABASE,
        helper_schema: str = HELPER_SCHEMA,
        kinds: Iterable[type[Entity]] = (),
        filters: Filters = NO_FILTERS,
        exposed: Iterable[str] = (),
        accepted: Iterable[Accepted] = (),
    ) -> Settings:
        """Return the settings that the arguments of :func:`townhall.migrate.run` amount to.

        Raises:
            CommandError: The roles or the schema of helpers are not those of the product, or an
                entity is of a kind of the application's that is not among ``kinds``.
            InputError: A table or an entity is declared twice, or a rule is for a role that is
                absent.
        """
        metadata, schemas = list(metadata), list(schemas)
        skipped = PLATFORM_SCHEMAS & {*_schemas_of_own(metadata), *schemas}
        everything = entities_of(map(_taking_part, entities), roles)
        if product is True:
            product = own_product()
        if product:
            _refuse_other_names(product, roles, helper_schema)
            metadata = [product.metadata, *metadata]
            everything = (*product.entities, *everything)
        own_kinds = tuple(dict.fromkeys(kinds))
        _refuse_unknown_kinds(everything, own_kinds)
        unique_metadata = tuple(dict.fromkeys(metadata))
        _refuse_tables_declared_twice(unique_metadata)
        _refuse_tables_of_other_names(unique_metadata)
        _refuse_unread_tables(unique_metadata)
        by_key = {entity.key: entity for entity in everything}
        declared = [*caller_entities(roles, helper_schema, by_key.values()), *by_key.values()]
        return cls(
            product=product or None,
            metadata=unique_metadata,
            entities=tuple(entity.with_api_roles(roles.names) for entity in declared),
            scope=Scope.of(unique_metadata, declared, [helper_schema, *schemas]),
            roles=roles,
            helper_schema=helper_schema,
            kinds=(*ENTITY_CLASSES, *own_kinds),
            filters=filters,
            skipped_schemas=tuple(sorted(skipped)),
            exposed=tuple(exposed),
            accepted=(*(product.accepted if product else ()), *accepted),
        )


def _refuse_tables_declared_twice(metadata: Iterable[MetaData]) -> None:
    tables = [table for each in metadata for table in each.tables.values()]
    names = Counter(f"{table.schema or 'public'}.{table.name}" for table in tables)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise InputError(
            f"table {', '.join(twice)} is declared twice: declare it in one MetaData, and give"
            " foreign keys from another one its column, as in ForeignKey(table.c.id)"
        )


def _refuse_tables_of_other_names(metadata: Iterable[MetaData]) -> None:
    for table in (table for each in metadata for table in each.tables.values()):
        if (name := sql.stored(table.name)) != table.name:
            raise InputError(
                f"table {table.schema or 'public'}.{table.name} has the name {name} in PostgreSQL,"
                " which folds a name without quotes and keeps 63 bytes: declare it under that name"
            )


def _refuse_unread_tables(metadata: Collection[MetaData]) -> None:
    for each in _subclasses(DeferredReflection):
        table = vars(each).get("__table__")
        if table is not None and table.metadata in metadata and "__mapper__" not in vars(each):
            raise InputError(
                f"the class {each.__name__} is declared by deferred reflection, and the columns of"
                f" its table {table.schema or 'public'}.{table.name} are not read: call prepare()"
                " of its base before migrate.run, or leave its MetaData out"
            )


def _subclasses(parent: type[Any]) -> Iterator[type[Any]]:
    for each in parent.__subclasses__():
        yield each
        yield from _subclasses(each)


def _schemas_of_own(metadata: Iterable[MetaData]) -> set[str | None]:
    # A table of the platform that foreign keys refer to is declared as one.
    tables = [table for each in metadata for table in each.tables.values()]
    return {table.schema for table in tables if not table.info.get(OF_PLATFORM)}


def _refuse_unknown_kinds(entities: Iterable[Entity], kinds: Sequence[type[Entity]]) -> None:
    unknown = {
        type(entity).__name__
        for entity in entities
        if type(entity).__module__.partition(".")[0] != "townhall" and type(entity) not in kinds
    }
    if unknown:
        names = ", ".join(sorted(unknown))
        raise CommandError(
            f"{names}: a kind of entity of the application is read from the database, and so"
            f" compared, where it is passed: townhall.migrate.run(kinds=[{names}], …)"
        )


def _taking_part(declared: Declaration | ReplaceableEntity) -> Declaration:
    return adapted(declared) if isinstance(declared, ReplaceableEntity) else declared


def _refuse_other_names(product: Product, roles: Roles, helper_schema: str) -> None:
    if (roles, helper_schema) != (product.roles, product.helper_schema):
        raise CommandError(
            f"with the product {product.name} the roles are {', '.join(product.roles.names)}, the"
            f" caller is {product.roles.caller} and the schema of helpers is"
            f" {product.helper_schema}, since its revisions name them: leave out roles and"
            " helper_schema, or pass product=False"
        )

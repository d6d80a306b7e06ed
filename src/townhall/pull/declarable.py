"""Entities as they can be declared: what was found, and what of it can't be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from townhall.pg import (
    DefaultPrivileges,
    Entity,
    EnumType,
    Extension,
    Policy,
    ReplicaIdentity,
    Routine,
    SchemaAccess,
    TableEntity,
    TableGrant,
    Trigger,
    sql,
)
from townhall.pg import Sequence as NumberSequence
from townhall.pg.catalog import PLATFORM_SCHEMAS, Column, TableName
from townhall.pg.extension import PREINSTALLED
from townhall.pull.models import is_plain_serial
from townhall.pull.source import Source


@dataclass(frozen=True)
class Declarable:
    """What of a database's entities is declared.

    Attributes:
        entities: The entities.
        made: What the first revision creates: the entities, the enums that columns declare, and
            no sequence that belongs to a column, which its table brings.
        refused: Those that can't be declared, and why.
        columns_with_sequences: The columns whose sequences are declared by themselves.
    """

    entities: Sequence[Entity]
    made: Sequence[Entity]
    refused: Sequence[tuple[Entity, str]]
    columns_with_sequences: frozenset[tuple[TableName, str]]


def declarable(source: Source, enums_of_columns: Iterable[EnumType]) -> Declarable:
    """Return the entities of a database as they are declared.

    Args:
        source: The database.
        enums_of_columns: The enums that columns declare.
    """
    declared_by_columns = {each.key: each for each in enums_of_columns}
    made, refused = [], []
    for found in source.entities:
        if not _is_of_application(found, source):
            continue
        entity = _as_found(found)
        try:
            made.append(type(entity)(**_values(entity)))
        except (TypeError, ValueError) as error:
            refused.append((entity, str(error)))
    sequences = dict(_sequences(source))
    entities = [each for each in made if declared_by_columns.get(each.key) != each]
    return Declarable([*entities, *sequences.values()], made, refused, frozenset(sequences))


def own_extensions(source: Source) -> list[Extension]:
    """Return the extensions of a database that are declared.

    Args:
        source: The database.
    """
    found = (each for each in source.entities if isinstance(each, Extension))
    return [each for each in found if _is_own_extension(each, source)]


def _is_of_application(entity: Entity, source: Source) -> bool:
    if isinstance(entity, TableEntity) and entity.schema not in PLATFORM_SCHEMAS:
        name = (entity.schema, entity.table)
        # A view has triggers as well, and a partition what its table has.
        if name in source.partitions:
            return False
    for kinds, is_own in _RULES:
        if isinstance(entity, kinds):
            return is_own(entity, source)
    return entity.schema not in PLATFORM_SCHEMAS


def _is_own_trigger(entity: Entity, source: Source) -> bool:
    assert isinstance(entity, Trigger)  # noqa: S101 - the caller said so
    schema = sql.unquote(str(entity.function).partition(".")[0])
    return entity.schema in source.schemas or schema in source.schemas


def _is_own_policy(entity: Entity, source: Source) -> bool:
    assert isinstance(entity, Policy)  # noqa: S101 - the caller said so
    # The tables of extensions are not among those that were read.
    name = (entity.schema, entity.table)
    return name in source.definitions or name in source.platform_tables


def _is_own_grant(entity: Entity, source: Source) -> bool:
    del source
    assert isinstance(entity, TableGrant)  # noqa: S101 - the caller said so
    return entity.role not in _PLATFORM_ROLES and not entity.role.startswith("supabase_")


def _is_own_extension(entity: Entity, source: Source) -> bool:
    assert isinstance(entity, Extension)  # noqa: S101 - the caller said so
    if source.is_platform and entity.schema in PLATFORM_SCHEMAS:
        return entity.name not in PREINSTALLED
    return entity.name != "plpgsql"


def _is_own_replica_identity(entity: Entity, source: Source) -> bool:
    assert isinstance(entity, ReplicaIdentity)  # noqa: S101 - the caller said so
    return entity.mode != "default" and entity.schema in source.schemas


def _is_own_schema(entity: Entity, source: Source) -> bool:
    return entity.schema in source.schemas


def _is_own_default(entity: Entity, source: Source) -> bool:
    assert isinstance(entity, DefaultPrivileges)  # noqa: S101 - the caller said so
    return entity.owner is None and (entity.everywhere or entity.schema in source.schemas)


_RULES: tuple[tuple[type[Entity], Callable[[Entity, Source], bool]], ...] = (
    (Trigger, _is_own_trigger),
    (Policy, _is_own_policy),
    (TableGrant, _is_own_grant),
    (Extension, _is_own_extension),
    (SchemaAccess, _is_own_schema),
    (DefaultPrivileges, _is_own_default),
    (ReplicaIdentity, _is_own_replica_identity),
)
_PLATFORM_ROLES = {
    "anon",
    "authenticated",
    "authenticator",
    "dashboard_user",
    "pgbouncer",
    "postgres",
    "service_role",
}


def _as_found(entity: Entity) -> Entity:
    changes: dict[str, Any] = {}
    if getattr(entity, "owner", None) is not None and not isinstance(entity, DefaultPrivileges):
        changes["owner"] = None
    if isinstance(entity, Routine) and entity.is_hijackable:
        changes["search_path"] = "as found"
    return type(entity).found(**{**vars(entity), **changes}) if changes else entity


def _values(entity: Entity) -> Mapping[str, Any]:
    return {field.name: vars(entity)[field.name] for field in fields(entity) if field.init}


def _sequences(source: Source) -> Iterable[tuple[tuple[TableName, str], NumberSequence]]:
    # Those of serial columns that have another name or other numbers than "serial" gives.
    for name, definition in source.definitions.items():
        for column in definition.table.columns.values():
            if column.sequence is not None and not is_plain_serial(definition.table, column):
                sequence = _sequence(column)
                yield (name, column.name), sequence


def _sequence(column: Column) -> NumberSequence:
    schema, name = map(sql.unquote, _NAME.findall(str(column.sequence)))
    values = {
        words: value
        for words, _, value in (each.rpartition(" ") for each in column.sequence_options[:-1])
    }
    return NumberSequence(
        schema=schema,
        name=name,
        type=cast("Literal['smallint', 'integer', 'bigint']", values["as"]),
        start=int(values["start with"]),
        increment=int(values["increment by"]),
        minimum=int(values["minvalue"]),
        maximum=int(values["maxvalue"]),
        cache=int(values["cache"]),
        cycle=column.sequence_options[-1] == "cycle",
    )


_NAME = re.compile(sql.IDENTIFIER)

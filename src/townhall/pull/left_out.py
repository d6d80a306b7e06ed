"""What a pull leaves out, and what only its first revision has, by kind and name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from townhall.pg import DefaultPrivileges, sql
from townhall.pg.table_definition import TableDefinition
from townhall.pull.declarable import Declarable
from townhall.pull.models import Models
from townhall.pull.source import Source


class LeftOut(NamedTuple):
    """Objects of a kind that are not pulled, or not as a declaration.

    Attributes:
        kind: The kind of object.
        names: The objects as SQL names them.
    """

    kind: str
    names: Sequence[str]

    def __str__(self) -> str:
        """Return one line: the kind, how many there are, and their names."""
        return f"{self.kind}: {len(self.names)}: {', '.join(self.names)}"


_MADE_BY_REVISION = {"inheritance", "rule", "statistics"}


def left_out(source: Source, declared: Declarable) -> list[LeftOut]:
    """Return what is not pulled.

    Args:
        source: The database.
        declared: Its entities as they are declared.
    """
    refused = ((each.kind, f"{each.identity}: {why}") for each, why in declared.refused)
    unmanaged = (each for each in source.unmanaged if each.kind not in _MADE_BY_REVISION)
    of_others = (
        ("default privileges of another role", each.identity)
        for each in source.entities
        if isinstance(each, DefaultPrivileges)
        and each.owner is not None
        and not each.owner.startswith("supabase_")
    )
    return _by_kind([*unmanaged, *refused, *of_others, *source.undeclarable, *source.rows])


def not_compared(source: Source, models: Models) -> list[LeftOut]:
    """Return what the first revision makes and no model or entity declares.

    Args:
        source: The database.
        models: Its tables as they are declared.
    """
    unmanaged = (each for each in source.unmanaged if each.kind in _MADE_BY_REVISION)
    details = (part for each in source.definitions.values() for part in _details(each))
    return _by_kind([*unmanaged, *models.undeclared, *details])


def _details(definition: TableDefinition) -> Iterable[tuple[str, str]]:
    for partition in definition.partitions:
        yield "partition", partition.name
        yield from _details(partition)
    for name, constraint in definition.table.constraints.items():
        if constraint.kind == "foreign key" and constraint.definition.endswith(" NOT ENFORCED"):
            yield "foreign key that is not enforced", f"{sql.quote(name)} on {definition.name}"
    yield from _column_details(definition)
    for name, index in {
        **definition.details.constraints,
        **definition.details.indexes,
    }.items():
        if index.statistics or index.is_clustered:
            yield "settings of an index", sql.qualified(definition.table.schema, name)
    for sequence in definition.details.sequences:
        if sequence.entries:
            yield "privileges on a sequence", sequence.name


def _column_details(definition: TableDefinition) -> Iterable[tuple[str, str]]:
    for name, column in definition.details.columns.items():
        place = f"{definition.name}.{sql.quote(name)}"
        is_own = not (column.is_not_null_inherited or definition.details.bound)
        if column.not_null is not None and is_own:
            yield "not-null constraint", f"{sql.quote(column.not_null.name)} on {place}"
        if column.statistics is not None or column.storage or column.compression or column.options:
            yield "settings of a column", place


def _by_kind(objects: Iterable[tuple[str, str]]) -> list[LeftOut]:
    found: dict[str, list[str]] = defaultdict(list)
    for kind, name in objects:
        found[kind].append(name)
    return [LeftOut(kind, sorted(found[kind])) for kind in sorted(found)]

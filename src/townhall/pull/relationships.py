"""Relationships between mapped classes, both ways, with names made of the foreign keys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from townhall.pull.names import attribute_name, singular

TableName = tuple[str, str]


@dataclass(frozen=True)
class Reference:
    """A foreign key between two mapped classes.

    Attributes:
        name: The name of the foreign key.
        table: The table that has it.
        columns: Its columns.
        referred: The table that it refers to.
        referred_columns: The columns that it refers to.
        is_unique: Whether at most one row refers to another.
        is_nullable: Whether a row may refer to none.
    """

    name: str
    table: TableName
    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    is_unique: bool
    is_nullable: bool


@dataclass(frozen=True)
class Relationship:
    """One end of a relationship.

    Attributes:
        name: The attribute.
        target: The table of the other end.
        back: The attribute of the other end.
        is_list: Whether there are many of the other end.
        is_nullable: Whether there may be none.
        foreign_keys: The table and the columns of the foreign key, where there are several.
        remote_side: The columns of the other end, where both ends are of one table.
        overlaps: Other relationships that write the same columns.
        is_reverse: Whether the other end has the foreign key.
    """

    name: str
    target: TableName
    back: str
    is_list: bool
    is_nullable: bool
    foreign_keys: tuple[TableName, tuple[str, ...]] | None
    remote_side: tuple[TableName, tuple[str, ...]] | None
    overlaps: tuple[str, ...]
    is_reverse: bool


def relationships(
    references: Sequence[Reference], attributes: Mapping[TableName, set[str]]
) -> dict[TableName, list[Relationship]]:
    """Return the relationships of each table.

    Args:
        references: The foreign keys, in a stable order.
        attributes: The attributes that each class has for its columns.
    """
    taken = {table: set(names) for table, names in attributes.items()}
    pairs = Counter(frozenset({each.table, each.referred}) for each in references)
    forward: dict[int, str] = {}
    for number, each in enumerate(references):
        name = attribute_name(_forward(each))
        if name in taken[each.table]:
            name = attribute_name(f"{name}_{singular(each.referred[1])}", taken[each.table])
        forward[number] = name
        taken[each.table].add(name)
    reverse: dict[int, str] = {}
    for number, each in enumerate(references):
        is_alone = pairs[frozenset({each.table, each.referred})] == 1
        word = each.table[1] if is_alone and each.table != each.referred else _by(each)
        reverse[number] = name = attribute_name(word, taken[each.referred])
        taken[each.referred].add(name)
    found: dict[TableName, list[Relationship]] = defaultdict(list)
    for number, each in enumerate(references):
        is_self = each.table == each.referred
        is_ambiguous = is_self or pairs[frozenset({each.table, each.referred})] > 1
        foreign_keys = (each.table, each.columns) if is_ambiguous else None
        overlaps = tuple(
            sorted(
                name
                for other, key in enumerate(references)
                if other != number
                and key.table == each.table
                and not {*key.columns}.isdisjoint(each.columns)
                for name in (forward[other], reverse[other])
            )
        )
        found[each.table].append(
            Relationship(
                name=forward[number],
                target=each.referred,
                back=reverse[number],
                is_list=False,
                is_nullable=each.is_nullable,
                foreign_keys=foreign_keys,
                remote_side=(each.referred, each.referred_columns) if is_self else None,
                overlaps=overlaps,
                is_reverse=False,
            )
        )
        found[each.referred].append(
            Relationship(
                name=reverse[number],
                target=each.table,
                back=forward[number],
                is_list=not each.is_unique,
                is_nullable=each.is_unique,
                foreign_keys=foreign_keys,
                remote_side=None,
                overlaps=overlaps,
                is_reverse=True,
            )
        )
    return found


def _forward(reference: Reference) -> str:
    column = reference.columns[-1]
    if column == "id":
        return singular(reference.referred[1])
    for ending in ("_id", "_uuid", "_fk", "Id"):
        if column.endswith(ending) and column != ending:
            return column.removesuffix(ending)
    return column if len(reference.columns) == 1 else reference.referred[1]


def _by(reference: Reference) -> str:
    return f"{reference.table[1]}_by_{_forward(reference)}"

"""A step of an adoption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from townhall.migrate.origins import Part
from townhall.pg.catalog import TableName


class Rename(NamedTuple):
    """A constraint or an index that gets its declared name.

    Attributes:
        table: Schema and name of the table.
        kind: ``constraint`` or ``index``.
        previous: The name that it has.
        name: The name that it gets.
    """

    table: TableName
    kind: str
    previous: str
    name: str


@dataclass(frozen=True)
class Step:
    """A change that is committed before the next one, and does nothing where it was made.

    Attributes:
        title: What it does: ``add column public.profiles.stage``.
        statements: The SQL that does it.
        is_atomic: Whether its statements share one transaction. Otherwise each commits by itself,
            as one that builds an index concurrently has to.
        renames: The constraints and indexes that it renames.
        adds: What it adds in a statement that commits by itself.
        drops: What it drops in a statement that commits by itself.
        may_wait: Whether nothing queues behind its statements, which wait for a lock for any time.
        undo: What takes back what a failure leaves of a step that is not atomic: a constraint that
            is not valid, an index that is not complete.
        is_theirs: Whether what it sets was there before in another form, so that a downgrade leaves
            it: the check of a domain that becomes one of the table.
    """

    title: str
    statements: tuple[str, ...]
    is_atomic: bool = True
    renames: tuple[Rename, ...] = ()
    adds: tuple[Part, ...] = ()
    drops: tuple[Part, ...] = ()
    may_wait: bool = False
    undo: tuple[str, ...] = ()
    is_theirs: bool = False

"""Triggers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, TableEntity, comment_statement

Firing = Literal["origin", "always", "replica", "disabled"]


@dataclass(frozen=True, kw_only=True)
class Trigger(TableEntity):
    """A trigger on a table or a view.

    It reads as PostgreSQL's statement does, around the table: ``create trigger name`` *event*
    ``on table`` *action*.

    Attributes:
        name: The name of the trigger.
        event: When it fires: ``after insert or update of enabled``.
        action: What follows the table: transition tables, ``for each row``, a condition and the
            function.
        constraint: Whether it is a constraint trigger, which can be deferred.
        firing: For which changes it fires; ``origin`` is PostgreSQL's default, and ``disabled``
            switches it off.
        comment: What the trigger is for.
    """

    kind: ClassVar[str] = "trigger"
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "name")

    name: str
    event: str
    action: str
    constraint: bool = False
    firing: Firing = "origin"
    comment: str | None = None

    def __post_init__(self) -> None:
        """Lay out the SQL."""
        object.__setattr__(self, "event", sql.layout(self.event))
        object.__setattr__(self, "action", sql.layout(self.action))

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and trigger."""
        return (self.schema, self.table, self.name)

    def create_statements(self) -> Iterable[str]:
        """Yield the trigger, for which changes it fires, and its comment."""
        if self.constraint:
            yield from self.drop_statements()  # PostgreSQL can't replace a constraint trigger
        kind = "constraint trigger" if self.constraint else "or replace trigger"
        name = sql.quote(self.name)
        on_table = f"{name} on {self.literal_table}"
        yield f"create {kind} {name} {self.event}\non {self.literal_table}\n{self.action}"
        # Created or replaced it fires for "origin", and one on a view can't be altered.
        if self.firing != "origin":
            yield f"alter table {self.literal_table} {_FIRING_CLAUSES[self.firing]} trigger {name}"
        yield comment_statement("trigger", on_table, self.comment)

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the trigger."""
        yield f"drop trigger if exists {sql.quote(self.name)} on {self.literal_table}"

    def can_replace(self, other: Entity) -> bool:
        """Tell whether the trigger stays an ordinary one, or stays a constraint."""
        return isinstance(other, Trigger) and self.constraint == other.constraint

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the triggers on tables and views in ``schemas``."""
        return [
            cls(
                schema=row["schema"],
                table=row["table"],
                name=row["name"],
                **_parts(row["definition"]),
                constraint=row["constraint"],
                firing=row["firing"],
                comment=row["comment"],
            )
            for row in catalog.rows(connection, _QUERY, schemas)
        ]


def _parts(definition: str) -> dict[str, str]:
    match = _DEFINITION.match(definition)
    if match is None:  # pragma: no cover - PostgreSQL's own rendering
        raise ValueError(f"can't read the trigger {definition!r}")
    return match.groupdict()


_DEFINITION = re.compile(
    rf"CREATE (?:CONSTRAINT )?TRIGGER {sql.IDENTIFIER} (?P<event>.+?)"
    rf" ON {sql.IDENTIFIER}\.{sql.IDENTIFIER} (?P<action>.+)",
    re.DOTALL,
)

_FIRING_CLAUSES = {
    "always": "enable always",
    "replica": "enable replica",
    "disabled": "disable",
}

_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        t.tgname as name,
        pg_catalog.pg_get_triggerdef(t.oid) as definition,
        t.tgconstraint <> 0 as constraint,
        case t.tgenabled
            when 'A' then 'always' when 'R' then 'replica' when 'D' then 'disabled' else 'origin'
        end as firing,
        {catalog.comment("pg_trigger", "t")} as comment
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
        and not t.tgisinternal
        and t.tgparentid = 0
        and {catalog.not_of_an_extension("pg_trigger", "t")}
"""

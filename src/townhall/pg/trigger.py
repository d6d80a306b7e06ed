"""Triggers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self, get_args

from sqlalchemy import Connection, RowMapping

from townhall.pg import catalog, sql
from townhall.pg.entity import Entity, TableEntity, comment_statement
from townhall.pg.function import Function
from townhall.pg.trigger_rules import violated_rule

Timing = Literal["before", "after", "instead of"]
Event = Literal["insert", "update", "delete", "truncate"]
Level = Literal["row", "statement"]
Initially = Literal["immediate", "deferred"]
Firing = Literal["origin", "always", "replica", "disabled"]

_EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Trigger(TableEntity):
    """A trigger on a table or a view.

    Attributes:
        name: The name of the trigger.
        timing: ``before`` or ``after`` a change of a table, or ``instead of`` one of a view.
        events: The changes it fires for, in any order.
        columns: The columns whose update fires it; none if every update does.
        level: Whether it fires once per ``row`` or once per ``statement``.
        condition: The condition of ``when``, in SQL over ``old`` and ``new``.
        old_table: The name of the transition table that holds the rows before the change.
        new_table: The name of the transition table that holds the rows after the change.
        function: The function to call, as a :class:`Function` or as its name with its schema:
            ``public.set_updated_at``. It is stored as the name.
        arguments: The texts that the function finds in ``tg_argv``.
        constraint: Whether it is a constraint trigger, which can be deferred.
        referenced_table: With a constraint trigger, the other table of a foreign key, as a name
            with its schema.
        deferrable: Whether a constraint trigger can be deferred to the end of a transaction.
        initially: Whether a deferrable one is ``deferred`` where a transaction does not set it.
        firing: In which sessions it fires: all but those that apply replicated changes
            (``origin``, PostgreSQL's default), those alone (``replica``), ``always``, or in none
            (``disabled``).
        on_partitions: In which sessions it fires on partitions where that is set otherwise, by
            their names in SQL: ``{"public.events_2025": "disabled"}``. It is not compared, and
            kept where the trigger is changed.
        comment: What the trigger is for.
    """

    kind: ClassVar[str] = "trigger"
    is_for_platform: ClassVar[bool] = True
    name_fields: ClassVar[tuple[str, ...]] = ("schema", "table", "name")
    sql_fields: ClassVar[tuple[str, ...]] = ("condition",)

    name: str
    timing: Timing
    events: tuple[Event, ...]
    columns: tuple[str, ...] = ()
    level: Level = "row"
    condition: str | None = None
    old_table: str | None = None
    new_table: str | None = None
    function: str | Function
    arguments: tuple[str, ...] = ()
    constraint: bool = False
    referenced_table: str | None = None
    deferrable: bool = False
    initially: Initially = "immediate"
    firing: Firing = "origin"
    on_partitions: Mapping[str, Firing] = field(default_factory=dict, compare=False)
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse a trigger that PostgreSQL would refuse.

        Raises:
            InputError: A value has another type than its field, or values contradict each other.
        """
        super().__post_init__()
        if isinstance(self.function, Function):
            if self.function.returns.lower() != "trigger":
                self._refuse(f"{self.function.identity} does not return trigger")
            object.__setattr__(self, "function", self.function.literal_name)
        if why := violated_rule(self):
            self._refuse(why)
        events = tuple(event for event in _EVENTS if event in self.events)
        object.__setattr__(self, "events", events)

    @property
    def name_parts(self) -> tuple[str, ...]:
        """Schema, table and trigger."""
        return (self.schema, self.table, self.name)

    def create_statements(self) -> Iterable[str]:
        """Yield the trigger, in which sessions it fires, and its comment."""
        if self.constraint:
            yield from self.drop_statements()  # PostgreSQL can't replace a constraint trigger
        yield "\n".join(self._definition())
        name = sql.quote(self.name)
        # "create or replace" resets it to "origin", which is all that a view's trigger can have.
        if self.firing != "origin":
            yield f"alter table {self.literal_table} {_FIRING_CLAUSES[self.firing]} trigger {name}"
        for partition, firing in self.on_partitions.items():
            yield (
                f"alter table if exists only {partition} {_FIRING_CLAUSES[firing]} trigger {name}"
            )
        # Only the owner of a table may comment on its triggers.
        if not self.is_shared or self.comment is not None:
            yield comment_statement("trigger", f"{name} on {self.literal_table}", self.comment)

    def _definition(self) -> Iterable[str]:
        kind = "constraint trigger" if self.constraint else "or replace trigger"
        events = " or ".join(map(self._event, self.events))
        yield f"create {kind} {sql.quote(self.name)} {self.timing} {events}"
        yield f"on {self.literal_table}"
        if self.referenced_table is not None:
            yield f"from {self.referenced_table}"
        if self.deferrable:
            yield f"deferrable initially {self.initially}"
        if self.old_table is not None or self.new_table is not None:
            yield f"referencing {' '.join(self._transition_tables())}"
        yield f"for each {self.level}"
        if self.condition is not None:
            yield f"when {sql.parenthesized(self.condition)}"
        arguments = ", ".join(map(sql.literal, self.arguments))
        yield f"execute function {self.function}({arguments})"

    def _event(self, event: Event) -> str:
        if event == "update" and self.columns:
            return f"update of {sql.quote_all(self.columns)}"
        return event

    def _transition_tables(self) -> Iterable[str]:
        if self.old_table is not None:
            yield f"old table as {sql.quote(self.old_table)}"
        if self.new_table is not None:
            yield f"new table as {sql.quote(self.new_table)}"

    def drop_statements(self) -> Iterable[str]:
        """Yield the drop of the trigger."""
        drop = f"drop trigger if exists {sql.quote(self.name)} on {self.literal_table}"
        yield self._drop_as_any_role(drop) if self.is_shared else drop

    def _drop_as_any_role(self, drop: str) -> str:
        # Who may create a trigger may replace it, but only the table's owner may drop it. With a
        # function goes every trigger that calls it, also on tables of other owners.
        function = "pg_temp.townhall_dropped_trigger"
        body = f"""
begin
    {drop};
exception
    when insufficient_privilege then
        create function {function}() returns trigger
        language plpgsql as 'begin return null; end';
        create or replace trigger {sql.quote(self.name)} after insert on {self.literal_table}
        for each row execute function {function}();
        drop function {function}() cascade;
end
"""
        return f"do {sql.dollar_quoted(body)}"

    def can_replace(self, other: Entity) -> bool:
        """Tell whether both are ordinary triggers, or both are constraint triggers.

        On a table of others a comment goes with the trigger alone.
        """
        return (
            isinstance(other, Trigger)
            and self.constraint == other.constraint
            and not self.loses_comment(other.comment, self.comment)
        )

    def keeping(self, actual: Entity, created: Entity) -> Self:
        """Return the trigger with what is set for it on partitions."""
        del created
        return self.in_place_of(actual)

    def in_place_of(self, actual: Entity) -> Self:
        """Return the same: "create or replace" resets it on partitions as well."""
        if not (isinstance(actual, Trigger) and actual.on_partitions):
            return self
        return replace(self, on_partitions={**actual.on_partitions, **self.on_partitions})

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the triggers on tables and views in ``schemas``."""
        return [cls.found(**_values(row)) for row in catalog.rows(connection, _QUERY, schemas)]


def _values(row: RowMapping) -> dict[str, Any]:
    values = dict(row)
    bits = values.pop("bits")
    definition = values.pop("definition")
    return {
        **values,
        "timing": "before" if bits & _BEFORE else "instead of" if bits & _INSTEAD else "after",
        "events": tuple(event for event, bit in _EVENT_BITS.items() if bits & bit),
        "columns": tuple(row["columns"] or ()),
        "level": "row" if bits & _ROW else "statement",
        "condition": None if definition is None else _condition(definition),
        "function": sql.qualified(*row["function"]),
        "arguments": tuple(row["arguments"] or ()),
        "on_partitions": row["on_partitions"] or {},
        "referenced_table": row["referenced_table"] and sql.qualified(*row["referenced_table"]),
    }


def _condition(definition: str) -> str:
    match = _WHEN.fullmatch(definition)
    if match is None:  # pragma: no cover - PostgreSQL's own rendering
        raise RuntimeError(f"can't read the condition of the trigger {definition!r}")
    return match["condition"]


# pg_trigger.tgtype, from PostgreSQL's catalog/pg_trigger.h.
_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_EVENT_BITS: dict[Event, int] = {"insert": 4, "update": 16, "delete": 8, "truncate": 32}

# A quoted name, a string in the condition or an argument may contain the same words.
_NAME = r'(?:"(?:[^"]|"")*"|[^\s"(.]+)'
_WHEN = re.compile(
    r'(?:"(?:[^"]|"")*"|[^"])*? FOR EACH (?:ROW|STATEMENT) WHEN \((?P<condition>.+?)\)'
    rf" EXECUTE FUNCTION (?:{_NAME}\.)?{_NAME}\((?:E?'(?:[^']|'')*'(?:, )?)*\)",
    re.DOTALL,
)

_FIRING_CLAUSES = {
    "origin": "enable",
    "always": "enable always",
    "replica": "enable replica",
    "disabled": "disable",
}


def _firing(enabled: str) -> str:
    return f"""case {enabled}
            when 'A' then 'always' when 'R' then 'replica' when 'D' then 'disabled' else 'origin'
        end"""


# pg_get_expr() can't render tgqual, which refers to two rows: the condition is taken from the
# definition. In tgargs a zero byte follows each argument.
_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as table,
        t.tgname as name,
        t.tgtype::integer as bits,
        (
            select array_agg(a.attname::text order by o.position)
            from unnest(t.tgattr::smallint[]) with ordinality as o (number, position)
            join pg_catalog.pg_attribute as a on a.attrelid = t.tgrelid and a.attnum = o.number
        ) as columns,
        case when t.tgqual is not null then pg_catalog.pg_get_triggerdef(t.oid) end as definition,
        t.tgoldtable as old_table,
        t.tgnewtable as new_table,
        array[pn.nspname, p.proname]::text[] as function,
        case when t.tgnargs > 0 then (
            select array_agg(
                pg_catalog.convert_from(
                    pg_catalog.substr(t.tgargs, a.first, a.stop - a.first),
                    pg_catalog.getdatabaseencoding()
                )
                order by a.stop
            )
            from (
                select 1 + coalesce(lag(b.stop) over (order by b.stop), 0) as first, b.stop
                from pg_catalog.generate_series(1, pg_catalog.length(t.tgargs)) as b (stop)
                where pg_catalog.get_byte(t.tgargs, b.stop - 1) = 0
            ) as a
        ) end as arguments,
        t.tgconstraint <> 0 as constraint,
        (
            select array[rn.nspname, r.relname]::text[]
            from pg_catalog.pg_class as r
            join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
            where r.oid = t.tgconstrrelid
        ) as referenced_table,
        t.tgdeferrable as deferrable,
        case when t.tginitdeferred then 'deferred' else 'immediate' end as initially,
        {_firing("t.tgenabled")} as firing,
        case when c.relkind = 'p' then (
            select pg_catalog.json_object_agg(
                m.relid::regclass::text, {_firing("g.tgenabled")}
                order by m.level, m.relid::regclass::text
            )
            from pg_catalog.pg_partition_tree(c.oid) as m
            join pg_catalog.pg_trigger as g on g.tgrelid = m.relid
            where g.tgparentid <> 0 and g.tgname = t.tgname and g.tgenabled <> t.tgenabled
        ) end as on_partitions,
        {catalog.comment("pg_trigger", "t")} as comment
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    join pg_catalog.pg_namespace as pn on pn.oid = p.pronamespace
    where n.nspname = any (%(schemas)s)
        and not t.tgisinternal
        and t.tgparentid = 0
        and {catalog.not_of_an_extension("pg_trigger", "t")}
"""

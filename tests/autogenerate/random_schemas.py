"""Random schemas over the kinds that can be declared, which depend on each other.

All names of a schema are written in one style: in capitals, with a quote, as key words, 63 bytes
long. Two schemas of one style share names, so that one is a change of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA, Schema
from townhall import pg
from townhall.pg import Entity, sql

PUBLICATION = "lab's 100% odd"
STYLES = ("{}", "{} odd name", "Odd{}", "100%{}", "{}:x", 'a "{}"', "it's {}", "é{}ß", "{:x<63}")
KEY_WORDS = {
    "a": "position",
    "b": "order",
    "c": "values",
    "d": "row",
    "t0": "user",
    "t1": "table",
    "t2": "select",
    "e0": "interval",
    "d0": "precision",
    "k0": "grouping",
    "r0": "overlaps",
    "s0": "sequence",
    "f0": "coalesce",
    "f1": "extract",
    "v0": "window",
    "m0": "analyze",
    "x": "time",
}
CLIENTS = ("authenticated", "service_role")


@dataclass(frozen=True)
class Choice:
    """A random object.

    Attributes:
        number: Which of those of its kind.
        value: A number that decides what it uses and is.
        flags: Whether it has this and that.
    """

    number: int
    value: int
    flags: tuple[bool, bool, bool]


_CHOICES = st.builds(
    Choice,
    number=st.integers(0, 2),
    value=st.integers(0, 11),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)


def _some(most: int) -> st.SearchStrategy[list[Choice]]:
    return st.lists(_CHOICES, max_size=most, unique_by=lambda choice: choice.number)


_PARTS = {
    "e": 2,
    "d": 2,
    "k": 1,
    "r": 1,
    "s": 2,
    "t": 3,
    "f": 3,
    "h": 1,
    "v": 3,
    "m": 2,
    "p": 2,
    "g": 2,
}
Parts = dict[str, list[Choice]]


def parts() -> st.SearchStrategy[Parts]:
    """Return a strategy of the objects of a schema, by the letter of their kind."""
    return st.fixed_dictionaries({letter: _some(most) for letter, most in _PARTS.items()})


@st.composite
def changes(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """Draw a schema, and the same schema with objects of some kinds changed."""
    style = draw(st.sampled_from((*STYLES, "key words")))
    old, new = draw(parts()), draw(parts())
    changed = draw(st.sets(st.sampled_from(sorted(_PARTS)), min_size=1))
    new = {letter: new[letter] if letter in changed else old[letter] for letter in _PARTS}
    return _Builder(style, old).schema(), _Builder(style, new).schema()


@dataclass
class _Builder:
    style: str
    parts: Parts
    metadata: sa.MetaData = field(default_factory=sa.MetaData)
    entities: list[Entity] = field(default_factory=list)

    def schema(self) -> Schema:
        """Return the declaration."""
        self.add_types()
        for choice in self.parts["s"]:
            self.entities.append(self.sequence(choice))
        columns = {choice.number: self.columns_of(choice) for choice in self.parts["t"]}
        for choice in self.parts["t"]:
            self.add_table(choice, columns)
        self.add_routines()
        self.add_views()
        self.add_rules()
        return Schema(self.metadata, self.entities)

    def name(self, base: str) -> str:
        """Return a name in the style of the schema."""
        if self.style == "key words":
            return KEY_WORDS.get(base, base)
        # "{:x<63}" is the longest name there can be.
        return self.style.format(base)

    def literal(self, base: str) -> str:
        """Return the qualified name of an object as SQL."""
        return sql.qualified(SCHEMA, self.name(base))

    def has(self, letter: str) -> bool:
        return bool(self.parts[letter])

    def add_types(self) -> None:
        for choice in self.parts["e"]:
            _, is_commented, is_restricted = choice.flags
            self.entities.append(
                pg.EnumType(
                    schema=SCHEMA,
                    name=self.name(f"e{choice.number}"),
                    # The same each time: PostgreSQL can't remove a value on the way back.
                    values=VALUES[: 4 - choice.number],
                    comment="It's 100% :x." if is_commented else None,
                    usage=CLIENTS if is_restricted else ("public",),
                )
            )
        for choice in self.parts["d"]:
            is_null, has_default, has_check = choice.flags
            limit = choice.value % 3
            self.entities.append(
                pg.Domain(
                    schema=SCHEMA,
                    name=self.name(f"d{choice.number}"),
                    base="integer",
                    is_nullable=is_null,
                    default=str(choice.value + 1) if has_default else None,
                    checks={self.name("limit"): f"value > {limit}"} if has_check else {},
                )
            )
        for choice in self.parts["k"]:
            is_long, is_commented, _ = choice.flags
            attributes = {self.name("a"): "text", self.name("b"): "integer"}
            if is_long:
                attributes[self.name("c")] = self.type_of_domain() or "date"
            self.entities.append(
                pg.CompositeType(
                    schema=SCHEMA,
                    name=self.name("k0"),
                    attributes=attributes,
                    attribute_comments={self.name("a"): "It's odd."} if is_commented else {},
                )
            )
        for choice in self.parts["r"]:
            is_named, is_commented, is_restricted = choice.flags
            self.entities.append(
                pg.RangeType(
                    schema=SCHEMA,
                    name=self.name("r0"),
                    subtype="time",
                    multirange=self.name("r1") if is_named else None,
                    comment="Hours." if is_commented else None,
                    usage=CLIENTS if is_restricted else ("public",),
                )
            )

    def type_of_domain(self) -> str | None:
        numbers = [choice.number for choice in self.parts["d"]]
        return self.literal(f"d{numbers[0]}") if numbers else None

    def sequence(self, choice: Choice) -> pg.Sequence:
        is_cycle, is_granted, is_small = choice.flags
        return pg.Sequence(
            schema=SCHEMA,
            name=self.name(f"s{choice.number}"),
            type="integer" if is_small else "bigint",
            start=choice.value + 1,
            increment=1 + choice.value % 3,
            cycle=is_cycle,
            grants={"authenticated": ("usage",)} if is_granted else {},
        )

    def columns_of(self, choice: Choice) -> Sequence[str]:
        return ("id", "a", "b", "c", "d")[: 1 + choice.value % 5]

    def add_table(self, choice: Choice, columns: dict[int, Sequence[str]]) -> None:
        own = columns[choice.number]
        first, second, third = choice.flags
        key = self.quoted("id")
        items: list[sa.schema.SchemaItem] = [
            sa.Column(self.name("id"), sa.Integer, primary_key=True, autoincrement=False),
            *(self.column(name, choice) for name in own[1:]),
            sa.CheckConstraint(
                f"{key} > {choice.value}", name=self.name(f"ck{choice.number}"), info=_about(first)
            ),
        ]
        if "a" in own:
            items.append(
                sa.UniqueConstraint(
                    self.name("a"),
                    name=self.name(f"u{choice.number}"),
                    deferrable=third or None,
                    info=_about(second),
                )
            )
            items.append(
                sa.Index(
                    self.name(f"i{choice.number}"),
                    self.name("a"),
                    postgresql_where=sa.text(f"{key} > {choice.value % 2}"),
                    info=_about(third),
                )
            )
        # Cycles are possible, and tables that refer to themselves.
        target = sorted(columns)[choice.value % len(columns)]
        if second and "b" in own:
            items.append(
                sa.ForeignKeyConstraint(
                    [self.name("b")],
                    [f"{SCHEMA}.{self.name(f't{target}')}.{self.name('id')}"],
                    name=self.name(f"fk{choice.number}"),
                    ondelete="cascade" if first else None,
                )
            )
        sa.Table(
            self.name(f"t{choice.number}"),
            self.metadata,
            *items,
            schema=SCHEMA,
            comment="It's 100% :x." if first else None,
        )

    def column(self, name: str, choice: Choice) -> sa.Column[Any]:
        first, second, third = choice.flags
        default: str | None = None
        kind: sa.types.TypeEngine[Any]
        if name == "a":
            kind = sa.Text()
            default = "it's 100% :x" if first else None
        elif name == "b":
            kind = sa.Integer()
            if self.has("s") and third:
                sequence = sql.literal(self.literal(f"s{self.parts['s'][0].number}"))
                return sa.Column(
                    self.name(name),
                    kind,
                    server_default=sa.text(f"nextval({sequence.replace(':', chr(92) + ':')})"),
                )
        elif name == "c":
            values = sa.Enum(*VALUES, name=self.name("e0"), schema=SCHEMA)
            kind = postgresql.ARRAY(values) if choice.number == 2 else values
        else:
            expression = f"{self.quoted('id')} * {2 + choice.value}"
            return sa.Column(self.name(name), sa.Integer, sa.Computed(expression))
        return sa.Column(
            self.name(name),
            kind,
            nullable=not second or name == "b",
            server_default=default,
            comment=f"It's {name} :x." if third else None,
        )

    def quoted(self, base: str) -> str:
        return sql.quote(self.name(base))

    def add_routines(self) -> None:
        for choice in self.parts["f"]:
            self.entities.append(self.function(choice))
        for choice in self.parts["h"]:
            is_granted, is_commented, _ = choice.flags
            self.entities.append(
                pg.Procedure(
                    schema=SCHEMA,
                    name=self.name("h0"),
                    arguments={self.name("x"): self.type_of_domain() or "integer"},
                    body=f"select {choice.value}",
                    execute=CLIENTS if is_granted else (),
                    comment="It's odd." if is_commented else None,
                )
            )

    def function(self, choice: Choice) -> pg.Function:
        has_default, is_big, is_granted = choice.flags
        body = f"select {self.quoted('x')} + {choice.value}"
        tables = [each.number for each in self.parts["t"]]
        returns = "bigint" if is_big else "integer"
        if tables and choice.value % 3 == 0:
            table = self.literal(f"t{tables[choice.value % len(tables)]}")
            body = f"select count(*)::integer from {table} where {self.quoted('id')} > x"
            body = body.replace("> x", f"> {self.quoted('x')}")
        return pg.Function(
            schema=SCHEMA,
            name=self.name(f"f{choice.number}"),
            arguments={self.name("x"): "integer default 7" if has_default else "integer"},
            returns=returns,
            body=body,
            volatility="immutable",
            execute=CLIENTS if is_granted else (),
            comment="It's 100% :x." if has_default else None,
        )

    def call(self, choice: Choice) -> str | None:
        """Return a condition that calls a function."""
        functions = self.parts["f"]
        if not functions or choice.value % 2:
            return None
        function = functions[choice.value % len(functions)]
        return f"{self.literal(f'f{function.number}')}({self.quoted('id')}) > {choice.value}"

    def add_views(self) -> None:
        sources = [f"t{choice.number}" for choice in self.parts["t"]]
        for letter in ("v", "m"):
            for choice in self.parts[letter]:
                if sources:
                    source = sources[choice.value % len(sources)]
                    self.entities.append(self.view(letter, choice, source))
                    sources.append(f"{letter}{choice.number}")

    def view(self, letter: str, choice: Choice, source: str) -> Entity:
        is_granted, is_commented, third = choice.flags
        condition = self.call(choice)
        where = f" where {condition}" if condition else ""
        more = f", {choice.value} as {self.quoted('a')}" if third else ""
        shared: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name(f"{letter}{choice.number}"),
            "definition": f"select {self.quoted('id')}{more} from {self.literal(source)}{where}",
            "grants": {"authenticated": ("select",)} if is_granted else {},
            "comment": "It's 100% :x." if is_commented else None,
            "column_comments": {self.name("id"): "The key."} if is_granted else {},
        }
        if letter == "v":
            return pg.View(**shared, security_barrier=third)
        index = {self.name(f"mi{choice.number}"): f"unique using btree ({self.quoted('id')})"}
        return pg.MaterializedView(**shared, indexes=index if third else {})

    def add_rules(self) -> None:
        tables = [choice.number for choice in self.parts["t"]]
        stamp = pg.Function(
            schema=SCHEMA,
            name=self.name("stamp"),
            language="plpgsql",
            body="begin return new; end",
        )
        if not tables:
            return
        for choice in self.parts["t"]:
            self.entities += self.states(choice)
        for choice in self.parts["p"]:
            self.entities.append(self.policy(choice, tables[choice.value % len(tables)]))
        for choice in self.parts["g"]:
            self.entities.append(self.trigger(choice, tables[choice.value % len(tables)]))
        if self.has("g"):
            self.entities.append(stamp)

    def states(self, choice: Choice) -> list[Entity]:
        first, second, third = choice.flags
        table = self.name(f"t{choice.number}")
        found: list[Entity] = []
        if first or self.has("p"):
            grants = {"authenticated": ("select", f"update ({self.quoted('id')})")}
            found.append(
                pg.TableAccess(
                    schema=SCHEMA, table=table, forced=second, grants=grants if third else {}
                )
            )
        if second:
            found.append(pg.ReplicaIdentity(schema=SCHEMA, table=table))
            found.append(
                pg.StorageParameters(
                    schema=SCHEMA, table=table, parameters={"fillfactor": str(50 + choice.value)}
                )
            )
        if third:
            where = f"{self.quoted('id')} > {choice.value}" if first else None
            found.append(
                pg.PublicationTable(
                    schema=SCHEMA, table=table, publication=PUBLICATION, where=where
                )
            )
        return found

    def policy(self, choice: Choice, table: int) -> pg.Policy:
        is_commented, is_permissive, is_public = choice.flags
        condition = self.call(choice) or f"{self.quoted('id')} <> {choice.value}"
        return pg.Policy(
            schema=SCHEMA,
            table=self.name(f"t{table}"),
            name=self.name(f"p{choice.number}"),
            command="update" if choice.value > 4 else "select",
            roles=("public",) if is_public else CLIENTS,
            using=condition,
            permissive=is_permissive,
            comment="It's 100% :x." if is_commented else None,
        )

    def trigger(self, choice: Choice, table: int) -> pg.Trigger:
        is_after, has_columns, is_commented = choice.flags
        return pg.Trigger(
            schema=SCHEMA,
            table=self.name(f"t{table}"),
            name=self.name(f"g{choice.number}"),
            timing="after" if is_after else "before",
            events=("update",) if has_columns else ("insert", "delete"),
            columns=(self.name("id"),) if has_columns else (),
            function=f"{SCHEMA}.{self.quoted('stamp')}",
            condition=self.condition(choice) if has_columns else None,
            comment="It's 100% :x." if is_commented else None,
        )

    def condition(self, choice: Choice) -> str:
        condition = self.call(choice)
        column = self.quoted("id")
        if condition is None:
            return f"old.{column} <> new.{column}"
        return condition.replace(f"({column})", f"(new.{column})")


VALUES = ("good", "it's bad", "100% :x", "Ü")


def _about(is_commented: bool) -> dict[str, str]:  # noqa: FBT001 - a random choice
    return {"comment": "It's 100% :x."} if is_commented else {}

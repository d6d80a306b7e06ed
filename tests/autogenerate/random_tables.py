"""The types, sequences and tables of a random schema, which depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.autogenerate.lab import SCHEMA
from tests.autogenerate.random_names import Names
from tests.autogenerate.random_parts import Choice, Parts
from townhall import pg
from townhall.pg import ColumnType, Entity, sql

CLIENTS = ("authenticated", "service_role")
VALUES = ("good", "it's bad", "100% :x", "Ü")
PARTITIONED = 2
"""The number of the table that is partitioned, which can't have all parts."""


@dataclass
class Tables(Names):
    """Declares types, sequences and tables.

    Attributes:
        parts: The objects.
        metadata: The tables that were declared.
        entities: The entities that were declared.
    """

    parts: Parts
    metadata: sa.MetaData = field(default_factory=sa.MetaData)
    entities: list[Entity] = field(default_factory=list)

    def has(self, letter: str) -> bool:
        """Tell whether there is an object of a kind."""
        return bool(self.parts[letter])

    def call(
        self, choice: Choice, argument: str | None = None, *, reads: bool = True
    ) -> str | None:
        """Return a condition that calls a function, if there is one.

        Args:
            choice: Decides which one.
            argument: Its argument in SQL; the column ``id`` if there is none.
            reads: Whether it may be a function that reads a table, which itself can't call it.
        """
        functions = [each for each in self.parts["f"] if reads or not reads_table(each)]
        if not functions or choice.value % 2:
            return None
        function = self.literal(f"f{functions[choice.value % len(functions)].number}")
        return f"{function}({argument or self.quoted('id')}) > {choice.value}"

    def add_types(self) -> None:
        """Declare the types."""
        for choice in self.parts["e"]:
            self.entities.append(self.enum(choice))
        for choice in self.parts["d"]:
            self.entities.append(self.domain(choice))
        for choice in self.parts["k"]:
            self.entities.append(self.composite(choice))
        for choice in self.parts["r"]:
            self.entities.append(self.range(choice))

    def enum(self, choice: Choice) -> pg.EnumType:
        """Return an enum."""
        _, is_commented, is_restricted = choice.flags
        return pg.EnumType(
            schema=SCHEMA,
            name=self.name(f"e{choice.number}"),
            # The same each time: PostgreSQL can't remove a value on the way back.
            values=VALUES[: 4 - choice.number],
            comment="It's 100% :x." if is_commented else None,
            usage=CLIENTS if is_restricted else ("public",),
        )

    def domain(self, choice: Choice) -> pg.Domain:
        """Return a domain, whose check and default may call a function."""
        is_null, has_default, has_check = choice.flags
        check = self.call(choice, "value", reads=False) or f"value > {choice.value % 3}"
        default = self.call(choice, "1", reads=False)
        value = f"({default})::integer" if default else str(choice.value + 1)
        return pg.Domain(
            schema=SCHEMA,
            name=self.name(f"d{choice.number}"),
            base="integer",
            is_nullable=is_null,
            default=value if has_default else None,
            checks={self.name("limit"): check} if has_check else {},
        )

    def composite(self, choice: Choice) -> pg.CompositeType:
        """Return a composite type, which may have an attribute of a domain."""
        is_long, is_commented, _ = choice.flags
        attributes = {self.name("a"): "text", self.name("b"): "integer"}
        if is_long:
            attributes[self.name("c")] = self.type_of_domain() or "date"
        return pg.CompositeType(
            schema=SCHEMA,
            name=self.name("k0"),
            attributes=attributes,
            attribute_comments={self.name("a"): "It's odd."} if is_commented else {},
        )

    def range(self, choice: Choice) -> pg.RangeType:
        """Return a range type."""
        is_named, is_commented, is_restricted = choice.flags
        return pg.RangeType(
            schema=SCHEMA,
            name=self.name("r0"),
            subtype="time",
            multirange=self.name("r1") if is_named else None,
            comment="Hours." if is_commented else None,
            usage=CLIENTS if is_restricted else ("public",),
        )

    def type_of_domain(self) -> str | None:
        """Return the first domain in SQL, if there is one."""
        numbers = [choice.number for choice in self.parts["d"]]
        return self.literal(f"d{numbers[0]}") if numbers else None

    def sequence(self, choice: Choice) -> pg.Sequence:
        """Return a sequence."""
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
        """Return the columns of a table."""
        third = "q" if choice.number == PARTITIONED else "c"
        return ("id", "a", "b", third, "d", "e", "f")[: 1 + choice.value % 7]

    def add_table(self, choice: Choice) -> None:
        """Declare a table."""
        options: dict[str, Any] = {}
        # SQLAlchemy takes a percent sign in this option for a parameter.
        if choice.number == PARTITIONED and "%" not in self.name("id"):
            options["postgresql_partition_by"] = f"range ({self.quoted('id')})"
        sa.Table(
            self.name(f"t{choice.number}"),
            self.metadata,
            self.key(choice),
            *(self.column(name, choice) for name in self.columns_of(choice)[1:]),
            *self.constraints(choice),
            *self.indexes(choice),
            schema=SCHEMA,
            comment="It's 100% :x." if choice.flags[0] else None,
            **options,
        )

    def key(self, choice: Choice) -> sa.Column[Any]:
        """Return the primary key: plain, an identity or serial."""
        form = 0 if choice.number == PARTITIONED else choice.value % 4
        if form in {1, 3}:
            identity = sa.Identity(always=form == 1, start=choice.value)
            return sa.Column(self.name("id"), sa.Integer, identity, primary_key=True)
        is_serial = form != 0
        return sa.Column(self.name("id"), sa.Integer, primary_key=True, autoincrement=is_serial)

    def column(self, name: str, choice: Choice) -> sa.Column[Any]:
        """Return another column."""
        first, second, third = choice.flags
        default: str | sa.TextClause | None = None
        kind: sa.types.TypeEngine[Any] = sa.Integer()
        if name == "a":
            kind = sa.Text(collation="C" if choice.value % 3 else None)
            default = "it's 100% :x" if first else None
        elif name == "b":
            kind = sa.BigInteger() if choice.value % 5 == 4 else sa.Integer()
            if self.has("s") and third:
                sequence = sql.literal(self.literal(f"s{self.parts['s'][0].number}"))
                default = sa.text(f"nextval({escaped(sequence)})")
        elif name in {"c", "q"}:
            values = sa.Enum(*VALUES, name=self.name("e0"), schema=SCHEMA)
            kind = postgresql.ARRAY(values) if name == "q" else values
        elif name == "d":
            generated = sa.Computed(f"{self.quoted('id')} * {2 + choice.value}")
            return sa.Column(self.name(name), sa.Integer, generated)
        elif name == "e" and (domain := self.type_of_domain()):
            kind = ColumnType(domain)
        elif name == "f" and (call := self.call(choice, "1" if first else None, reads=False)):
            if first:
                default = sa.text(call)
                kind = sa.Boolean()
            else:
                generated = sa.Computed(call, persisted=True)
                return sa.Column(self.name(name), sa.Boolean, generated)
        return sa.Column(
            self.name(name),
            kind,
            nullable=not second or name == "b",
            server_default=default,
            comment=f"It's {name} :x." if third else None,
        )

    def constraints(self, choice: Choice) -> Sequence[sa.Constraint]:
        """Return the constraints of a table."""
        first, second, third = choice.flags
        own = self.columns_of(choice)
        number, is_whole = choice.number, choice.number != PARTITIONED
        key = self.quoted("id")
        found: list[sa.Constraint] = [
            sa.CheckConstraint(
                f"{key} > {choice.value}",
                name=self.name(f"ck{number}"),
                info=_about(is_commented=first),
                postgresql_not_valid=third,
            ),
        ]
        if call := self.call(choice, reads=False):
            found.append(sa.CheckConstraint(call, name=self.name(f"cf{number}")))
        if "a" in own and is_whole:
            found.append(
                sa.UniqueConstraint(
                    self.name("a"),
                    name=self.name(f"u{number}"),
                    deferrable=third or None,
                    info=_about(is_commented=second),
                )
            )
        if "b" in own and is_whole and choice.value % 3:
            found.append(
                postgresql.ExcludeConstraint(
                    (self.name("b"), "="), name=self.name(f"x{number}"), using="btree"
                )
            )
        if "b" in own and second:
            found.append(self.foreign_key(choice))
        return found

    def foreign_key(self, choice: Choice) -> sa.ForeignKeyConstraint:
        """Return a foreign key; cycles are possible, and tables that refer to themselves."""
        first, _, third = choice.flags
        tables = sorted(each.number for each in self.parts["t"])
        target = self.name(f"t{tables[choice.value % len(tables)]}")
        return sa.ForeignKeyConstraint(
            [self.name("b")],
            [f"{SCHEMA}.{target}.{self.name('id')}"],
            name=self.name(f"fk{choice.number}"),
            ondelete="cascade" if first else None,
            deferrable=third or None,
        )

    def indexes(self, choice: Choice) -> Sequence[sa.Index]:
        """Return the index of a table."""
        if "a" not in self.columns_of(choice):
            return []
        key, column = self.quoted("id"), self.quoted("a")
        call = self.call(choice, reads=False)
        forms: list[tuple[Any, dict[str, Any]]] = [
            (self.name("a"), {"postgresql_where": sa.text(f"{key} > {choice.value % 2}")}),
            (sa.text(f"{column} desc nulls last"), {}),
            (self.name("a"), {"unique": choice.number != PARTITIONED}),
            (self.name("a"), {"postgresql_using": "hash"}),
            (self.name("a"), {"postgresql_include": [self.name("id")]}),
            (sa.text(f"({call or f'lower({column})'})"), {}),
        ]
        expression, options = forms[choice.value % len(forms)]
        name = self.name(f"i{choice.number}")
        return [sa.Index(name, expression, info=_about(is_commented=choice.flags[2]), **options)]


def reads_table(function: Choice) -> bool:
    """Tell whether a function reads a table, where there is one."""
    return function.value % 3 == 0


def escaped(text: str) -> str:
    """Return SQL whose colons SQLAlchemy does not take for parameters."""
    return text.replace(":", "\\:")


def _about(*, is_commented: bool) -> dict[str, str]:
    return {"comment": "It's 100% :x."} if is_commented else {}
